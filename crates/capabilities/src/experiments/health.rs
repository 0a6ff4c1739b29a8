//! Can the readout be believed? The sample-ratio check, and what else was found in the exposures.

use steward_definitions::{Dataset, Experiment};

use super::cells::Cells;
use super::inference::{sample_ratio, sequential_sample_ratio_p};
use super::query::{SEVERAL_ARMS, UNKNOWN_ARM};
use super::readout::{Arm, Health, Problem, SampleRatio};

/// Below this p-value the planned split is broken (Fabijan et al., KDD 2019, use 0.0005 to 0.001).
pub const BROKEN: f64 = 0.001;

pub(super) fn problem(code: &str, severity: &str, message: String) -> Problem {
    Problem {
        code: code.into(),
        severity: severity.into(),
        message,
    }
}

/// Share of units in several variants from which assignment is not sticky: what is left is no random part.
const SEVERAL: f64 = 0.05;

/// Cumulative units by arm at the end of each day with exposures.
fn by_day(arms: usize, cells: &Cells) -> Vec<Vec<u64>> {
    let mut looks: Vec<Vec<u64>> = Vec::new();
    let mut last = None;
    for ((day, arm), cell) in &cells.days {
        let (Some(day), Ok(arm)) = (day, usize::try_from(*arm)) else {
            continue;
        };
        if last != Some(*day) {
            looks.push(looks.last().cloned().unwrap_or(vec![0; arms]));
            last = Some(*day);
        }
        if let Some(count) = looks.last_mut().and_then(|l| l.get_mut(arm)) {
            *count += cell.units;
        }
    }
    looks
}

/// Units by arm and what they say. While it is `running`, the split is judged by the sequential test. `variants` are rows by variant as written, when some were unknown.
pub fn examine(
    experiment: &Experiment,
    exposures: &Dataset,
    cells: &Cells,
    variants: &[(Option<String>, u64)],
    running: bool,
    mut problems: Vec<Problem>,
) -> (Vec<Arm>, Health) {
    let totals: Vec<_> = (0..experiment.variants.len())
        .map(|arm| cells.total(arm as i64))
        .collect();
    let units: u64 = totals.iter().map(|c| c.units).sum();
    let ripe: u64 = totals.iter().map(|c| c.ripe).sum();
    let weights: f64 = experiment.variants.iter().map(|v| v.weight).sum();
    let mut arms: Vec<Arm> = experiment
        .variants
        .iter()
        .zip(&totals)
        .map(|(v, cell)| {
            let share = if weights > 0.0 { v.weight / weights } else { 0.0 };
            Arm {
                variant: v.name.clone(),
                label: v.label.clone(),
                control: v.control,
                units: cell.units,
                expected: share * units as f64,
                planned_share: share,
            }
        })
        .collect();

    let counts: Vec<u64> = arms.iter().map(|a| a.units).collect();
    let planned: Vec<f64> = arms.iter().map(|a| a.planned_share).collect();
    let srm = split_check(&counts, &planned, cells, running);
    if srm.broken {
        problems.push(problem(
            "sample-ratio",
            "error",
            format!(
                "the split of units is not as planned: {} ({}); find the cause (lost events, a crash in one variant, \
                 bots, a redirect) before reading any lift",
                split(&arms),
                super::verdict::p_value(srm.p.unwrap_or(0.0))
            ),
        ));
    }

    let several = cells.total(SEVERAL_ARMS).units;
    if several > 0 {
        let share = several as f64 / (units + several) as f64;
        let (severity, advice) = if share >= SEVERAL {
            (
                "error",
                "so many that those left are no random part; mend the assignment before reading any lift",
            )
        } else {
            ("warning", "check that assignment is sticky")
        };
        problems.push(problem(
            "several-variants",
            severity,
            format!(
                "{several} units ({:.2}%) were exposed in several variants and are left out; {advice}",
                share * 100.0
            ),
        ));
    }
    let unknown = cells.total(UNKNOWN_ARM).units;
    if unknown > 0 {
        let known: Vec<&str> = experiment.variants.iter().map(|v| v.name.as_str()).collect();
        let found: Vec<String> = variants
            .iter()
            .filter(|(v, _)| v.as_deref().is_none_or(|v| !known.contains(&v)))
            .take(5)
            .map(|(v, n)| match v {
                Some(v) => format!("{v:?} ({n} rows)"),
                None => format!("no value ({n} rows)"),
            })
            .collect();
        problems.push(problem(
            "unknown-variant",
            "warning",
            format!(
                "{unknown} units have a variant that the experiment does not name: {}; the experiment knows {}",
                if found.is_empty() {
                    "see the variant column".to_string()
                } else {
                    found.join(", ")
                },
                known.join(", ")
            ),
        ));
    }
    for arm in &arms {
        if arm.units == 0 && units > 0 {
            problems.push(problem(
                "empty-arm",
                "error",
                format!(
                    "no unit was exposed in {:?}; is it written so in {}?",
                    arm.variant, exposures.meta.name
                ),
            ));
        }
    }
    let immature = units - ripe.min(units);
    if immature > 0 {
        problems.push(problem(
            "immature",
            "warning",
            format!("{immature} of {units} units are still within their window and do not count in the metrics yet"),
        ));
    }
    problems.sort_by(|a, b| a.severity.cmp(&b.severity));
    arms.sort_by_key(|a| !a.control);
    let health = Health {
        ok: problems.iter().all(|p| p.severity != "error"),
        srm,
        units,
        units_in_several_variants: several,
        units_in_unknown_variants: unknown,
        units_immature: immature,
        exposed: None,
        suspects: Vec::new(),
        pre_exposure: Vec::new(),
        novelty: Vec::new(),
        tails: Vec::new(),
        problems,
    };
    (arms, health)
}

/// The sample-ratio check of the units of each arm.
pub(super) fn split_check(counts: &[u64], planned: &[f64], cells: &Cells, running: bool) -> SampleRatio {
    let looks = by_day(counts.len(), cells);
    let sequential_p = if looks.is_empty() {
        None
    } else {
        sequential_sample_ratio_p(&looks, planned).ok()
    };
    // Who looks every day at a test of one look finds a broken split sooner or later, where there is none.
    let watched = sequential_p.filter(|_| running);
    let method = if watched.is_some() { "sequential" } else { "fixed" };
    let mut srm = SampleRatio {
        p: None,
        method: method.into(),
        fixed_p: None,
        sequential_p,
        broken: false,
        statistic: None,
        not_estimable: None,
    };
    match sample_ratio(counts, planned) {
        Ok((p, statistic)) => {
            let judged = watched.unwrap_or(p);
            srm.p = Some(judged);
            srm.fixed_p = Some(p);
            srm.broken = judged < BROKEN;
            srm.statistic = statistic;
        }
        Err(e) => srm.not_estimable = Some(e),
    }
    srm
}

/// `A 50.6% (planned 50.0%), B 49.4% (planned 50.0%)`.
pub fn split(arms: &[Arm]) -> String {
    let units: u64 = arms.iter().map(|a| a.units).sum();
    let parts: Vec<String> = arms
        .iter()
        .map(|a| {
            let share = if units > 0 {
                a.units as f64 / units as f64 * 100.0
            } else {
                0.0
            };
            format!(
                "{} {} units, {share:.1}% (planned {:.1}%)",
                a.variant,
                a.units,
                a.planned_share * 100.0
            )
        })
        .collect();
    parts.join("; ")
}

/// Adds findings, worst first.
pub fn add(health: &mut Health, problems: Vec<Problem>) {
    health.problems.extend(problems);
    health.problems.sort_by(|a, b| a.severity.cmp(&b.severity));
    health.ok = health.problems.iter().all(|p| p.severity != "error");
}
