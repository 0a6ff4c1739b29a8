//! Quantiles of units, and of events clustered in units: the engine sorts, and only the values at a few ranks come back.
//!
//! A quantile of units takes one query beyond that of the cells; one of events three: the quantile, how the events at or
//! below it spread over units, and the values at the ranks that this names. All quantiles of a curve share them.

use std::collections::BTreeMap;

use steward_compute::{Query, Value};
use steward_definitions::{Design, Experiment};
use steward_stats::quantile::{self, Ordered};
use steward_stats::{Lift, Moments, NotEstimable};

use super::analyse::{Asked, of_independent};
use super::cells::Cells;
use super::compute::{Prepared, Runner};
use super::designs::Lifts;
use super::measures::{Compared, UnitMetric, UnitQuantile, refuse};
use super::query::{Bucket, Layout};
use super::readout::{Limits, QuantileCurve, QuantilePoint};
use super::units::Reach;
use super::writer::{Writer, arguments};
use crate::CapabilityError;

/// The quantiles of a curve.
const CURVE: [f64; 11] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];

/// Refuses a quantile where it is not compared between units split one by one.
pub fn comparable(experiment: &Experiment, metric: UnitMetric) -> Result<UnitMetric, NotEstimable> {
    let units = matches!(experiment.design, Design::Units);
    if metric.quantile.is_none() || units {
        return Ok(metric);
    }
    Err(refuse(
        format!(
            "{} is a quantile, which is compared only where units were split one by one",
            metric.name
        ),
        "compare a mean, a share or a ratio",
    ))
}

/// Why a quantile has no lift by day, segment or look.
pub fn in_total() -> NotEstimable {
    refuse(
        "a quantile is compared over all units of the readout only",
        "read it in the total, or break down a mean or a share",
    )
}

/// Refuses a quantile.
pub fn no_quantile(metric: UnitMetric) -> Result<UnitMetric, NotEstimable> {
    match metric.quantile {
        Some(_) => Err(in_total()),
        None => Ok(metric),
    }
}

/// Lifts of the metrics that are quantiles, and curves.
pub struct Found {
    /// By metric and arm.
    pub lifts: Lifts,
    /// Of those metrics, and of the ones asked for.
    pub curves: Vec<QuantileCurve>,
}

/// What is wanted of one metric.
struct Wanted<'a> {
    metric: &'a UnitMetric,
    limits: Limits,
    /// Quantiles, rising.
    at: Vec<f64>,
    /// Values by arm.
    n: BTreeMap<i64, u64>,
    level: f64,
}

/// Compares quantiles. `curves` names metrics beyond those that are quantiles.
pub async fn quantiles(
    runner: &mut Runner<'_>,
    prepared: &Prepared<'_>,
    layout: &Layout<'_>,
    asked: &[Asked],
    cells: &Cells,
    limits_of: impl Fn(usize) -> Limits,
    curves: &[String],
) -> Result<Found, CapabilityError> {
    let experiment = prepared.experiment();
    let plain = Layout {
        dimensions: &[],
        ..*layout
    };
    let level = 1.0 - experiment.alpha;
    let control = experiment.variants.iter().position(|v| v.control).unwrap_or(0);
    let mut found = Found {
        lifts: Lifts::new(),
        curves: Vec::new(),
    };
    let mut done = Vec::new();
    for asked in asked {
        let named = curves.contains(&asked.name);
        let at = match &asked.measured {
            Ok(at) if !done.contains(at) => *at,
            Err(e) if named => {
                found.curves.push(refused(asked, e.clone()));
                continue;
            }
            _ => continue,
        };
        done.push(at);
        let Some(metric) = prepared.metrics().get(at) else {
            continue;
        };
        let of = match metric.quantile {
            Some(of) => of,
            None if !named => continue,
            None if metric.compared == Compared::Mean && metric.variables.len() == 1 => UnitQuantile {
                at: 0.5,
                ignore_zeros: false,
                of_events: false,
            },
            None => {
                let e = refuse(
                    format!(
                        "{} is a {}, whose units have no distribution of values",
                        asked.name,
                        metric.compared.word()
                    ),
                    "ask for the curve of a sum or a count",
                );
                found.curves.push(refused(asked, e));
                continue;
            }
        };
        let mut grid = CURVE.to_vec();
        if metric.quantile.is_some() && !grid.contains(&of.at) {
            grid.push(of.at);
        }
        grid.sort_by(f64::total_cmp);
        let arms = 0..experiment.variants.len() as i64;
        let size = |arm: i64| {
            let total = cells.total(arm);
            let m = total.moments.get(&at);
            m.map_or(0, |m| {
                if of.of_events {
                    m.sum(0).round() as u64
                } else {
                    m.count()
                }
            })
        };
        let wanted = Wanted {
            metric,
            limits: limits_of(at),
            at: grid,
            n: arms.map(|arm| (arm, size(arm))).collect(),
            level,
        };
        let ordered = if of.of_events {
            of_events(runner, &plain, &wanted).await?
        } else {
            of_units(runner, &plain, &wanted).await?
        };
        let compare = |arm: usize, q: usize| -> Option<Lift> {
            let of = |arm: usize| ordered.get(&(arm as i64)).and_then(|all| all.get(q));
            let lifts = quantile::difference_of_ordered(of(control)?, of(arm)?, *wanted.at.get(q)?, level);
            Some(of_independent(lifts.into()))
        };
        for (arm, variant) in experiment.variants.iter().enumerate().filter(|(i, _)| *i != control) {
            if metric.quantile.is_some()
                && let Some(q) = wanted.at.iter().position(|q| *q == of.at)
                && let Some(lift) = compare(arm, q)
            {
                found.lifts.insert((at, arm), Ok(lift));
            }
            let points = wanted.at.iter().enumerate();
            found.curves.push(QuantileCurve {
                metric: asked.name.clone(),
                unit: None,
                variant: variant.name.clone(),
                of: if of.of_events { "events" } else { "units" }.into(),
                ignore_zeros: of.ignore_zeros,
                points: points
                    .filter_map(|(q, at)| {
                        let lift = compare(arm, q)?.into();
                        Some(QuantilePoint { at: *at, lift })
                    })
                    .collect(),
                not_estimable: None,
            });
        }
    }
    Ok(found)
}

/// The quantile of a metric's past, compared with itself: its value, and twice the variance of that.
pub async fn past(
    runner: &mut Runner<'_>,
    layout: &Layout<'_>,
    metric: &UnitMetric,
    (at, cells): (usize, &Cells),
    limits: Limits,
) -> Result<Option<Lift>, CapabilityError> {
    let Some(of) = metric.quantile else { return Ok(None) };
    let plain = Layout {
        dimensions: &[],
        ..*layout
    };
    let total = cells.total(0);
    let moments = total.moments.get(&at);
    let n = moments.map_or(0, |m| {
        if of.of_events {
            m.sum(0).round() as u64
        } else {
            m.count()
        }
    });
    let wanted = Wanted {
        metric,
        limits,
        at: vec![of.at],
        n: BTreeMap::from([(0, n)]),
        level: 1.0 - layout.experiment.alpha,
    };
    let ordered = if of.of_events {
        of_events(runner, &plain, &wanted).await?
    } else {
        of_units(runner, &plain, &wanted).await?
    };
    let known = ordered.get(&0).and_then(|all| all.first());
    Ok(known.map(|o| quantile::difference_of_ordered(o, o, of.at, wanted.level).into()))
}

fn refused(asked: &Asked, e: NotEstimable) -> QuantileCurve {
    QuantileCurve {
        metric: asked.name.clone(),
        unit: None,
        variant: String::new(),
        of: "units".into(),
        ignore_zeros: false,
        points: Vec::new(),
        not_estimable: Some(e),
    }
}

type ByArm = BTreeMap<i64, Vec<Ordered>>;
type Values = BTreeMap<i64, BTreeMap<u64, f64>>;

async fn of_units(runner: &mut Runner<'_>, layout: &Layout<'_>, wanted: &Wanted<'_>) -> Result<ByArm, CapabilityError> {
    let ranks = wanted.ranks(|n, q| quantile::ranks(n, q, wanted.level, quantile::spread(n, q), true));
    let mut w = Writer::new(layout, std::iter::once(wanted.metric));
    let Some(argument) = arguments(wanted.metric).into_iter().next() else {
        return Ok(ByArm::new());
    };
    let value = w.value(&argument, wanted.metric.compared, wanted.limits);
    let value = w.counted(wanted.metric, &value);
    let body = w.body(&[value], Bucket::None)?;
    let rows = format!("SELECT arm, v0 AS v FROM (\n{body}\n) AS q WHERE arm >= 0 AND v0 IS NOT NULL");
    let sql = w.at_ranks(&rows, &ranks);
    let sql = w.assemble(&sql)?;
    let values = values(runner, &w.finish(label(layout, wanted, "quantiles"), sql)).await?;
    Ok(wanted.ordered(&values, |_, _| None))
}

async fn of_events(
    runner: &mut Runner<'_>,
    layout: &Layout<'_>,
    wanted: &Wanted<'_>,
) -> Result<ByArm, CapabilityError> {
    let middles = wanted.ranks(|n, q| quantile::middle(n, q).to_vec());
    let mut w = Writer::new(layout, std::iter::once(wanted.metric));
    let events = w.events_of(wanted.metric)?;
    let sql = format!("{events}\n{}", w.at_ranks(EVENTS, &middles));
    let first = values(runner, &w.finish(label(layout, wanted, "quantiles of events"), sql)).await?;
    let points: BTreeMap<i64, Vec<f64>> = wanted
        .n
        .iter()
        .map(|(arm, n)| {
            let of = |rank: u64| first.get(arm).and_then(|v| v.get(&rank)).copied().unwrap_or(f64::NAN);
            let points = wanted.at.iter().map(|q| {
                let [low, high] = quantile::middle(*n, *q).map(of);
                let at = q * n.saturating_sub(1) as f64;
                low + (at - at.floor()) * (high - low)
            });
            (*arm, points.collect())
        })
        .collect();

    let mut w = Writer::new(layout, std::iter::once(wanted.metric));
    let events = w.events_of(wanted.metric)?;
    let mut inner = String::new();
    let mut outer = String::from("n");
    for i in 0..wanted.at.len() {
        let mut limit = String::from("CASE arm");
        for (arm, points) in &points {
            if let Some(point) = points.get(i).filter(|p| p.is_finite()) {
                limit.push_str(&format!(" WHEN {arm} THEN {}", w.bind(Value::Number(*point))));
            }
        }
        if limit == "CASE arm" {
            limit = "CAST(NULL AS DOUBLE)".into();
        } else {
            limit.push_str(" END");
        }
        inner.push_str(&format!(
            ", CAST(sum(CASE WHEN v <= {limit} THEN 1 ELSE 0 END) AS DOUBLE) AS b{i}"
        ));
        outer.push_str(&format!(", b{i}"));
    }
    let sql = format!(
        "{events}\nSELECT arm, moments({outer}) AS m0\nFROM (\nSELECT arm, u, CAST(count(*) AS DOUBLE) AS n{inner}\nFROM o GROUP BY \
         arm, u\n) AS c\nGROUP BY arm"
    );
    let rows = runner
        .run(&w.finish(label(layout, wanted, "events at or below quantiles, by unit"), sql))
        .await?;
    let counts: BTreeMap<i64, Moments> = rows
        .integers("arm")?
        .into_iter()
        .zip(rows.moments("m0")?)
        .filter_map(|(arm, m)| Some((arm?, m)))
        .collect();
    let spread = |arm: i64, q: usize| -> Option<f64> { quantile::clustered_spread(counts.get(&arm)?, q + 1, 0).ok() };

    let ranks: Vec<(i64, Vec<u64>)> = wanted
        .n
        .iter()
        .map(|(arm, n)| {
            let all = wanted.at.iter().enumerate().filter_map(|(i, q)| {
                let spread = spread(*arm, i)?;
                Some(quantile::ranks(*n, *q, wanted.level, spread, false))
            });
            let mut all: Vec<u64> = all.flatten().collect();
            all.sort_unstable();
            all.dedup();
            (*arm, all)
        })
        .collect();
    let mut w = Writer::new(layout, std::iter::once(wanted.metric));
    let events = w.events_of(wanted.metric)?;
    let sql = format!("{events}\n{}", w.at_ranks(EVENTS, &ranks));
    let values = values(
        runner,
        &w.finish(label(layout, wanted, "quantiles of events, their intervals"), sql),
    )
    .await?;
    Ok(wanted.ordered(&values, |arm, q| Some(spread(arm, q).unwrap_or(f64::NAN))))
}

const EVENTS: &str = "SELECT arm, v FROM o";

fn label(layout: &Layout, wanted: &Wanted, what: &str) -> String {
    format!(
        "experiment {}: {what} of {}",
        layout.experiment.meta.name, wanted.metric.name
    )
}

async fn values(runner: &mut Runner<'_>, query: &Query) -> Result<Values, CapabilityError> {
    let rows = runner.run(query).await?;
    let mut found = Values::new();
    let (arms, ranks, values) = (rows.integers("arm")?, rows.integers("r")?, rows.numbers("v")?);
    for ((arm, rank), value) in arms.into_iter().zip(ranks).zip(values) {
        if let (Some(arm), Some(rank), Some(value)) = (arm, rank, value) {
            found.entry(arm).or_default().insert(rank.max(0) as u64, value);
        }
    }
    Ok(found)
}

impl Wanted<'_> {
    /// Ranks by arm, for all quantiles.
    fn ranks(&self, of: impl Fn(u64, f64) -> Vec<u64>) -> Vec<(i64, Vec<u64>)> {
        let by_arm = self.n.iter().filter(|(_, n)| **n > 0).map(|(arm, n)| {
            let mut all: Vec<u64> = self.at.iter().flat_map(|q| of(*n, *q)).collect();
            all.sort_unstable();
            all.dedup();
            (*arm, all)
        });
        by_arm.collect()
    }

    /// What is known of each arm, by quantile.
    fn ordered(&self, values: &Values, spread: impl Fn(i64, usize) -> Option<f64>) -> ByArm {
        let by_arm = self.n.iter().map(|(arm, n)| {
            let all = (0..self.at.len()).map(|q| Ordered {
                n: *n,
                values: values.get(arm).cloned().unwrap_or_default(),
                spread: spread(*arm, q),
            });
            (*arm, all.collect())
        });
        by_arm.collect()
    }
}

impl Writer<'_> {
    /// The values of rows `arm`, `v` at ranks within their arm: columns `arm`, `r`, `v`.
    fn at_ranks(&mut self, rows: &str, ranks: &[(i64, Vec<u64>)]) -> String {
        let mut conditions = Vec::new();
        for (arm, ranks) in ranks.iter().filter(|(_, r)| !r.is_empty()) {
            let ranks: Vec<String> = ranks.iter().map(|r| self.bind(Value::Integer(*r as i64))).collect();
            conditions.push(format!("(arm = {arm} AND r IN ({}))", ranks.join(", ")));
        }
        let condition = if conditions.is_empty() {
            "1 = 0".to_string()
        } else {
            conditions.join(" OR ")
        };
        format!(
            "SELECT arm, r, v\nFROM (\nSELECT arm, v, row_number() OVER (PARTITION BY arm ORDER BY v) AS r\nFROM (\n{rows}\n) AS s\n) AS \
             n\nWHERE {condition}"
        )
    }

    /// The table expressions that end with `o`: the events of a metric's units that count, as `arm`, `u`, `v`.
    fn events_of(&mut self, metric: &UnitMetric) -> Result<String, CapabilityError> {
        let exposures = self.exposures()?;
        let Some(variable) = metric.variables.get(1) else {
            return Err(CapabilityError::Invalid(format!("{} has no events", metric.name)));
        };
        let facts = self.rows_of(variable, &Reach::of([metric.period].iter(), variable.time.is_some()));
        let mut conditions = vec!["f.u = e.u".to_string(), "e.arm >= 0".into(), "f.x0 IS NOT NULL".into()];
        if let Some(time) = &variable.time
            && self.layout.experiment.exposures.time.is_some()
        {
            conditions.extend(self.inside("f.t0", time.is_date, metric.period, &Reach::apart()));
        }
        conditions.extend(self.known(metric.period));
        Ok(format!(
            "WITH {exposures},\no AS (\nSELECT e.arm AS arm, e.u AS u, f.x0 AS v\nFROM e JOIN (\n{facts}\n) AS f ON {}\n)",
            conditions.join(" AND ")
        ))
    }
}
