//! Ledger entries.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// An event to append.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What happened, `room.verb`: `definitions.applied`, `decision.made`, `evidence.recorded`.
    pub kind: String,
    /// What it is about: `experiment/checkout`, `project`.
    pub subject: String,
    /// Who: a person's handle or `policy/NAME`.
    pub actor: String,
    /// Facts of the event; holds no personal data.
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
