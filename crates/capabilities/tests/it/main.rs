//! The rooms, through their public surface, over the embedded engine and a real ledger.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
mod places;

mod bad_values;
mod bandits;
mod designs;
mod distributions;
mod engines;
mod experiments;
mod finance;
mod governance;
mod hillstrom;
mod inference;
mod measured;
mod metrics;
mod onboarding;
mod outlook;
mod people;
mod pipelines;
mod planning;
mod plans;
mod portfolio;
mod programme;
mod quality;
mod references;
mod registry;
mod reports;
mod roadmap;
mod shop;
mod value;
