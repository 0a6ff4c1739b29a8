//! Does a lift of means hang on few units, or on a distribution too skewed for its interval? Units are counted by
//! logarithmic bucket of their value and arm, so that no rows are read; a bucket's value is right to half a per cent.

use std::collections::BTreeMap;

use steward_compute::{Query, Value};
use steward_stats::assumptions::{Assumptions, assumptions};
use steward_stats::outliers::{Influence, influence};

use super::analyse::Asked;
use super::compute::{Prepared, Runner};
use super::health::problem;
use super::measures::{Compared, Fold, UnitMetric};
use super::over_time::follows;
use super::query::Layout;
use super::readout::{Limits, Problem, Role, Tails};
use super::units::Reach;
use super::writer::Writer;
use crate::CapabilityError;

/// Accuracy of a bucket's value.
const ACCURACY: f64 = 0.005;
/// Most units examined.
const MOST_UNITS: u64 = 1_000_000;
/// Units left out in turn.
const LEFT_OUT: [u64; 2] = [1, 10];
/// Share of all units from which on a lift that hangs on them hangs on many. A true lift of p = 0.001 in a count is undone
/// by leaving out the best one in a thousand.
const FEW: f64 = 0.0001;

/// The query of one metric: units by `arm`, sign `g` and bucket `i` of their value, pulled in at `limits`.
fn query(layout: &Layout, metric: &UnitMetric, limits: Limits) -> Result<Option<Query>, CapabilityError> {
    let Some(variable) = metric.variables.first() else {
        return Ok(None);
    };
    let Some(known) = layout.window.data else {
        return Ok(None);
    };
    let mut w = Writer::new(layout, std::iter::once(metric));
    let exposures = w.exposures()?;
    let facts = w.rows_of(variable, &Reach::of([metric.period].iter(), true));
    let (mut until, mut closed) = (String::new(), String::new());
    if metric.period.is_bounded() {
        let seconds = metric.period.closes();
        until = format!(" AND f.t0 < e.t0 + INTERVAL '{seconds} seconds'");
        let known = w.bind(Value::Timestamp(known));
        closed = format!(" AND e.t0 + INTERVAL '{seconds} seconds' <= {known}");
    }
    let sum = "coalesce(sum(f.x0), CAST(0 AS DOUBLE))";
    let mut pulled = sum.to_string();
    for (sign, limit) in [('>', limits.high), ('<', limits.low)] {
        if let Some(limit) = limit {
            let limit = w.bind(Value::Number(limit));
            pulled = format!("CASE WHEN {sum} {sign} {limit} THEN {limit} ELSE {pulled} END");
        }
    }
    let gamma = w.bind(Value::Number(log_gamma()));
    let sql = format!(
        "WITH {exposures},\np AS (\nSELECT e.u AS u, max(e.arm) AS arm, {pulled} AS y\nFROM e LEFT JOIN (\n{facts}\n) AS f ON \
         f.u = e.u AND f.t0 >= e.t0{until}\nWHERE e.arm >= 0{closed}\nGROUP BY e.u\n)\nSELECT arm, g, i, count(*) AS units\n\
         FROM (\nSELECT arm, CASE WHEN y > 0 THEN 1 WHEN y < 0 THEN -1 ELSE 0 END AS g, CASE WHEN y = 0 THEN 0 ELSE \
         CAST(ceil(ln(abs(y)) / {gamma}) AS BIGINT) END AS i\nFROM p\n) AS b\nGROUP BY arm, g, i"
    );
    Ok(Some(w.finish(
        format!("experiment {}: tails of {}", layout.experiment.meta.name, metric.name),
        sql,
    )))
}

fn log_gamma() -> f64 {
    ((1.0 + ACCURACY) / (1.0 - ACCURACY)).ln()
}

/// Examines the tails of the primary metrics that are means of sums. `limits_of` says where the units' values are pulled in.
pub async fn tails(
    runner: &mut Runner<'_>,
    prepared: &Prepared<'_>,
    layout: &Layout<'_>,
    asked: &[Asked],
    limits_of: impl Fn(usize) -> Limits,
) -> Result<Vec<Tails>, CapabilityError> {
    let mut found = Vec::new();
    let experiment = prepared.experiment();
    let plain = Layout {
        dimensions: &[],
        ..*layout
    };
    for asked in asked.iter().filter(|a| a.role == Role::Primary) {
        let Ok(at) = asked.measured else { continue };
        let metric = prepared.metrics().get(at);
        let Some(metric) = metric.filter(|m| follows(m) && m.compared == Compared::Mean) else {
            continue;
        };
        if metric.variables.iter().any(|v| v.fold != Fold::Sum) {
            continue;
        }
        let Some(query) = query(&plain, metric, limits_of(at))? else {
            continue;
        };
        let rows = runner.run(&query).await?;
        let columns = (rows.integers("arm")?, rows.integers("g")?, rows.integers("i")?);
        let mut buckets: BTreeMap<(i64, i64, i64), u64> = BTreeMap::new();
        for (row, units) in rows.integers("units")?.into_iter().enumerate() {
            let of = |all: &Vec<Option<i64>>| all.get(row).copied().flatten();
            if let (Some(arm), Some(sign), Some(index), Some(units)) =
                (of(&columns.0), of(&columns.1), of(&columns.2), units)
            {
                *buckets.entry((arm, sign, index)).or_default() += units.max(0) as u64;
            }
        }
        if buckets.values().sum::<u64>() > MOST_UNITS {
            continue;
        }
        // The middle of a bucket (γ^(i−1), γ^i] with the least relative error.
        let middle = |index: i64| (log_gamma() * index as f64).exp() * (1.0 - ACCURACY);
        let values = |wanted: usize| -> Vec<f64> {
            let mine = buckets
                .iter()
                .filter(|((arm, ..), _)| usize::try_from(*arm) == Ok(wanted));
            mine.flat_map(|((_, sign, index), units)| {
                let value = if *sign == 0 { 0.0 } else { *sign as f64 * middle(*index) };
                std::iter::repeat_n(value, usize::try_from(*units).unwrap_or(0))
            })
            .collect()
        };
        let control = experiment.variants.iter().position(|v| v.control).unwrap_or(0);
        let c = values(control);
        for (arm, variant) in experiment.variants.iter().enumerate().filter(|(i, _)| *i != control) {
            let t = values(arm);
            let level = 1.0 - experiment.alpha;
            let shape: Option<Assumptions> = assumptions(&c, &t, level).ok();
            let pull: Option<Influence> = influence(&c, &t, &LEFT_OUT, level).ok();
            found.push(Tails {
                metric: asked.name.clone(),
                variant: variant.name.clone(),
                units: (c.len() + t.len()) as u64,
                least_arm: c.len().min(t.len()) as u64,
                assumptions: shape,
                influence: pull,
            });
        }
    }
    Ok(found)
}

impl Tails {
    /// Whether a significant lift hangs on one unit in ten thousand or fewer.
    pub fn hangs_on_few(&self) -> Option<u64> {
        let few = (FEW * self.units as f64).max(1.0);
        self.influence.as_ref()?.to_overturn.filter(|k| *k as f64 <= few)
    }

    /// Whether the normal approximation of its interval is doubtful.
    pub fn doubtful(&self) -> bool {
        self.assumptions.as_ref().is_some_and(|a| a.doubtful)
    }
}

/// What the tails say against a lift.
pub fn examine(found: &[Tails]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for tails in found {
        if let Some(units) = tails.hangs_on_few() {
            problems.push(problem(
                "outlier-influence",
                "warning",
                format!(
                    "the lift of {} in {} hangs on {units} of {} units: without them it is not significant; cap the metric, in \
                     the definition and for the next experiment",
                    tails.metric, tails.variant, tails.units
                ),
            ));
        }
        if let Some(a) = tails.assumptions.as_ref().filter(|a| a.doubtful) {
            problems.push(problem(
                "skewed-metric",
                "warning",
                format!(
                    "the interval of {} in {} is doubtful: a skewness of {:.1} asks for {:.0} units in each variant, and there \
                     are {}; cap the metric, or wait",
                    tails.metric,
                    tails.variant,
                    a.skewness.0.abs().max(a.skewness.1.abs()),
                    a.units_wanted,
                    tails.least_arm
                ),
            ));
        }
    }
    problems
}
