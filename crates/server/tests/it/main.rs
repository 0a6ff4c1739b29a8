//! The doors, through their router.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api;
mod crawl;
mod exposures;
mod flags;
mod growthbook;
mod hostile;
mod measured;
mod mlflow;
mod ofrep;
mod pages;
mod security;
mod states;
mod twins;
mod world;
