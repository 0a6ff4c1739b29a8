//! Estimates from numbers: no tables, no experiments, no I/O, no clock, no unseeded randomness.
//!
//! Every method takes sufficient statistics ([`Moments`]) or small slices, and answers with an
//! [`Estimate`] or says why there is none ([`NotEstimable`]); never a neutral placeholder.

pub mod dist;
pub mod estimate;
pub mod lift;
mod linear;
pub mod moments;
pub mod multiplicity;
pub mod one_sample;
pub mod power;
pub mod rng;
pub mod srm;
pub mod trend;

pub use estimate::{Estimate, NotEstimable, Reason};
pub use lift::{Comparison, Lift, Statistic, lift};
pub use moments::Moments;
pub use rng::Rng;
