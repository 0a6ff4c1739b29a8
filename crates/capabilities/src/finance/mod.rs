//! What does each model cost, what is it worth, and what was promised to whom?
//!
//! Charges are facts, kept as they were delivered; costs are summed by the engine and allocated in whole minor units:
//! what is allocated and what is not adds up to the bill, to the cent.

mod allocate;
mod anomalies;
mod budgets;
mod calendar;
mod contracts;
mod digest;
mod focus;
mod import;
mod pnl;
mod terms;
mod types;

pub use allocate::allocation;
pub use anomalies::anomalies;
pub use budgets::{budget, budgets};
pub use calendar::calendar;
pub use contracts::{contract, contracts};
pub use import::{ImportReport, PeriodReport, RuleBroken, Standing, import};
pub use pnl::models;
pub use terms::{Term, Terms};
pub use types::*;
