//! Power under each rule of deciding: one test and planned looks against the planned comparison (statsmodels), the others
//! against simulated paths that are decided as the readout decides them.

use steward_stats::bayes::{Better, NormalPrior, normal};
use steward_stats::confidence_sequence::confidence_sequence;
use steward_stats::design::{Looks, Metric, Plan};
use steward_stats::group_sequential::{Sides, Spending};
use steward_stats::msprt::msprt;
use steward_stats::rule::{Deciding, Rule};
use steward_stats::{Rng, power};

const LOOKS: u32 = 8;
const PATHS: u64 = 4000;

fn deciding(rule: Rule) -> Deciding {
    Deciding {
        rule,
        alpha: 0.05,
        sides: Sides::Two,
    }
}

/// Share of simulated paths that `found` finds for an effect of `shift` with standard error 1 at the end; it sees
/// (estimate, standard error) of all looks.
fn simulated(shift: f64, found: impl Fn(&[(f64, f64)]) -> bool) -> f64 {
    let mut hits = 0;
    for path in 0..PATHS {
        let mut rng = Rng::keyed(7, &[path]);
        let mut sum = 0.0;
        let looks: Vec<(f64, f64)> = (1..=LOOKS)
            .map(|k| {
                let t = f64::from(k) / f64::from(LOOKS);
                sum += rng.normal() / f64::from(LOOKS).sqrt();
                // B(t) has variance t; the estimate is B(t)/t plus the truth.
                (shift + sum / t, 1.0 / t.sqrt())
            })
            .collect();
        hits += u64::from(found(&looks));
    }
    hits as f64 / PATHS as f64
}

fn agrees(planned: f64, simulated: f64) {
    let se = (planned * (1.0 - planned) / PATHS as f64).sqrt();
    assert!(
        (planned - simulated).abs() < 4.0 * se + 1e-3,
        "planned {planned}, simulated {simulated}"
    );
}

#[test]
fn one_test_and_planned_looks_are_those_of_the_planned_comparison() {
    let fixed = deciding(Rule::Fixed);
    assert!((fixed.power(2.0, 0.8).unwrap() - power::power(2.0, 0.8, 0.05).unwrap()).abs() < 1e-12);
    let found = fixed.detectable(&|_| 0.8, f64::INFINITY, 0.8).unwrap();
    assert!((found / power::minimum_detectable(0.8, 0.05, 0.8).unwrap() - 1.0).abs() < 1e-6);

    let looks = Looks {
        fractions: vec![0.25, 0.5, 0.75, 1.0],
        spending: Spending::ObrienFleming,
    };
    let mut plan = Plan::new(Metric::Mean { mean: 10.0, sd: 4.0 }, 0.05);
    plan.looks = Some(looks.clone());
    let sequential = deciding(Rule::GroupSequential(looks));
    let (effect, n) = (0.5, 900.0);
    assert!((sequential.power(effect, plan.se(n, effect)).unwrap() - plan.power(effect, n).unwrap()).abs() < 1e-9);
    let factor = sequential.units_factor(effect, plan.se(n, effect), 0.9).unwrap();
    assert!((factor * n / plan.required(effect, 0.9).unwrap().n_control - 1.0).abs() < 1e-5);
}

#[test]
fn always_valid_rules_find_what_their_paths_find() {
    let sequence = deciding(Rule::ConfidenceSequence {
        looks: LOOKS,
        tuned: 1.0,
    });
    let mixture = deciding(Rule::Msprt { looks: LOOKS, tau: 1.5 });
    for shift in [2.0, 3.0, 4.0] {
        let n = 1000;
        let by_sequence = simulated(shift, |looks| {
            looks.iter().enumerate().any(|(k, (point, se))| {
                let units = n * (k as u64 + 1) / u64::from(LOOKS);
                confidence_sequence(*point, *se, units, 0.95, n as f64, Sides::Two)
                    .unwrap()
                    .low
                    > 0.0
            })
        });
        agrees(sequence.power(shift, 1.0).unwrap(), by_sequence);
        let by_mixture = simulated(shift, |looks| {
            let found = msprt(looks, 1.5, n, 0.95).unwrap();
            found.rejected_at.is_some_and(|k| looks[k].0 > 0.0)
        });
        agrees(mixture.power(shift, 1.0).unwrap(), by_mixture);
    }
}

#[test]
fn a_chance_to_win_is_found_as_often_as_its_posterior_says() {
    let rule = Rule::Bayesian {
        chance: 0.95,
        prior_mean: 0.3,
        prior_sd: Some(2.0),
    };
    let one_sided = Deciding {
        sides: Sides::Greater,
        ..deciding(rule)
    };
    let prior = NormalPrior { mean: 0.3, sd: 2.0 };
    for shift in [1.0, 2.5] {
        let found = simulated(shift, |looks| {
            let (point, se) = looks[looks.len() - 1];
            normal(point, se, 1000, Some(prior), 0.95, Better::Higher)
                .unwrap()
                .chance_to_win
                >= 0.95
        });
        agrees(one_sided.power(shift, 1.0).unwrap(), found);
    }
}

#[test]
fn every_rule_finds_its_detectable_effect_with_the_wanted_power() {
    for rule in [
        Rule::Fixed,
        Rule::ConfidenceSequence { looks: 5, tuned: 1.0 },
        Rule::Msprt { looks: 5, tau: 0.7 },
        Rule::Bayesian {
            chance: 0.9,
            prior_mean: 0.0,
            prior_sd: Some(1.0),
        },
    ] {
        let d = deciding(rule);
        let effect = d.detectable(&|_| 0.4, f64::INFINITY, 0.8).unwrap();
        assert!((d.power(effect, 0.4).unwrap() - 0.8).abs() < 1e-5, "{d:?}");
        assert!((d.units_factor(effect, 0.4, 0.8).unwrap() - 1.0).abs() < 1e-4, "{d:?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let fixed = deciding(Rule::Fixed);
    assert!(fixed.power(1.0, 0.0).is_err() && fixed.power(f64::NAN, 1.0).is_err());
    assert!(
        fixed.detectable(&|_| 1.0, 0.5, 0.8).is_err(),
        "an effect beyond what is possible"
    );
    assert!(fixed.units_factor(0.0, 1.0, 0.8).is_err() && fixed.units_factor(1.0, 1.0, 0.01).is_err());
    let one_sided = Deciding {
        sides: Sides::Greater,
        ..deciding(Rule::Msprt { looks: 3, tau: 1.0 })
    };
    assert!(one_sided.power(1.0, 1.0).is_err());
    assert!(
        deciding(Rule::ConfidenceSequence { looks: 0, tuned: 1.0 })
            .power(1.0, 1.0)
            .is_err()
    );
}
