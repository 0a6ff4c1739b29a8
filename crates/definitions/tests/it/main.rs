#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod bandits;
mod collected;
mod contracts;
mod designs;
mod draft;
mod edit;
mod examples;
mod flags;
mod hostile;
mod measured;
mod plan;
mod projects;
mod rendering;
mod schema;
mod semantic;
mod sql;
mod support;
