//! Behaviour of the statistics through their public functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod additions;
mod bandit;
mod bayes;
mod design;
mod designs;
mod fading;
mod geo;
mod golden;
mod health;
mod heterogeneity;
mod lift;
mod lin;
mod metrics;
mod moments;
mod multiple;
mod numbers;
mod outlook;
mod quantile;
mod rates;
mod regression;
mod rng;
mod rule;
mod sequential;
mod sided;
mod simulated;
mod trend;
mod value;
