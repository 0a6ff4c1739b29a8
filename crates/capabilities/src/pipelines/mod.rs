//! What is due, and what came out?
