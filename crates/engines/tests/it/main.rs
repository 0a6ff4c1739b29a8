#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
mod bad_input;
mod dialects;
mod keys;
mod order;
mod queries;
mod suite;
mod support;
mod text_files;
