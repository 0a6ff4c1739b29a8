//! Health beyond the split: where a broken split comes from, whether the arms were alike before exposure, days that are
//! missing. What is found here as an error changes the verdict.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use steward_definitions::Experiment;
use steward_stats::{multiplicity, segment_search, underpowered as power};

use super::cells::Cells;
use super::dimensions::UnitDimension;
use super::health::{BROKEN, problem};
use super::readout::{MetricReadout, PreExposure, Problem, Role};

/// Codes of problems that forbid reading any lift, where they are errors.
pub const FORBIDDING: [&str; 4] = [
    "exposed-sample-ratio",
    "pre-exposure-bias",
    "arm-missing-day",
    "several-variants",
];

/// Power below which the smallest lift worth having would more likely than not be missed or overstated.
const ENOUGH_POWER: f64 = 0.8;

/// Expected units of an arm on a day from which none at all is no accident: e⁻²⁰ is 2e-9.
const NO_ACCIDENT: f64 = 20.0;

/// Most segments named for a broken split.
const MOST_SUSPECTS: usize = 5;

/// Segments whose own split is broken, the one that explains the whole first.
pub fn suspects(experiment: &Experiment, dimensions: &[UnitDimension], cells: &Cells) -> Vec<segment_search::Suspect> {
    let arms = experiment.variants.len();
    let mut segments = Vec::new();
    for (dimension, values) in dimensions.iter().zip(&cells.segments) {
        let mut units: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for ((value, arm), cell) in values {
            if let Ok(arm) = usize::try_from(*arm)
                && let Some(count) = units.entry(value).or_insert_with(|| vec![0; arms]).get_mut(arm)
            {
                *count += cell.units;
            }
        }
        segments.extend(units.into_iter().map(|(value, units)| segment_search::Segment {
            dimension: dimension.name.clone(),
            value: value.to_string(),
            units,
        }));
    }
    let weights: Vec<f64> = experiment.variants.iter().map(|v| v.weight).collect();
    let mut found = segment_search::search(&segments, &weights, BROKEN).unwrap_or_default();
    found.retain(|s| s.adjusted_p < BROKEN);
    found.truncate(MOST_SUSPECTS);
    found
}

/// Says where a broken split comes from.
pub fn explain_split(suspects: &[segment_search::Suspect], experiment: &Experiment) -> Option<Problem> {
    let first = suspects.first()?;
    let counts: Vec<String> = experiment
        .variants
        .iter()
        .zip(&first.units)
        .map(|(v, units)| format!("{} {units}", v.name))
        .collect();
    let rest = match first.p_without {
        Some(p) if first.explains => format!(
            "; without it the split is as planned ({}), so look for the cause there",
            super::verdict::p_value(p)
        ),
        Some(_) => "; the split is broken elsewhere too".to_string(),
        None => String::new(),
    };
    Some(problem(
        "sample-ratio-segment",
        "warning",
        format!(
            "the split is most broken where {} is {:?} ({}){rest}",
            first.dimension,
            first.value,
            counts.join(", ")
        ),
    ))
}

/// Corrects the pre-exposure tests over metrics and treatments together, and says which are broken.
pub fn pre_exposure(tests: &mut [PreExposure]) -> Vec<Problem> {
    let p: Vec<f64> = tests.iter().filter_map(|t| t.difference.estimate()?.p).collect();
    let Ok(adjusted) = multiplicity::holm(&p) else {
        return Vec::new();
    };
    let tested = tests
        .iter_mut()
        .filter(|t| t.difference.estimate().is_some_and(|e| e.p.is_some()));
    for (test, p) in tested.zip(adjusted) {
        test.adjusted_p = Some(p);
    }
    let broken: Vec<String> = tests
        .iter()
        .filter_map(|t| {
            let p = t.adjusted_p.filter(|p| *p < BROKEN)?;
            Some(format!(
                "{} in {} ({})",
                t.metric,
                t.variant,
                super::verdict::p_value(p)
            ))
        })
        .collect();
    if broken.is_empty() {
        return Vec::new();
    }
    vec![problem(
        "pre-exposure-bias",
        "error",
        format!(
            "the variants differed before anyone was exposed: {}; assignment went by behaviour, an earlier experiment carried \
             over, or exposure is logged late: find the cause before reading any lift",
            broken.join("; ")
        ),
    )]
}

/// Primary metrics that could hardly show the smallest lift worth having, and what a significant one then means.
pub fn underpowered(experiment: &Experiment, metrics: &[MetricReadout]) -> Vec<Problem> {
    let Some(least) = experiment.decide.minimum_effect else {
        return Vec::new();
    };
    let weak: Vec<String> = metrics
        .iter()
        .filter(|m| m.role == Role::Primary)
        .filter_map(|m| {
            let one_look = m.inference.nominal.as_ref().map_or(&m.absolute, |n| &n.absolute).estimate()?;
            let baseline = m.control_value.estimate()?.point.abs();
            let found = power::design(least * baseline, one_look.se, experiment.alpha, ENOUGH_POWER).ok()?;
            found.underpowered.then(|| {
                format!(
                    "{} in {} (power {:.0}%; a significant lift would overstate it {:.1} times on average and have the wrong \
                     sign with chance {:.1}%)",
                    m.metric,
                    m.variant,
                    found.power * 100.0,
                    found.type_m,
                    found.type_s * 100.0
                )
            })
        })
        .collect();
    if weak.is_empty() {
        return Vec::new();
    }
    vec![problem(
        "underpowered",
        "warning",
        format!(
            "too few units so far to show a lift of {:.2}%: {}",
            least * 100.0,
            weak.join("; ")
        ),
    )]
}

/// Days between the first and the last without exposures, and days on which one variant alone has none.
pub fn missing_days(experiment: &Experiment, cells: &Cells) -> Vec<Problem> {
    let mut days: BTreeMap<Date, BTreeMap<i64, u64>> = BTreeMap::new();
    for ((day, arm), cell) in &cells.days {
        if let Some(day) = day
            && *arm >= 0
            && cell.units > 0
        {
            *days.entry(*day).or_default().entry(*arm).or_default() += cell.units;
        }
    }
    let (Some(first), Some(last)) = (days.keys().next().copied(), days.keys().next_back().copied()) else {
        return Vec::new();
    };
    let total: u64 = days.values().flat_map(BTreeMap::values).sum();
    let mut found = Vec::new();
    let typical = total as f64 / days.len() as f64;
    let mut empty = BTreeSet::new();
    let mut day = first;
    while day < last {
        if !days.contains_key(&day) {
            empty.insert(day);
        }
        match day.checked_add(1.day()) {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    if !empty.is_empty() && typical >= NO_ACCIDENT {
        found.push(problem(
            "missing-days",
            "warning",
            format!(
                "no unit was exposed on {}, between {first} and {last} with about {typical:.0} a day; are exposures complete?",
                listed(&empty)
            ),
        ));
    }
    let weights: f64 = experiment.variants.iter().map(|v| v.weight).sum();
    for (arm, variant) in experiment.variants.iter().enumerate() {
        let share = if weights > 0.0 { variant.weight / weights } else { 0.0 };
        // An arm without any unit is said elsewhere.
        if !days.values().any(|arms| arms.contains_key(&(arm as i64))) {
            continue;
        }
        let gone: BTreeSet<Date> = days
            .iter()
            .filter(|(_, arms)| {
                let seen: u64 = arms.values().sum();
                !arms.contains_key(&(arm as i64)) && share * seen as f64 >= NO_ACCIDENT
            })
            .map(|(day, _)| *day)
            .collect();
        if !gone.is_empty() {
            found.push(problem(
                "arm-missing-day",
                "error",
                format!(
                    "no unit was exposed in {:?} on {} while the other variants had theirs; the variants saw different days: \
                     leave those days out, or mend the exposures",
                    variant.name,
                    listed(&gone)
                ),
            ));
        }
    }
    found
}

fn listed(days: &BTreeSet<Date>) -> String {
    let mut shown: Vec<String> = days.iter().take(3).map(Date::to_string).collect();
    if days.len() > 3 {
        shown.push(format!("{} more", days.len() - 3));
    }
    shown.join(", ")
}
