//! The rule that an experiment is planned to be decided by: the one asked for, else that of its definition.

use steward_definitions::{
    Alternative, Demand, EffectScale, Experiment, InferenceMethod, Looks as Defined, Spending as Spent,
};
use steward_stats::design::Looks;
use steward_stats::group_sequential::Spending;
use steward_stats::rule::Rule;

use super::PowerOptions;

/// Rules in words.
pub const METHODS: [&str; 5] = ["fixed", "group-sequential", "confidence-sequence", "msprt", "bayesian"];
/// Looks at which a rule that may be looked at always is evaluated.
const ALWAYS: u32 = 14;

/// The rule in a word.
pub fn word<'a>(experiment: &Experiment, options: &'a PowerOptions) -> &'a str {
    match (&options.method, &experiment.inference.method) {
        (Some(asked), _) => asked,
        (None, InferenceMethod::Fixed) => "fixed",
        (None, InferenceMethod::GroupSequential { .. }) => "group-sequential",
        (None, InferenceMethod::AlwaysValid { .. }) => "confidence-sequence",
        (None, InferenceMethod::Msprt { .. }) => "msprt",
        (None, InferenceMethod::Bayesian { .. }) => "bayesian",
    }
}

/// Whether only one direction counts.
pub fn one_sided(experiment: &Experiment, options: &PowerOptions) -> bool {
    options.one_sided || experiment.inference.alternative != Alternative::TwoSided
}

fn even(looks: u32) -> Vec<f64> {
    (1..=looks).map(|k| f64::from(k) / f64::from(looks)).collect()
}

/// The rule for a metric of this |baseline|, with so many units in the control and a treatment.
pub fn rule(experiment: &Experiment, options: &PowerOptions, baseline: f64, pair: f64) -> Rule {
    let chance = experiment.decide.ship_if.iter().find_map(|c| match c.demand {
        Demand::ChanceToWin(chance) if chance > 0.5 => Some(chance),
        _ => None,
    });
    if options.method.is_none() {
        match &experiment.inference.method {
            InferenceMethod::Fixed => return Rule::Fixed,
            InferenceMethod::GroupSequential { spending, looks } => {
                let fractions = match looks {
                    Defined::Number(n) => even(u32::try_from(*n).unwrap_or(1).clamp(1, 50)),
                    Defined::Fractions(all) => all.clone(),
                    Defined::Moments(all) => even(u32::try_from(all.len()).unwrap_or(1).clamp(1, 50)),
                };
                let spending = match *spending {
                    Spent::ObrienFleming => Spending::ObrienFleming,
                    Spent::Pocock => Spending::Pocock,
                    Spent::KimDemets { rho } => Spending::KimDemets { power: rho },
                };
                return Rule::GroupSequential(Looks { fractions, spending });
            }
            InferenceMethod::AlwaysValid { tuned_for } => {
                let tuned = tuned_for.map_or(1.0, |n| n as f64 / pair);
                return Rule::ConfidenceSequence { looks: ALWAYS, tuned };
            }
            InferenceMethod::Msprt { tau, scale } => {
                let tau = if *scale == EffectScale::Relative {
                    tau * baseline
                } else {
                    *tau
                };
                return Rule::Msprt { looks: ALWAYS, tau };
            }
            InferenceMethod::Bayesian { prior } => {
                let unit = if prior.scale == EffectScale::Relative {
                    baseline
                } else {
                    1.0
                };
                return Rule::Bayesian {
                    chance: chance.unwrap_or(options.chance),
                    prior_mean: prior.mean * unit,
                    prior_sd: Some(prior.sd * unit),
                };
            }
        }
    }
    match word(experiment, options) {
        "group-sequential" => Rule::GroupSequential(Looks {
            fractions: even(options.looks),
            spending: Spending::ObrienFleming,
        }),
        "confidence-sequence" => Rule::ConfidenceSequence {
            looks: ALWAYS,
            tuned: 1.0,
        },
        "msprt" => Rule::Msprt {
            looks: ALWAYS,
            tau: options.plausible * baseline,
        },
        "bayesian" => Rule::Bayesian {
            chance: options.chance,
            prior_mean: 0.0,
            prior_sd: Some(options.plausible * baseline),
        },
        _ => Rule::Fixed,
    }
}
