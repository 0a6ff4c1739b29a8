//! What the queries of an experiment bring, before anything is compared.

use std::collections::BTreeMap;

use steward_compute::{EngineError, Query, Rows};
use steward_definitions::Design;
use steward_stats::{Lift, NotEstimable};

use super::analyse::Asked;
use super::cells::{Cell, Cells};
use super::designs::{self, Ground};
use super::measures::{UnitMetric, refuse};
use super::prepare::Prepared;
use super::query::{self, Capped, Layout};
use super::readout::{Limits, RanQuery};
use super::{caps, quantiles};
use crate::{CapabilityError, Context};

/// Runs queries and remembers them.
pub struct Runner<'a> {
    context: &'a Context,
    /// As run.
    pub(super) queries: Vec<RanQuery>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Runner {
            context,
            queries: Vec::new(),
        }
    }

    pub(super) async fn run(&mut self, query: &Query) -> Result<Rows, EngineError> {
        let rows = self.context.engine.run(query, &self.context.control).await?;
        self.queries.push(RanQuery {
            label: query.label.clone(),
            sql: rows.sql.clone(),
        });
        Ok(rows)
    }
}

/// What the queries brought.
pub(super) struct Measured {
    /// Moments by cell.
    pub cells: Cells,
    /// Limits at which each metric is capped, by variable.
    pub caps: Vec<Vec<Limits>>,
    /// Metrics that could not be read, with the reason.
    pub refused: BTreeMap<usize, NotEstimable>,
}

/// What the past of an experiment's metrics brought.
pub struct History {
    /// Moments by cell.
    pub cells: Cells,
    /// Metrics as they are measured.
    pub metrics: Vec<UnitMetric>,
    /// What is asked for, with refusals of what could not be read.
    pub asked: Vec<Asked>,
    /// Quantiles by metric, each compared with itself.
    pub quantiles: BTreeMap<usize, Lift>,
    /// Cells of a switchback's regions and periods.
    pub blocks: Option<BTreeMap<(String, i64), Cell>>,
    /// Queries as run.
    pub queries: Vec<RanQuery>,
}

/// Reads what is laid out, without comparing anything.
pub async fn history(context: &Context, prepared: &Prepared<'_>) -> Result<History, CapabilityError> {
    let mut runner = Runner {
        context,
        queries: Vec::new(),
    };
    let layout = prepared.layout();
    let found = measure(&mut runner, &layout, prepared).await?;
    let asked = asked(prepared, &found.refused);
    let mut quantiles = BTreeMap::new();
    for (at, metric) in prepared.metrics.iter().enumerate() {
        let limits = found.caps.get(at).and_then(|l| l.first()).copied().unwrap_or_default();
        if let Some(lift) = quantiles::past(&mut runner, &layout, metric, (at, &found.cells), limits).await? {
            quantiles.insert(at, lift);
        }
    }
    let blocks = match &prepared.experiment.design {
        Design::Switchback(design) => {
            let mut ground = Ground {
                runner: &mut runner,
                layout: &layout,
                experiment: prepared.experiment,
                metrics: &prepared.metrics,
                caps: &found.caps,
                asked: &asked,
                dimensions: &prepared.design,
                project: &context.project,
                zone: &prepared.zone,
            };
            Some(designs::blocks(&mut ground, design).await?)
        }
        _ => None,
    };
    Ok(History {
        asked,
        quantiles,
        blocks,
        cells: found.cells,
        metrics: prepared.metrics.clone(),
        queries: runner.queries,
    })
}

/// What is asked for, with the refusals that reading brought.
pub(super) fn asked(prepared: &Prepared<'_>, refused: &BTreeMap<usize, NotEstimable>) -> Vec<Asked> {
    let all = prepared.asked.iter().map(|a| Asked {
        name: a.name.clone(),
        role: a.role,
        margin: a.margin,
        measured: match &a.measured {
            Ok(i) => refused.get(i).cloned().map_or(Ok(*i), Err),
            Err(e) => Err(e.clone()),
        },
    });
    all.collect()
}

/// Runs the queries of all metrics.
pub(super) async fn measure(
    runner: &mut Runner<'_>,
    layout: &Layout<'_>,
    prepared: &Prepared<'_>,
) -> Result<Measured, CapabilityError> {
    let mut refused: BTreeMap<usize, NotEstimable> = BTreeMap::new();
    let mut caps: Vec<Vec<Limits>> = vec![Vec::new(); prepared.metrics.len()];
    let mut cells = Cells::default();
    let timed = prepared.experiment.exposures.time.is_some();

    let mut groups = query::groups(&prepared.metrics);
    if groups.is_empty() {
        groups.push(Vec::new());
    }
    let mut counted = false;
    for group in groups {
        let mut members = group;
        loop {
            let found = group_rows(runner, layout, prepared, &members, &mut caps).await;
            let rows = match found {
                Ok(rows) => rows,
                // One metric's expression that does not fit the table must not take the others with it.
                Err(CapabilityError::Engine(EngineError::Plan { cause, .. })) if !members.is_empty() => {
                    let bad = unplannable(runner.context, layout, prepared, &members).await;
                    let bad = if bad.is_empty() {
                        members.iter().map(|&m| (m, cause.clone())).collect()
                    } else {
                        bad
                    };
                    members.retain(|m| !bad.contains_key(m));
                    for (metric, cause) in bad {
                        refused.insert(
                            metric,
                            refuse(cause, "mend the measure, its filters or the dataset's contract"),
                        );
                    }
                    if members.is_empty() && counted {
                        break;
                    }
                    continue;
                }
                Err(e) => return Err(e),
            };
            let unread = cells.take(
                &rows,
                &members,
                layout.dimensions.len(),
                &prepared.zone,
                timed,
                !counted,
            )?;
            for (metric, cause) in unread {
                refused.insert(
                    metric,
                    refuse(cause, "filter out values that are infinite or not a number"),
                );
            }
            counted = true;
            break;
        }
    }
    Ok(Measured { cells, caps, refused })
}

/// Runs the query of a group of metrics, percentile caps resolved first.
pub async fn group_rows(
    runner: &mut Runner<'_>,
    layout: &Layout<'_>,
    prepared: &Prepared<'_>,
    members: &[usize],
    caps: &mut [Vec<Limits>],
) -> Result<Rows, CapabilityError> {
    caps::resolve(runner, layout, &prepared.metrics, members, caps).await?;
    let capped: Vec<Capped> = members
        .iter()
        .filter_map(|&i| {
            Some(Capped {
                metric: prepared.metrics.get(i)?,
                limits: caps.get(i).cloned().unwrap_or_default(),
            })
        })
        .collect();
    Ok(runner.run(&query::cells(layout, &capped)?).await?)
}

/// Which metrics of a group do not fit the tables, each tried alone.
async fn unplannable(
    context: &Context,
    layout: &Layout<'_>,
    prepared: &Prepared<'_>,
    members: &[usize],
) -> BTreeMap<usize, String> {
    let mut bad = BTreeMap::new();
    for &i in members {
        let Some(metric) = prepared.metrics.get(i) else {
            continue;
        };
        if let Ok(query) = query::cells(
            layout,
            &[Capped {
                metric,
                limits: Vec::new(),
            }],
        ) && let Err(EngineError::Plan { cause, .. }) = context.engine.plan(&query).await
        {
            bad.insert(i, cause);
        }
    }
    bad
}
