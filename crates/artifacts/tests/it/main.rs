//! The artifact store through its front door.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod folder;
mod suite;
