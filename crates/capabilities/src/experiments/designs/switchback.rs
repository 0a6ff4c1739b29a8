//! Whole regions switched in time: sums of regions by stretches of time come back, put together to periods here.

use std::collections::{BTreeMap, BTreeSet};

use steward_definitions::SwitchbackDesign;
use steward_stats::{Estimate, Lift, NotEstimable, Reason};

use super::weighted::{Row, lift, value};
use super::{Counted, DesignReadout, Designed, Ground, Lifts, SwitchbackEffects, SwitchbackReadout, cross};
use crate::CapabilityError;
use crate::experiments::cells::Cell;
use crate::experiments::health::problem;
use crate::experiments::query::{Bucket, NO_VALUE};
use crate::experiments::window::SECOND;

/// Fewest periods of an arm.
const FEWEST: u64 = 4;
/// Share of a period's units that may have the other variant: late clocks at the border.
const STRAY: f64 = 0.05;
/// Share of the market that must be known for the treated share of a period.
const KNOWN: f64 = 0.8;

/// One region in one period.
struct Period {
    region: usize,
    time: i64,
    treated: bool,
    cell: Cell,
}

pub(super) async fn analyse(
    ground: &mut Ground<'_, '_>,
    design: &SwitchbackDesign,
) -> Result<Designed, CapabilityError> {
    let period = i64::try_from(design.period_seconds).unwrap_or(i64::MAX / SECOND) * SECOND;
    let washout = i64::try_from(design.washout_seconds).unwrap_or(0) * SECOND;
    let origin = ground.layout.window.from.unwrap_or(0);
    let grain = grain(&[period, washout, origin]);
    let dimensions = ground.dimensions;
    let cells = cross::cells(ground, dimensions, Bucket::Grain, grain).await?;
    let control = ground.control();

    // By region and time: which variant had which units.
    let mut regions: BTreeSet<String> = BTreeSet::new();
    let mut stretches: BTreeMap<(String, i64), BTreeMap<i64, Vec<(i64, Cell)>>> = BTreeMap::new();
    for ((bucket, values, arm), cell) in cells {
        let (Some(at), Some(name)) = (bucket, values.into_iter().next()) else {
            continue;
        };
        if arm < 0 || name == NO_VALUE {
            continue;
        }
        regions.insert(name.clone());
        let time = (at - origin).div_euclid(period);
        stretches
            .entry((name, time))
            .or_default()
            .entry(arm)
            .or_default()
            .push((at, cell));
    }
    let names: Vec<String> = regions.into_iter().collect();
    let mut mixed = 0;
    let mut arms: BTreeMap<(usize, i64), (i64, Vec<(i64, Cell)>)> = BTreeMap::new();
    for ((name, time), by_arm) in stretches {
        let units = |cells: &Vec<(i64, Cell)>| cells.iter().map(|(_, c)| c.units).sum::<u64>();
        let total: u64 = by_arm.values().map(units).sum();
        let Some((arm, cells)) = by_arm.into_iter().max_by_key(|(_, cells)| units(cells)) else {
            continue;
        };
        if (total - units(&cells)) as f64 > STRAY * total as f64 {
            mixed += 1;
            continue;
        }
        let region = names.binary_search(&name).unwrap_or_default();
        arms.insert((region, time), (arm, cells));
    }
    let empty = gaps(&arms) - mixed.min(gaps(&arms));
    let mut periods: Vec<Period> = Vec::new();
    let mut switched: Option<(usize, i64, i64, i64)> = None; // region, time, arm, moment of the last switch
    for ((region, time), (arm, cells)) in arms {
        let start = origin + time * period;
        let since = match switched {
            Some((r, t, a, since)) if r == region && a == arm && t + 1 == time => since,
            // A region's first period follows no switch; after a gap nobody knows.
            Some((r, ..)) if r == region => start,
            _ => i64::MIN / 2,
        };
        switched = Some((region, time, arm, since));
        let mut all = Cell::default();
        let kept = cells.iter().filter(|(at, _)| *at >= since.saturating_add(washout));
        kept.for_each(|(_, c)| all.merge(c));
        if all.units > 0 {
            periods.push(Period {
                region,
                time,
                treated: arm != control as i64,
                cell: all,
            });
        }
    }
    let counts = |treated: bool| periods.iter().filter(|p| p.treated == treated).count() as u64;
    let (treated, untreated) = (counts(true), counts(false));
    let refusal = (treated < FEWEST || untreated < FEWEST).then(|| {
        NotEstimable::new(
            Reason::TooFew,
            format!(
                "{treated} treated and {untreated} untreated periods of regions by {}",
                design.by
            ),
            format!("run at least {FEWEST} periods of each; check the period, the washout and the region's column"),
        )
    });
    let view = View::new(&periods, names.len(), design);
    let mut lifts = Lifts::new();
    let mut effects = Vec::new();
    let arm = ground.treatments().first().copied().unwrap_or(1);
    for metric in ground.all_measured() {
        let Some(measured) = ground.metrics.get(metric) else {
            continue;
        };
        let level = ground.level();
        let rows = |lagged: bool| view.rows(&periods, lagged, &|c| value(c.moments.get(&metric)?, measured.compared));
        let (plain, lagged) = (rows(false), rows(true));
        let what = format!("least squares over {} periods in {} blocks", plain.len(), view.blocks);
        let run = |rows: &[Row], effect: &[f64]| match &refusal {
            Some(e) => Err(e.clone()),
            None => lift(rows, effect, level, &what),
        };
        let part = |found: Result<Lift, NotEstimable>| -> Result<Estimate, NotEstimable> { found?.absolute };
        let (whole, own, others): (&[f64], &[f64], Option<&[f64]>) = if design.spillover {
            (&[1.0, 1.0], &[1.0, 0.0], Some(&[0.0, 1.0]))
        } else {
            (&[1.0], &[1.0], None)
        };
        lifts.insert((metric, arm), run(&plain, whole));
        let mut carry = vec![0.0; whole.len()];
        carry.push(1.0);
        effects.push(SwitchbackEffects {
            metric: measured.name.clone(),
            own: part(run(&plain, own)).into(),
            others: others.map(|o| part(run(&plain, o)).into()),
            carry_over: part(run(&lagged, &carry)).into(),
        });
    }
    let mut problems = Vec::new();
    if mixed > 0 {
        problems.push(problem(
            "mixed-periods",
            "warning",
            format!(
                "{mixed} periods of regions have units of both variants and are left out; check the period's length and its \
                 origin, the experiment's start"
            ),
        ));
    }
    if empty > 0 {
        problems.push(problem(
            "empty-periods",
            "warning",
            format!("{empty} periods between a region's first and last have no unit; are exposures complete?"),
        ));
    }
    let by_variant = ground.experiment.variants.iter().map(|v| Counted {
        variant: v.name.clone(),
        count: if v.control { untreated } else { treated },
    });
    let by_variant: Vec<Counted> = by_variant.collect();
    Ok(Designed {
        lifts,
        split: Some((by_variant.iter().map(|c| c.count).collect(), "periods")),
        problems,
        units: false,
        readout: DesignReadout {
            kind: "switchback".into(),
            method: format!(
                "weighted least squares over regions by periods, {}CR2 errors by stretch without a switch",
                if design.spillover {
                    "own treatment and treated share of the market, "
                } else {
                    ""
                }
            ),
            why: if design.spillover {
                "what treated regions win, the others lose: a comparison of treated with untreated shows the shift, not what \
                 would happen if all were treated"
                    .into()
            } else {
                "units of a region and period share its luck and its treatment: taken one by one they look like more evidence \
                 than they are"
                    .into()
            },
            switchback: Some(SwitchbackReadout {
                by: design.by.clone(),
                regions: names,
                period_seconds: design.period_seconds,
                periods: by_variant,
                blocks: view.blocks,
                mixed,
                empty,
                washout_seconds: design.washout_seconds,
                spillover: design.spillover,
                effects,
            }),
            ..DesignReadout::default()
        },
    })
}

/// Periods that a region lacks between its first and its last.
/// The bucket of times that stretches of these lengths (microseconds) are made of.
pub(super) fn grain(lengths: &[i64]) -> &'static str {
    let whole = |us: &i64| us % (3_600 * SECOND) == 0;
    if lengths.iter().all(whole) { "hour" } else { "minute" }
}

fn gaps(arms: &BTreeMap<(usize, i64), (i64, Vec<(i64, Cell)>)>) -> u64 {
    let mut spans: BTreeMap<usize, (i64, i64, u64)> = BTreeMap::new();
    for (region, time) in arms.keys() {
        let span = spans.entry(*region).or_insert((*time, *time, 0));
        span.1 = *time;
        span.2 += 1;
    }
    spans
        .values()
        .map(|(first, last, n)| ((last - first) as u64 + 1).saturating_sub(*n))
        .sum()
}

/// What periods know of each other.
struct View {
    /// Whether each region was treated at a time.
    treated: BTreeMap<(usize, i64), bool>,
    /// Each region's share of all units.
    shares: Vec<f64>,
    /// Block of each period.
    block: Vec<u64>,
    /// How many.
    blocks: u64,
    /// Periods of a season.
    season: Option<i64>,
    spillover: bool,
}

impl View {
    fn new(periods: &[Period], regions: usize, design: &SwitchbackDesign) -> View {
        let treated: BTreeMap<(usize, i64), bool> = periods.iter().map(|p| ((p.region, p.time), p.treated)).collect();
        let total: u64 = periods.iter().map(|p| p.cell.units).sum();
        let mut shares = vec![0.0; regions];
        for p in periods {
            if let Some(share) = shares.get_mut(p.region) {
                *share += p.cell.units as f64 / total.max(1) as f64;
            }
        }
        let mut block = vec![0; periods.len()];
        let mut blocks = 0;
        if design.spillover {
            // All regions of a stretch of time in which none switches share its treated share.
            let mut times: BTreeMap<i64, Vec<(usize, bool)>> = BTreeMap::new();
            for p in periods {
                times.entry(p.time).or_default().push((p.region, p.treated));
            }
            let mut of_time = BTreeMap::new();
            let mut last: Option<(i64, Vec<(usize, bool)>)> = None;
            for (time, arms) in times {
                if last.as_ref().is_none_or(|(t, a)| *t + 1 != time || *a != arms) {
                    blocks += 1;
                }
                of_time.insert(time, blocks);
                last = Some((time, arms));
            }
            for (b, p) in block.iter_mut().zip(periods) {
                *b = of_time.get(&p.time).copied().unwrap_or_default();
            }
        } else {
            let mut last: Option<&Period> = None;
            for (b, p) in block.iter_mut().zip(periods) {
                let goes_on =
                    last.is_some_and(|l| l.region == p.region && l.time + 1 == p.time && l.treated == p.treated);
                if !goes_on {
                    blocks += 1;
                }
                *b = blocks;
                last = Some(p);
            }
        }
        View {
            treated,
            shares,
            block,
            blocks,
            season: design
                .season_seconds
                .map(|s| (s / design.period_seconds.max(1)).max(1) as i64),
            spillover: design.spillover,
        }
    }

    /// Treated share of the market at a time; `None` if too little of it is known.
    fn share(&self, time: i64) -> Option<f64> {
        let (mut known, mut on) = (0.0, 0.0);
        for (region, share) in self.shares.iter().enumerate() {
            if let Some(treated) = self.treated.get(&(region, time)) {
                known += share;
                on += if *treated { *share } else { 0.0 };
            }
        }
        (known >= KNOWN).then(|| on / known)
    }

    fn rows(&self, periods: &[Period], lagged: bool, value: &dyn Fn(&Cell) -> Option<(f64, f64)>) -> Vec<Row> {
        let indicator = |b: bool| f64::from(u8::from(b));
        periods
            .iter()
            .zip(&self.block)
            .filter_map(|(p, block)| {
                let (weight, value) = value(&p.cell)?;
                let mut treatment = vec![indicator(p.treated)];
                if self.spillover {
                    treatment.push(self.share(p.time)?);
                }
                if lagged {
                    treatment.push(indicator(*self.treated.get(&(p.region, p.time - 1))?));
                }
                let mut others: Vec<f64> = (1..self.shares.len()).map(|r| indicator(r == p.region)).collect();
                if let Some(season) = self.season {
                    others.extend((1..season).map(|s| indicator(p.time.rem_euclid(season) == s)));
                }
                Some(Row {
                    weight,
                    value,
                    treatment,
                    others,
                    cluster: *block,
                })
            })
            .collect()
    }
}
