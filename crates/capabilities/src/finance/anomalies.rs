//! Resources whose cost is out of line with the four weeks before.
//!
//! A day is out of line when it costs more than the median of the 28 days before (days without a charge count as 0) by
//! six robust standard deviations (1.4826 × median absolute deviation), by half that median, and by a tenth of the
//! whole bill's median day: all three, so that neither noise nor trifles are told. A resource that no tag ever named is
//! an orphan.

use std::collections::BTreeMap;

use serde_json::json;
use steward_compute::{Query, Value};
use steward_definitions::sql::quote;

use super::allocate::{exact, find, minor_digits, rate, start_of, today};
use super::focus::SCALE;
use super::types::Anomaly;
use crate::{CapabilityError, Context};

/// Days that are looked back upon for what is usual.
const BEFORE: usize = 28;
const SIGMAS: f64 = 6.0;
/// Of the whole bill's median day.
const MATERIAL: f64 = 0.1;
/// Days that are judged.
const JUDGED: i64 = 92;

/// Anomalies among resources in the last three months, largest excess first.
///
/// # Errors
/// If there is no such bill or its charges cannot be read.
pub async fn anomalies(context: &Context, name: &str) -> Result<Vec<Anomaly>, CapabilityError> {
    let bill = find(context, name)?;
    let today = today(context)?;
    let definitions = BTreeMap::from([(format!("bill/{name}"), bill.meta.digest.clone())]);
    let parameters = json!({ "what": "anomalies", "before": today.to_string() });
    let tables = [bill.dataset.clone()];
    let found = crate::evidence::conclude(context, &format!("bill/{name}"), definitions, &tables, parameters, || async {
        let first = today.saturating_sub(jiff::Span::new().days(JUDGED + BEFORE as i64));
        let query = Query {
            label: format!("bill {name}: resources by day"),
            sql: format!(
                "SELECT CAST(\"ChargePeriodStart\" AS DATE) AS \"day\", \"ResourceId\" AS \"resource\", MAX(\"ResourceName\") AS \"name\", \
                 \"ProviderName\" AS \"vendor\", \"ServiceName\" AS \"service\", \"BillingCurrency\" AS \"currency\", \
                 CAST(SUM(CAST(\"EffectiveCost\" AS DECIMAL(38, {SCALE}))) AS VARCHAR) AS \"cost\", COUNT(\"Tags\") AS \"tagged\" \
                 FROM {} WHERE \"ChargePeriodStart\" >= $1 AND \"ChargePeriodStart\" < $2 AND \"ResourceId\" IS NOT NULL \
                 AND \"ChargeCategory\" = 'Usage' GROUP BY 1, 2, 4, 5, 6",
                quote(&bill.dataset)
            ),
            parameters: vec![start_of(first)?, start_of(today)?],
        };
        let rows = context.engine.run(&query, &context.control).await?;
        let origin = i64::from(days(first));
        let length = usize::try_from(i64::from(days(today)) - origin).unwrap_or_default();
        let unit = 10_f64.powi(i32::from(SCALE) - minor_digits(&bill.currency) as i32);
        let mut resources: BTreeMap<(String, String, String), Resource> = BTreeMap::new();
        let (at, ids, names) = (rows.values("day")?, rows.strings("resource")?, rows.strings("name")?);
        let (vendors, services, costs) = (rows.strings("vendor")?, rows.strings("service")?, rows.strings("cost")?);
        let (currencies, tagged) = (rows.strings("currency")?, rows.integers("tagged")?);
        for row in 0..rows.len() {
            let Value::Date(day) = at[row] else { continue };
            let Some(day) = usize::try_from(i64::from(day) - origin).ok().filter(|d| *d < length) else { continue };
            let word = |column: &[Option<String>]| column[row].clone().unwrap_or_default();
            let key = (word(&vendors), word(&services), word(&ids));
            let resource = resources.entry(key).or_insert_with(|| Resource {
                name: names[row].clone(),
                tagged: false,
                cost: vec![0.0; length],
            });
            resource.tagged |= tagged[row].unwrap_or_default() > 0;
            resource.cost[day] += rate(bill, &word(&currencies))?.times(exact(&word(&costs))?) as f64 / unit;
        }
        let mut all = Vec::new();
        let whole: Vec<f64> = (0..length).map(|d| resources.values().map(|r| r.cost[d]).sum()).collect();
        for ((vendor, service, id), resource) in &resources {
            all.extend(judge(resource, &whole).map(|found| {
                let day = |d: usize| first.saturating_add(jiff::Span::new().days(d as i64)).to_string();
                let shown = resource.name.clone().unwrap_or_else(|| id.clone());
                let words = if resource.tagged {
                    format!("{shown} costs far more than in the four weeks before. Ask its owner what changed.")
                } else {
                    format!("{shown} runs without a tag: nobody is known to use it. Find its owner, or stop it.")
                };
                Anomaly {
                    resource: id.clone(),
                    name: resource.name.clone(),
                    vendor: vendor.clone(),
                    service: service.clone(),
                    first: day(found.first),
                    last: day(found.last),
                    days: found.days,
                    expected_minor: found.expected.round() as i64,
                    excess_minor: found.excess.round() as i64,
                    orphan: !resource.tagged,
                    words,
                }
            }));
        }
        all.sort_by(|a, b| b.excess_minor.cmp(&a.excess_minor).then_with(|| a.resource.cmp(&b.resource)));
        Ok((all, json!({ "engine": context.engine.name(), "queries": [rows.sql] })))
    })
    .await?;
    Ok(found.value)
}

fn days(date: jiff::civil::Date) -> i32 {
    (date - jiff::civil::date(1970, 1, 1)).get_days()
}

struct Resource {
    name: Option<String>,
    tagged: bool,
    cost: Vec<f64>,
}

struct Found {
    first: usize,
    last: usize,
    days: u64,
    expected: f64,
    excess: f64,
}

/// The days out of line of a resource, as one finding.
fn judge(resource: &Resource, whole: &[f64]) -> Option<Found> {
    let mut found: Option<Found> = None;
    for day in BEFORE..resource.cost.len() {
        // Days that were out of line themselves are no measure of what is usual.
        let skip = found.as_ref().map_or(day, |f| f.first);
        let past: Vec<f64> = resource.cost[skip.min(day).saturating_sub(BEFORE)..skip.min(day)].to_vec();
        let usual = median(past.clone());
        let spread = 1.4826 * median(past.iter().map(|c| (c - usual).abs()).collect());
        let material = MATERIAL * median(whole[day - BEFORE..day].to_vec());
        let excess = resource.cost[day] - usual;
        if excess > 0.0 && excess > SIGMAS * spread && excess > 0.5 * usual && excess > material && material > 0.0 {
            let entry = found.get_or_insert(Found {
                first: day,
                last: day,
                days: 0,
                expected: usual,
                excess: 0.0,
            });
            entry.last = day;
            entry.days += 1;
            entry.excess += excess;
        }
    }
    found
}

fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}
