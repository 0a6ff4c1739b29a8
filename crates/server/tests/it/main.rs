//! The doors, through their router.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crawl;
mod hostile;
mod pages;
mod states;
mod twins;
mod world;
