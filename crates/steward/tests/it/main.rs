//! The house from outside.

mod architecture;
