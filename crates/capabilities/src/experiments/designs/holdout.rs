//! Units held back: what all launches together are worth so far.

use jiff::ToSpan;
use jiff::civil::Date;
use steward_definitions::HoldoutDesign;
use steward_stats::Estimate;

use super::{Cumulative, DesignReadout, Designed, Ground, HeldValue, HoldoutReadout, Lifts, cross};
use crate::CapabilityError;
use crate::experiments::analyse::Analysis;
use crate::experiments::cells::Cells;
use crate::experiments::concluding::Clock;
use crate::experiments::measures::refuse;
use crate::experiments::query::{Bucket, Layout};
use crate::experiments::readout::{Answer, MetricReadout};
use crate::experiments::window::{Window, day};

/// Most points of the path.
const MOST: usize = 24;

pub(super) async fn analyse(ground: &mut Ground<'_, '_>, design: &HoldoutDesign) -> Result<Designed, CapabilityError> {
    let window = ground.layout.window.clone();
    let mut values: Vec<HeldValue> = Vec::new();
    for (until, cut) in cuts(ground, &window) {
        let at = Window {
            before: Some(window.before.map_or(cut, |b| b.min(cut))),
            cut: Some(cut),
            data: Some(cut),
            ..window.clone()
        };
        let layout = Layout {
            window: &at,
            dimensions: &[],
            ..*ground.layout
        };
        let mut sub = Ground {
            runner: &mut *ground.runner,
            layout: &layout,
            ..*ground
        };
        let found = cross::cells(&mut sub, &[], Bucket::None, layout.grain).await?;
        let mut cells = Cells::default();
        for ((_, _, arm), cell) in found {
            cells.days.insert((None, arm), cell);
        }
        let analysis = Analysis {
            project: ground.project,
            experiment: ground.experiment,
            metrics: ground.metrics,
            caps: ground.caps,
            asked: ground.asked,
            cells: &cells,
            clock: Clock {
                looks: &[],
                fraction: None,
            },
            apart: &Default::default(),
            described: &Default::default(),
            designed: None,
        };
        for metric in analysis.metrics() {
            let arm = ground.experiment.variants.iter().position(|v| v.name == metric.variant);
            let units = arm.map_or(0, |a| cells.total(a as i64).ripe);
            let point = Cumulative {
                until: until.to_string(),
                units,
                total: total(&metric, units),
            };
            let scope = if design.shipped.as_ref() == Some(&metric.variant) {
                "shipped"
            } else if design.everything == metric.variant {
                "everything"
            } else {
                continue;
            };
            match values
                .iter_mut()
                .find(|v| v.metric == metric.metric && v.variant == metric.variant)
            {
                Some(value) => {
                    value.units = units;
                    value.per_unit = metric.absolute;
                    value.total = point.total.clone();
                    value.path.push(point);
                }
                None => values.push(HeldValue {
                    metric: metric.metric,
                    variant: metric.variant,
                    scope: scope.into(),
                    units,
                    per_unit: metric.absolute,
                    total: point.total.clone(),
                    path: vec![point],
                }),
            }
        }
    }
    Ok(Designed {
        lifts: Lifts::new(),
        split: None,
        problems: Vec::new(),
        units: true,
        readout: DesignReadout {
            kind: "holdout".into(),
            method: "lift per unit over those held back, times the units that were not".into(),
            why: "the sum of what single experiments promised counts winners at their luckiest; those held back show what all \
                  of it together is worth"
                .into(),
            holdout: Some(HoldoutReadout { values }),
            ..DesignReadout::default()
        },
    })
}

/// Lift per unit times units.
fn total(metric: &MetricReadout, units: u64) -> Answer {
    let n = units as f64;
    match &metric.absolute {
        _ if metric.statistic == "ratio" => Answer::Refused {
            not_estimable: refuse(
                format!("{} is a ratio, which does not add up over units", metric.metric),
                "read its numerator",
            ),
        },
        Answer::Estimate(e) => Answer::Estimate(Estimate {
            point: e.point * n,
            se: e.se * n,
            low: e.low * n,
            high: e.high * n,
            method: format!("{}, times {units} units", e.method),
            ..e.clone()
        }),
        refused => refused.clone(),
    }
}

/// Ends of months since the start up to the cut, at most so many; the cut itself is the last. With the last day counted.
fn cuts(ground: &Ground<'_, '_>, window: &Window) -> Vec<(Date, i64)> {
    let (Some(from), Some(cut)) = (window.from, window.cut) else {
        return Vec::new();
    };
    let zone = ground.zone;
    let (Some(first), Some(last)) = (day(from, zone), day(cut - 1, zone)) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut end = first.last_of_month();
    while end < last {
        let next = end.checked_add(1.day()).ok();
        let Some(moment) = next.and_then(|d| d.to_zoned_datetime(zone.clone()).ok()) else {
            break;
        };
        all.push((end, moment.timestamp().as_microsecond()));
        match end.checked_add(1.day()) {
            Ok(next) => end = next.last_of_month(),
            Err(_) => break,
        }
    }
    all.push((last, cut));
    let step = all.len().div_ceil(MOST);
    let keep = all.len() - 1;
    all.into_iter()
        .enumerate()
        .filter(|(i, _)| (keep - i) % step == 0)
        .map(|(_, c)| c)
        .collect()
}
