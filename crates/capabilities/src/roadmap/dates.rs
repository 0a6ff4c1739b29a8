//! Dates by throughput. Initiatives are worked on one after the other, what others wait for first, then by due date;
//! each is done when its items, and all before it, are.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use steward_compute::Query;
use steward_definitions::{Initiative, WorkRecord};
use steward_stats::three_point::ThreePoint;
use steward_stats::throughput::{Week, backtest, finish};

use super::items::items;
use super::types::{DateForecast, Drop, Forecast};
use crate::experiments::{day, zone};
use crate::metrics::{date, ident};
use crate::{CapabilityError, Context, value};

/// Probability of the likely date.
const STATED: f64 = 0.85;
/// Draws of a forecast, and of each date of the backtest.
const DRAWS: usize = 2_000;
const TRIES: usize = 300;
/// Weeks of history that a date rests on.
const WINDOW: usize = 52;
const SEED: u64 = 1;

/// Forecasts all initiatives with items.
pub async fn forecast(context: &Context, drop: &[String]) -> Result<Forecast, CapabilityError> {
    let project = &context.project;
    if let Some(unknown) = drop.iter().find(|d| !project.initiatives.contains_key(*d)) {
        return Err(CapabilityError::Unknown {
            kind: "initiative".into(),
            name: unknown.clone(),
            near: crate::error::nearest(unknown, project.initiatives.keys()),
        });
    }
    let Some(record) = &project.settings.portfolio.throughput else {
        return Err(CapabilityError::Invalid(
            "no record of finished work is named: add `portfolio: throughput: {dataset, initiative, done}` to steward.yaml".into(),
        ));
    };
    let today = day(context.now_us, &zone(&project.settings)?)
        .ok_or_else(|| CapabilityError::Invalid(format!("{} is no moment of the calendar", context.now_us)))?;
    let all = weeks(context, record, today).await?;
    let recent = all.get(all.len().saturating_sub(WINDOW)..).unwrap_or_default();
    let order = order(project.initiatives.values().collect())?;
    let gone = |i: &Initiative| drop.contains(&i.meta.name);
    let queue: Vec<&Initiative> = order.into_iter().filter(|i| i.items.is_some() && !gone(i)).collect();
    let undated = project.initiatives.values().filter(|i| i.items.is_none());
    let mut dated = Vec::new();
    let mut before = Vec::new();
    let refused =
        |e: steward_stats::NotEstimable| CapabilityError::Invalid(format!("no dates: {}; {}", e.detail, e.fix));
    for initiative in &queue {
        before.push(range(initiative));
        let found = finish(recent, total(&before), DRAWS, SEED).map_err(refused)?;
        let on = |p: f64| {
            today
                .saturating_add((found.quantile(p) as i64).days())
                .saturating_sub(1.day())
                .to_string()
        };
        let due = initiative.due.as_deref().and_then(|d| d.parse::<Date>().ok());
        dated.push(DateForecast {
            initiative: initiative.meta.name.clone(),
            label: initiative.meta.label.clone(),
            items: initiative.items.unwrap_or_default(),
            depends_on: initiative.depends_on.clone(),
            early: on(0.15),
            half: on(0.5),
            likely: on(STATED),
            late: on(0.95),
            due: initiative.due.clone(),
            by_due: due.map(|d| found.by(today.duration_until(d).as_hours() as f64 / 24.0 + 1.0)),
        });
    }
    let horizon = total(&before).p50.round().max(1.0) as u64;
    // As many items as two months bring at most: of longer ones too few lie apart to say whether dates hold.
    let mean = recent.iter().flatten().map(|d| f64::from(*d)).sum::<f64>() / recent.len().max(1) as f64;
    let tried = horizon.min((8.7 * mean) as u64).max(1);
    let tested = backtest(&all, WINDOW.min(all.len() / 2), tried, STATED, TRIES, SEED);
    let drops = drops(context, recent, &queue).await?;
    let mut out = Forecast {
        summary: String::new(),
        from: today.to_string(),
        weeks: all.len() as u64,
        throughput: mean,
        stated: STATED,
        no_backtest: tested.as_ref().err().map(ToString::to_string),
        achieved: tested.ok().map(|t| t.achieved),
        initiatives: dated,
        undated: undated.map(|i| i.meta.name.clone()).collect(),
        drops,
    };
    out.summary = summary(&out, tried);
    Ok(out)
}

fn range(initiative: &Initiative) -> ThreePoint {
    let [p10, p50, p90] = initiative.items.unwrap_or_default();
    ThreePoint { p10, p50, p90 }
}

/// Range of a sum of independent ranges: medians add up, spreads on either side by squares.
fn total(parts: &[ThreePoint]) -> ThreePoint {
    let p50: f64 = parts.iter().map(|p| p.p50).sum();
    let side = |of: fn(&ThreePoint) -> f64| parts.iter().map(|p| of(p).powi(2)).sum::<f64>().sqrt();
    ThreePoint {
        p10: p50 - side(|p| p.p50 - p.p10),
        p50,
        p90: p50 + side(|p| p.p90 - p.p50),
    }
}

/// What others wait for first, then by due date; a circle is refused.
fn order(mut waiting: Vec<&Initiative>) -> Result<Vec<&Initiative>, CapabilityError> {
    let due = |i: &Initiative| (i.due.clone().unwrap_or_else(|| "9999".into()), i.meta.name.clone());
    waiting.sort_by_key(|i| due(i));
    let mut done: Vec<&Initiative> = Vec::new();
    while !waiting.is_empty() {
        let free = waiting.iter().position(|i| {
            let open = |n: &String| waiting.iter().any(|w| w.meta.name == *n);
            !i.depends_on.iter().any(open)
        });
        let Some(free) = free else {
            let names: Vec<&str> = waiting.iter().map(|i| i.meta.name.as_str()).collect();
            return Err(CapabilityError::Invalid(format!(
                "the initiatives {} wait for each other in a circle: take one out of `depends_on`",
                names.join(", ")
            )));
        };
        done.push(waiting.remove(free));
    }
    Ok(done)
}

/// Items done by day, in whole weeks from Monday; the last ends before today.
async fn weeks(context: &Context, record: &WorkRecord, today: Date) -> Result<Vec<Week>, CapabilityError> {
    let (table, done) = (ident(&record.dataset), ident(&record.done));
    let query = Query {
        label: "finished work by day".into(),
        sql: format!(
            "SELECT CAST({done} AS DATE) AS day, COUNT(*) AS items FROM {table} WHERE {done} IS NOT NULL GROUP BY 1 ORDER BY 1"
        ),
        parameters: Vec::new(),
    };
    let rows = context.engine.run(&query, &context.control).await?;
    let mut by: BTreeMap<Date, u32> = BTreeMap::new();
    for (day, items) in rows.values("day")?.iter().zip(rows.integers("items")?) {
        if let (Some(day), Some(items)) = (date(day), items) {
            by.insert(day, u32::try_from(items).unwrap_or(u32::MAX));
        }
    }
    let monday = |d: Date| d.saturating_sub(i64::from(d.weekday().since(Weekday::Monday)).days());
    let Some(first) = by.keys().next().map(|d| monday(*d)) else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    let mut start = first;
    while start.saturating_add(7.days()) <= today {
        let mut week = [0; 7];
        for (n, count) in (0_i64..).zip(week.iter_mut()) {
            *count = by.get(&start.saturating_add(n.days())).copied().unwrap_or(0);
        }
        all.push(week);
        start = start.saturating_add(7.days());
    }
    Ok(all)
}

/// Each initiative left out, with what waits for it: how much sooner the rest is done, and what is lost.
async fn drops(context: &Context, recent: &[Week], queue: &[&Initiative]) -> Result<Vec<Drop>, CapabilityError> {
    if queue.is_empty() {
        return Ok(Vec::new());
    }
    let calibration = value::calibration(context, None).await?;
    let nets: BTreeMap<String, f64> = items(context, &calibration)
        .await?
        .into_iter()
        .filter_map(|(i, found)| Some((i.meta.name, found.ok()?.net())))
        .collect();
    let median = |parts: &[ThreePoint]| finish(recent, total(parts), DRAWS, SEED).map(|f| f.quantile(0.5)).ok();
    let parts: Vec<ThreePoint> = queue.iter().map(|i| range(i)).collect();
    let Some(whole) = median(&parts) else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for initiative in queue {
        let mut names = vec![initiative.meta.name.clone()];
        // What waits for it, through others as well.
        while let Some(more) = queue
            .iter()
            .find(|i| !names.contains(&i.meta.name) && i.depends_on.iter().any(|d| names.contains(d)))
        {
            names.push(more.meta.name.clone());
        }
        let rest: Vec<ThreePoint> = queue
            .iter()
            .filter(|i| !names.contains(&i.meta.name))
            .map(|i| range(i))
            .collect();
        let days = whole
            - if rest.is_empty() {
                0.0
            } else {
                median(&rest).unwrap_or(whole)
            };
        let lost: Option<f64> = names.iter().map(|n| nets.get(n).copied()).sum();
        all.push(Drop {
            initiatives: names,
            days,
            value: lost,
        });
    }
    all.sort_by(|a, b| b.days.total_cmp(&a.days));
    Ok(all)
}

fn summary(f: &Forecast, tried: u64) -> String {
    let Some(last) = f.initiatives.last() else {
        return "No initiative says how many items are left: add `items`.".into();
    };
    let mut text = format!(
        "At {:.1} items a week everything is done by {} at even odds, by {} with 85%.",
        f.throughput, last.half, last.likely
    );
    match &f.achieved {
        Some(a) => text.push_str(&format!(
            " Dates stated so for {tried} items held in {:.0}% of {} tries in the past ({:.0}% to {:.0}%).",
            100.0 * a.point,
            a.n,
            100.0 * a.low,
            100.0 * a.high
        )),
        None => text.push_str(" Whether such dates held in the past cannot be told."),
    }
    text
}
