//! Estimates from numbers: no tables, no experiments, no I/O, no clock, no unseeded randomness.
//!
//! Every method takes sufficient statistics ([`Moments`]) or small slices, and answers with an
//! [`Estimate`] or says why there is none ([`NotEstimable`]); never a neutral placeholder.
//!
//! | module | question |
//! |---|---|
//! | [`mod@lift`] | How much does a treatment change a mean, proportion or ratio? (Welch, delta method, CUPED) |
//! | [`mod@pooled`] | The same with one variance for both groups (Student, pooled z) |
//! | [`mod@fieller`], [`mod@one_sided`] | The relative lift over a noisy baseline; one direction only, and accepted harm |
//! | [`one_sample`] | What is the value in one group? |
//! | [`quantile`] | How does a quantile of units, or of events, change? |
//! | [`regression`], [`cluster`] | Which coefficients, with robust errors, when rows are independent or come in clusters? |
//! | [`adjustment`] | What is left of the noise after covariates or strata? (Lin, analysis of covariance, post-stratification) |
//! | [`capping`] | What does the treatment do once extreme values are pulled in? (winsorised, trimmed) |
//! | [`funnel`], [`retention`] | At which step are people lost; do they come back? |
//! | [`srm`] | Did units arrive in the configured shares? |
//! | [`factorial`] | Several things varied at once: main effects, interactions, overlapping layers |
//! | [`switchback`], [`hac`] | What does a treatment do that a whole region has at a time? |
//! | [`synthetic_control`], [`geo`], [`matched_markets`] | What did a treatment do in one market, or in some? |
//! | [`interleaving`] | Which of two rankers do people prefer? |
//! | [`several_variants`], [`missing_days`] | Did units see several variants; did days go missing? |
//! | [`segment_search`], [`pre_exposure`] | Which segment explains a broken split; were the arms alike before? |
//! | [`novelty`] | Does the effect fade or grow with the days since exposure? |
//! | [`outliers`], [`assumptions`], [`underpowered`] | Does the answer hang on few units, on skewness, on luck? |
//! | [`meta`], [`shrinkage`] | Do effects differ; what is their mean; how great is the best one really? |
//! | [`programme`] | What did the winners of many experiments add up to? |
//! | [`realised`] | What are they worth in money? |
//! | [`recalibration`], [`brier`] | Do stated probabilities mean what they say, and how good were they? |
//! | [`throughput`], [`three_point`] | By which day will so many items be done; what does a stated range mean? |
//! | [`selection`] | Which set of items is worth most under capacities? |
//! | [`group_sequential`], [`confidence_sequence`], [`msprt`] | May we stop now, having looked before? |
//! | [`sequential_srm`] | The split, watched all the time |
//! | [`bayes`], [`bayes_ratio`] | How likely is the treatment better, and what is lost if not? |
//! | [`rates`] | Do rare events come more often per unit of exposure? |
//! | [`trigger`] | What is an effect among the triggered worth over all units? |
//! | [`wild_bootstrap`] | What is the effect when few clusters were randomised? |
//! | [`best_arm`] | Is the best of several arms known, at an error rate? |
//! | [`bandit`], [`contextual`] | How often should each arm be played, and is the best one known? |
//! | [`adaptive`], [`off_policy`] | What are arms worth when assignment was adapted; what would another policy earn? |
//! | [`multiplicity`], [`gatekeeping`] | Which of several results still count? |
//! | [`mod@dunnett`] | Which of several treatments differ from the control they share? |
//! | [`design`] | How many units and days for a metric, with clusters, covariates, many arms, looks? Will a running one end well? |
//! | [`running`] | How long will it take; will it, as it looks now, end well? |
//! | [`outlook`] | Will a running experiment yet show its effect, at one of the looks to come? |
//! | [`rule`] | Power and detectable effects under each rule of deciding: fixed, sequential, Bayesian |
//! | [`power`] | What could a comparison have found, and how many units would it take? |
//! | [`apportion`] | How is a whole shared so that rounded parts add up to it? |
//! | [`trend`] | Will a target be met by the end of a period? |
//! | [`dist`] | Tails and quantiles of the reference distributions |
//! | [`rng`] | Random numbers that replay by seed, stream and index |
//!
//! A method is one file: its header states Question, Estimand, Assumptions, Formula, Reference and Golden source.

pub mod adaptive;
pub mod adjustment;
pub mod apportion;
pub mod assumptions;
pub mod bandit;
pub mod bayes;
pub mod bayes_ratio;
pub mod best_arm;
mod binomial;
pub mod brier;
pub mod capping;
pub mod cluster;
pub mod confidence_sequence;
pub mod contextual;
pub mod design;
pub mod dist;
pub mod dunnett;
pub mod estimate;
pub mod factorial;
pub mod fieller;
pub mod funnel;
pub mod gatekeeping;
pub mod geo;
pub mod group_sequential;
pub mod hac;
pub mod interleaving;
pub mod lift;
pub mod lin;
mod linear;
pub mod matched_markets;
mod matrix;
pub mod meta;
pub mod missing_days;
pub mod moments;
pub mod msprt;
pub mod multiplicity;
mod noncentral;
pub mod novelty;
pub mod off_policy;
pub mod one_sample;
pub mod one_sided;
pub mod outliers;
pub mod outlook;
pub mod pooled;
pub mod power;
pub mod pre_exposure;
pub mod programme;
pub mod quantile;
pub mod rates;
pub mod realised;
pub mod recalibration;
pub mod regression;
pub mod retention;
pub mod rng;
pub mod rule;
pub mod running;
pub mod segment_search;
pub mod selection;
pub mod sequential_srm;
pub mod several_variants;
pub mod shrinkage;
pub mod srm;
pub mod switchback;
pub mod synthetic_control;
pub mod three_point;
pub mod throughput;
pub mod trend;
pub mod trigger;
pub mod underpowered;
pub mod wild_bootstrap;

pub use estimate::{Estimate, NotEstimable, Reason};
pub use lift::{AdjustedLift, Comparison, Lift, Slopes, Statistic, lift, lift_with};
pub use moments::Moments;
pub use rng::Rng;
