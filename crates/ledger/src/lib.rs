//! The ledger: what was decided, by whom, when, on which evidence. Append-only, hash-chained events;
//! projections folded from them; evidence stored under the digest of what it was computed from.
//!
//! The bytes that are hashed, the export and how to verify both without this program stand in
//! `docs/ledger-format.md`.

pub mod canonical;
mod chain;
pub mod error;
pub mod event;
pub mod evidence;
mod export;
pub mod ledger;
pub mod projection;
mod store;
mod verify;

pub use error::LedgerError;
pub use event::{Event, NewEvent};
pub use evidence::{Evidence, EvidenceKey};
pub use ledger::{Clock, Filter, Ledger, Verification};
pub use projection::Projection;
