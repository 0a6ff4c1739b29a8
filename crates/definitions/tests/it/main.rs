#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod draft;
mod examples;
mod plan;
mod semantic;
mod sql;
