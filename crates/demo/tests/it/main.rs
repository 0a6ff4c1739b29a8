//! Larkspur's world, judged from outside: by its files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod company;
mod coverage;
mod customers;
mod errors;
mod example;
mod faults;
mod same_bytes;
mod table;
mod truths;
