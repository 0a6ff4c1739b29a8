//! Ledger entries.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{LedgerError, canonical};

/// Kinds that only the ledger itself appends.
const RESERVED: &str = "private.";
/// An erasure; its payload is `{"commitment", "reason", "sequence"}`.
pub(crate) const ERASED: &str = "private.erased";

/// An event to append.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What happened, `room.verb`: `definitions.applied`, `decision.made`, `evidence.recorded`.
    pub kind: String,
    /// What it is about: `experiment/checkout`, `project`.
    pub subject: String,
    /// Who: a person's handle or `policy/NAME`.
    pub actor: String,
    /// Facts of the event; holds no personal data. An object in it with the two keys of
    /// [`crate::Evidence::citation`] ties the evidence it names into the chain.
    pub payload: Value,
    /// Facts that may hold personal data: kept outside the chain behind a salted commitment, so that they can be erased.
    pub private: Option<Value>,
}

/// An appended event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position, from 1, without gaps.
    pub sequence: u64,
    /// UUIDv7.
    pub id: Uuid,
    /// When, microseconds since 1970 UTC; never before its predecessor.
    pub at_us: i64,
    /// See [`NewEvent::kind`].
    pub kind: String,
    /// See [`NewEvent::subject`].
    pub subject: String,
    /// See [`NewEvent::actor`].
    pub actor: String,
    /// See [`NewEvent::payload`].
    pub payload: Value,
    /// See [`NewEvent::private`]; `None` if there was none or it was erased.
    pub private: Option<Value>,
    /// SHA-256 (hex) over salt and private payload, if there was one.
    pub commitment: Option<String>,
    /// SHA-256 (hex) over the predecessor's hash and this event's canonical bytes.
    pub hash: String,
}

impl NewEvent {
    /// Refuses what could not be found or told apart later.
    pub(crate) fn check(&self) -> Result<(), LedgerError> {
        let plain = |text: &str| !text.is_empty() && text.len() <= 512 && !text.chars().any(char::is_control);
        let is_kind = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        if !plain(&self.kind) || !self.kind.chars().all(is_kind) || self.kind.split('.').any(str::is_empty) {
            let cause = "expected room.verb in lower case, such as decision.made";
            return Err(LedgerError::invalid("kind of event", cause));
        }
        if self.kind.starts_with(RESERVED) {
            let cause = "only the ledger appends these: call erase";
            return Err(LedgerError::invalid(format!("kind of event {:?}", self.kind), cause));
        }
        if ![Some(&self.payload), self.private.as_ref()]
            .into_iter()
            .flatten()
            .all(canonical::readable)
        {
            let cause = format!("it nests deeper than {} levels", canonical::DEEPEST);
            return Err(LedgerError::invalid(format!("payload of a {} event", self.kind), cause));
        }
        for (what, text) in [("subject", &self.subject), ("actor", &self.actor)] {
            if !plain(text) {
                let cause = "expected 1 to 512 bytes without control characters";
                return Err(LedgerError::invalid(format!("{what} of a {} event", self.kind), cause));
            }
        }
        Ok(())
    }
}

/// What is hashed of an event, as it is stored.
pub(crate) struct EventText<'a> {
    pub sequence: u64,
    pub id: &'a str,
    pub at_us: i64,
    pub kind: &'a str,
    pub subject: &'a str,
    pub actor: &'a str,
    /// Canonical JSON.
    pub payload: &'a str,
    pub commitment: Option<&'a str>,
}

impl EventText<'_> {
    /// Writes the canonical bytes: an object of these fields, in the order of their names.
    pub fn write(&self, out: &mut String) {
        out.push_str("{\"actor\":");
        canonical::write_string(self.actor, out);
        out.push_str(",\"at_us\":");
        out.push_str(&self.at_us.to_string());
        out.push_str(",\"commitment\":");
        match self.commitment {
            Some(commitment) => canonical::write_string(commitment, out),
            None => out.push_str("null"),
        }
        out.push_str(",\"id\":");
        canonical::write_string(self.id, out);
        out.push_str(",\"kind\":");
        canonical::write_string(self.kind, out);
        out.push_str(",\"payload\":");
        out.push_str(self.payload);
        out.push_str(",\"sequence\":");
        out.push_str(&self.sequence.to_string());
        out.push_str(",\"subject\":");
        canonical::write_string(self.subject, out);
        out.push('}');
    }
}
