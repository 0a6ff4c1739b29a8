//! The ledger: what was decided, by whom, when, on which evidence. Append-only, hash-chained events;
//! projections folded from them; evidence stored under the digest of what it was computed from.

pub mod event;
pub mod evidence;
pub mod ledger;

pub use event::{Event, NewEvent};
pub use evidence::{Evidence, EvidenceKey};
pub use ledger::{Filter, Ledger, LedgerError, Projection, Verification};
