//! The hash chain and its verification, one event at a time, whether from the store or from an export.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::canonical::{self, hex, unhex};
use crate::event::ERASED;
use crate::{LedgerError, Verification};

/// What stands before the first event: names the format, so that another format is another chain.
const BEFORE_FIRST: &[u8] = b"steward-ledger/1";

/// A SHA-256.
pub(crate) type Hash = [u8; 32];

/// The hash before the first event; the head of an empty ledger.
pub(crate) fn genesis() -> Hash {
    Sha256::digest(BEFORE_FIRST).into()
}

/// An event's hash.
pub(crate) fn link(previous: &Hash, canonical: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(canonical);
    hasher.finalize().into()
}

/// The commitment to a private payload, in hex.
pub(crate) fn commitment(salt: &[u8], payload: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(payload.as_bytes());
    hex(&hasher.finalize())
}

/// A hash from its 64 hex digits.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    unhex(text)?.try_into().ok()
}

/// What is there of a private payload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Private<'a> {
    /// No trace.
    Absent,
    /// Marked as erased.
    Erased,
    /// Salt in hex, payload as canonical JSON.
    Present { salt: &'a str, payload: &'a str },
}

/// One event as it is presented for verification.
pub(crate) struct Link<'a> {
    pub sequence: u64,
    pub at_us: i64,
    pub kind: &'a str,
    pub payload: &'a str,
    pub commitment: Option<&'a str>,
    pub canonical: &'a [u8],
    pub hash: &'a str,
    pub private: Private<'a>,
}

/// A verification under way, of the whole chain or of a stretch of it. Its memory does not grow with the events,
/// only with the erasures among them.
pub(crate) struct Chain {
    /// The event before the first, and its hash.
    start: (u64, Hash),
    last: u64,
    at_us: i64,
    head: Hash,
    wanted: Option<Hash>,
    found: bool,
    /// Events whose private payload is erased.
    erased: BTreeSet<u64>,
    /// Records of erasures: event, and the event it speaks of.
    erasures: Vec<(u64, Option<u64>)>,
}

impl Chain {
    /// Starts before the first event; `head` is a hash that the chain must contain.
    pub fn new(head: Option<&str>) -> Result<Chain, LedgerError> {
        let wanted = head
            .map(|text| {
                let cause = "expected the 64 hex digits of a hash, as verify prints it";
                hash(&text.trim().to_ascii_lowercase()).ok_or_else(|| LedgerError::invalid("head", cause))
            })
            .transpose()?;
        Ok(Chain {
            start: (0, genesis()),
            last: 0,
            at_us: i64::MIN,
            head: genesis(),
            wanted,
            found: wanted == Some(genesis()),
            erased: BTreeSet::new(),
            erasures: Vec::new(),
        })
    }

    /// A stretch of the same chain that starts after an event with this hash and time.
    pub fn stretch(&self, after: u64, hash: &str, at_us: i64) -> Result<Chain, LedgerError> {
        let broken = || LedgerError::broken(after, "its hash is not one: 64 lower-case hex digits were expected");
        let hash = self::hash(hash).ok_or_else(broken)?;
        Ok(Chain {
            start: (after, hash),
            last: after,
            at_us,
            head: hash,
            wanted: self.wanted,
            found: false,
            erased: BTreeSet::new(),
            erasures: Vec::new(),
        })
    }

    /// The next event expected.
    pub fn next(&self) -> u64 {
        self.last + 1
    }

    /// Takes one event.
    pub fn step(&mut self, event: &Link<'_>) -> Result<(), LedgerError> {
        let expected = self.next();
        if event.sequence != expected {
            let cause = format!(
                "event {} stands in its place: events were dropped or reordered",
                event.sequence
            );
            return Err(LedgerError::broken(expected, cause));
        }
        let broken = |cause: &str| Err(LedgerError::broken(expected, cause));
        let computed = link(&self.head, event.canonical);
        match hash(event.hash) {
            None => return broken("its hash is not one: 64 lower-case hex digits were expected"),
            Some(stored) if stored != computed => {
                return broken("its content does not give its hash: it was edited, or the event before it replaced");
            }
            Some(_) => {}
        }
        if event.at_us < self.at_us {
            return broken("it is dated before its predecessor");
        }
        match (event.commitment, event.private) {
            (None, Private::Absent) => {}
            (None, _) => return broken("it has a private payload but no commitment to one"),
            (Some(_), Private::Absent) => return broken("its private payload is missing and not marked as erased"),
            (Some(_), Private::Erased) => {
                self.erased.insert(expected);
            }
            (Some(commitment), Private::Present { salt, payload }) => {
                let fits = unhex(salt).is_some_and(|salt| self::commitment(&salt, payload) == commitment);
                if !fits {
                    return broken("its private payload does not fit its commitment: it was edited");
                }
            }
        }
        if event.kind == ERASED {
            let payload = canonical::parse(event.payload).unwrap_or(Value::Null);
            let target = payload.get("sequence").and_then(Value::as_u64);
            self.erasures.push((expected, target));
        }
        self.found |= self.wanted == Some(computed);
        self.head = computed;
        self.at_us = event.at_us;
        self.last = expected;
        Ok(())
    }

    /// Puts the stretch that follows behind this one.
    pub fn join(&mut self, next: Chain) -> Result<(), LedgerError> {
        if next.start != (self.last, self.head) {
            return Err(LedgerError::broken(self.next(), "it does not follow its predecessor"));
        }
        self.last = next.last;
        self.at_us = next.at_us;
        self.head = next.head;
        self.found |= next.found;
        self.erased.extend(next.erased);
        self.erasures.extend(next.erasures);
        Ok(())
    }

    /// Ends after the last event. `later` are the events whose erasure was recorded after it, while this was at work.
    pub fn finish(self, later: &[u64]) -> Result<Verification, LedgerError> {
        let mut unexplained = self.erased;
        let erased = unexplained.len() as u64;
        for (sequence, target) in self.erasures {
            if !target.is_some_and(|target| target < sequence && unexplained.remove(&target)) {
                let which = target.map_or("?".to_string(), |target| target.to_string());
                let cause = format!("it erases the private payload of event {which}, which is not erased");
                return Err(LedgerError::broken(sequence, cause));
            }
        }
        for target in later {
            unexplained.remove(target);
        }
        if let Some(first) = unexplained.first() {
            let cause = "its private payload is erased, and no event says by whom and why";
            return Err(LedgerError::broken(*first, cause));
        }
        if !self.found && self.wanted.is_some() {
            let cause = format!(
                "the saved head is not among the {} events before: the last events were dropped, or this is another ledger",
                self.last
            );
            return Err(LedgerError::broken(self.last + 1, cause));
        }
        Ok(Verification {
            events: self.last,
            head: hex(&self.head),
            erased,
        })
    }
}
