//! From charges to who bears them: by tag, then meter, then declared key; what is left is unallocated.
//!
//! The engine sums charges by what tells them apart; here each group finds its rule. Sums of an invoice (a month's
//! charges of a vendor in a currency) are rounded to minor units together, and shares of a group are too: nothing is
//! lost on the way.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use steward_compute::{Query, Value};
use steward_definitions::sql::quote;
use steward_definitions::{Bill, Meter};
use steward_stats::apportion;

use super::focus::SCALE;
use super::types::{Allocation, Line, Rule};
use crate::{CapabilityError, Context};

/// Words that name no model of which so many are told.
const MOST_WORDS: usize = 20;

/// The bill of that name.
pub(super) fn find<'c>(context: &'c Context, name: &str) -> Result<&'c Bill, CapabilityError> {
    context.project.bills.get(name).ok_or_else(|| CapabilityError::Unknown {
        kind: "bill".into(),
        name: name.into(),
        near: crate::error::nearest(name, context.project.bills.keys()),
    })
}

/// The first day of which charges do not count: today, UTC.
pub(super) fn today(context: &Context) -> Result<jiff::civil::Date, CapabilityError> {
    let now = Timestamp::from_microsecond(context.now_us).map_err(|e| CapabilityError::Invalid(e.to_string()))?;
    Ok(TimeZone::UTC.to_datetime(now).date())
}

/// The start of a day as a bound value.
pub(super) fn start_of(day: jiff::civil::Date) -> Result<Value, CapabilityError> {
    let at = day.in_tz("UTC").map_err(|e| CapabilityError::Invalid(e.to_string()))?;
    Ok(Value::Timestamp(at.timestamp().as_microsecond()))
}

/// Allocates a bill: all charges before today, by month, vendor, service and model.
///
/// # Errors
/// If there is no such bill, its charges cannot be read, or a currency has no rate.
pub async fn allocation(context: &Context, name: &str) -> Result<Allocation, CapabilityError> {
    let bill = find(context, name)?;
    let today = today(context)?;
    let mut tables = vec![bill.dataset.clone()];
    tables.extend(bill.meters.iter().map(|m| m.dataset.clone()));
    let definitions = BTreeMap::from([(format!("bill/{name}"), bill.meta.digest.clone())]);
    let parameters = json!({ "what": "allocation", "before": today.to_string() });
    let found = crate::evidence::conclude(
        context,
        &format!("bill/{name}"),
        definitions,
        &tables,
        parameters,
        || async {
            let mut queries = Vec::new();
            let allocation = allocate(context, bill, today, &mut queries).await?;
            Ok((
                allocation,
                json!({ "engine": context.engine.name(), "queries": queries }),
            ))
        },
    )
    .await?;
    Ok(Allocation {
        evidence: found.evidence.id,
        ..found.value
    })
}

/// Charges that no rule tells apart.
struct Charge {
    month: String,
    vendor: String,
    currency: String,
    service: String,
    tags: Option<String>,
    resource: Option<String>,
    day: Option<i64>,
    keys: Vec<Option<String>>,
    billed: i128,
    effective: i128,
}

async fn allocate(
    context: &Context,
    bill: &Bill,
    today: jiff::civil::Date,
    queries: &mut Vec<String>,
) -> Result<Allocation, CapabilityError> {
    let readings = readings(context, bill, queries).await?;
    let (charges, count) = charges(context, bill, today, &readings, queries).await?;
    let mut sums: BTreeMap<(String, String, String, Option<String>, Rule), (i64, i64)> = BTreeMap::new();
    let mut words: BTreeMap<String, i128> = BTreeMap::new();
    let (mut all_billed, mut all_effective) = (0i128, 0i128);
    let mut invoices: BTreeMap<(String, String, String), Vec<Charge>> = BTreeMap::new();
    for charge in charges {
        let key = (charge.month.clone(), charge.vendor.clone(), charge.currency.clone());
        invoices.entry(key).or_default().push(charge);
    }
    let unit = 10_i128.pow(u32::from(SCALE.unsigned_abs()) - minor_digits(&bill.currency));
    for ((month, vendor, currency), charges) in invoices {
        let rate = rate(bill, &currency)?;
        let fine = |of: &dyn Fn(&Charge) -> i128| -> Vec<i128> { charges.iter().map(|c| rate.times(of(c))).collect() };
        let billed = apportion::round_together(&fine(&|c| c.billed), unit);
        let effective = apportion::round_together(&fine(&|c| c.effective), unit);
        for ((charge, billed), effective) in charges.iter().zip(billed).zip(effective) {
            all_billed += billed;
            all_effective += effective;
            let (rule, shares) = bearer(bill, charge, &readings, effective, &mut words);
            let weights: Vec<u64> = shares.iter().map(|(_, weight)| *weight).collect();
            let split = |total: i128| {
                apportion::share(total, &weights)
                    .ok_or_else(|| CapabilityError::Invalid(format!("a charge of {vendor} is shared by weights of 0")))
            };
            for ((model, _), (billed, effective)) in
                shares.iter().zip(split(billed)?.into_iter().zip(split(effective)?))
            {
                let rule = if model.is_some() { rule } else { Rule::Unallocated };
                let key = (
                    month.clone(),
                    vendor.clone(),
                    charge.service.clone(),
                    model.clone(),
                    rule,
                );
                let sum = sums.entry(key).or_default();
                sum.0 += minor(billed)?;
                sum.1 += minor(effective)?;
            }
        }
    }
    let lines: Vec<Line> = sums
        .into_iter()
        .map(
            |((month, vendor, service, model, rule), (billed_minor, effective_minor))| {
                let known = model.as_ref().and_then(|m| bill.models.iter().find(|b| b.model == *m));
                Line {
                    month,
                    vendor,
                    service,
                    initiative: known.and_then(|k| k.initiative.clone()),
                    team: known.and_then(|k| k.team.clone()),
                    model,
                    rule,
                    billed_minor,
                    effective_minor,
                }
            },
        )
        .collect();
    let mut unknown_words: Vec<(String, i64)> = Vec::new();
    for (word, cost) in words {
        unknown_words.push((word, minor(cost)?));
    }
    unknown_words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    unknown_words.truncate(MOST_WORDS);
    Ok(Allocation {
        bill: bill.meta.name.clone(),
        currency: bill.currency.clone(),
        before: today.to_string(),
        charges: count,
        unallocated_minor: lines
            .iter()
            .filter(|l| l.model.is_none())
            .map(|l| l.effective_minor)
            .sum(),
        lines,
        billed_minor: minor(all_billed)?,
        effective_minor: minor(all_effective)?,
        unknown_words,
        evidence: String::new(),
    })
}

fn minor(value: i128) -> Result<i64, CapabilityError> {
    i64::try_from(value)
        .map_err(|_| CapabilityError::Invalid(format!("the cost of {value} minor units is beyond all bounds")))
}

/// Decimal places of a currency's minor unit by ISO 4217.
pub(super) fn minor_digits(currency: &str) -> u32 {
    u32::try_from(steward_definitions::kinds::minor_digits(Some(currency))).unwrap_or(2)
}

/// A rate in hundred-millionths.
pub(super) struct Exchange(i128);

impl Exchange {
    pub(super) fn times(&self, amount: i128) -> i128 {
        apportion::rounded(amount.saturating_mul(self.0), RATE_UNIT)
    }
}

const RATE_UNIT: i128 = 100_000_000;

pub(super) fn rate(bill: &Bill, currency: &str) -> Result<Exchange, CapabilityError> {
    if currency == bill.currency {
        return Ok(Exchange(RATE_UNIT));
    }
    let found = bill.rates.iter().find(|r| r.currency == currency);
    let value = found.and_then(|r| {
        let (whole, part) = r.rate.split_once('.').unwrap_or((&r.rate, ""));
        format!("{whole}{part:0<8}")
            .parse::<i128>()
            .ok()
            .filter(|_| part.len() <= 8)
    });
    value.map(Exchange).ok_or_else(|| {
        CapabilityError::Invalid(format!(
            "bill {} has charges in {currency} and no rate for it; add `rates: [{{currency: {currency}, rate: …}}]`",
            bill.meta.name
        ))
    })
}

/// Who used a metered resource how much on a day: weights by model, `None` for a word that names none.
type Readings = BTreeMap<(String, i64), Vec<(Option<String>, u64)>>;

async fn readings(context: &Context, bill: &Bill, queries: &mut Vec<String>) -> Result<Readings, CapabilityError> {
    let mut all = Readings::new();
    for Meter {
        dataset,
        resource,
        time,
        user,
        usage,
    } in &bill.meters
    {
        let query = Query {
            label: format!("bill {}: meter {dataset}", bill.meta.name),
            sql: format!(
                "SELECT CAST({r} AS VARCHAR) AS \"resource\", CAST({t} AS DATE) AS \"day\", CAST({u} AS VARCHAR) AS \"user\", \
                 SUM(CAST({x} AS DOUBLE)) AS \"usage\" FROM {d} WHERE {x} > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                r = quote(resource),
                t = quote(time),
                u = quote(user),
                x = quote(usage),
                d = quote(dataset)
            ),
            parameters: Vec::new(),
        };
        let rows = context.engine.run(&query, &context.control).await?;
        let (resources, days) = (rows.strings("resource")?, rows.values("day")?);
        let (users, usages) = (rows.strings("user")?, rows.numbers("usage")?);
        queries.push(rows.sql);
        for (((resource, day), user), usage) in resources.into_iter().zip(days).zip(users).zip(usages) {
            let (Some(resource), Value::Date(day), Some(usage)) = (resource, day, usage) else {
                continue;
            };
            let model = user.as_deref().and_then(|u| named(bill, u));
            // Six digits of a reading are more than any meter has.
            let weight = (usage * 1e3).round().clamp(0.0, 9e15) as u64;
            all.entry((resource, i64::from(day))).or_default().push((model, weight));
        }
    }
    Ok(all)
}

/// The model that a word names.
fn named(bill: &Bill, word: &str) -> Option<String> {
    let known = bill
        .models
        .iter()
        .find(|m| m.model == word || m.also.iter().any(|a| a == word));
    known.map(|m| m.model.clone())
}

async fn charges(
    context: &Context,
    bill: &Bill,
    today: jiff::civil::Date,
    readings: &Readings,
    queries: &mut Vec<String>,
) -> Result<(Vec<Charge>, u64), CapabilityError> {
    let mut parameters = vec![start_of(today)?];
    let mut bind = |value: &str| {
        parameters.push(Value::Text(value.to_owned()));
        format!("${}", parameters.len())
    };
    let mut metered: Vec<&str> = readings.keys().map(|(resource, _)| resource.as_str()).collect();
    metered.dedup();
    let (resource, day) = if metered.is_empty() {
        ("CAST(NULL AS VARCHAR)".to_owned(), "CAST(NULL AS DATE)".to_owned())
    } else {
        let list: Vec<String> = metered.iter().map(|m| bind(m)).collect();
        let is = format!("\"ResourceId\" IN ({})", list.join(", "));
        (
            format!("CASE WHEN {is} THEN \"ResourceId\" END"),
            format!("CASE WHEN {is} THEN CAST(\"ChargePeriodStart\" AS DATE) END"),
        )
    };
    let mut columns: Vec<&str> = bill.keys.iter().map(|k| k.column.as_str()).collect();
    columns.sort_unstable();
    columns.dedup();
    let mut keys = Vec::new();
    for column in &columns {
        let values: Vec<String> = bill
            .keys
            .iter()
            .filter(|k| k.column == *column)
            .map(|k| bind(&k.value))
            .collect();
        let text = format!("CAST({} AS VARCHAR)", quote(column));
        keys.push(format!("CASE WHEN {text} IN ({}) THEN {text} END", values.join(", ")));
    }
    let named: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(i, k)| format!(", {k} AS \"key{i}\""))
        .collect();
    // Without meters resource and day are constants, by which nothing is grouped.
    let grouped = (1..=7 + keys.len()).filter(|i| !metered.is_empty() || !(6..=7).contains(i));
    let places: Vec<String> = grouped.map(|i| i.to_string()).collect();
    let sum = |column: &str| format!("CAST(SUM(CAST(\"{column}\" AS DECIMAL(38, {SCALE}))) AS VARCHAR)");
    let query = Query {
        label: format!("bill {}: charges", bill.meta.name),
        sql: format!(
            "SELECT CAST(DATE_TRUNC('month', \"ChargePeriodStart\") AS DATE) AS \"month\", \"ProviderName\" AS \"vendor\", \
             \"BillingCurrency\" AS \"currency\", \"ServiceName\" AS \"service\", \"Tags\" AS \"tags\", {resource} AS \"resource\", \
             {day} AS \"day\"{}, {} AS \"billed\", {} AS \"effective\", COUNT(*) AS \"charges\" FROM {} \
             WHERE \"ChargePeriodStart\" < $1 GROUP BY {}",
            named.concat(),
            sum("BilledCost"),
            sum("EffectiveCost"),
            quote(&bill.dataset),
            places.join(", ")
        ),
        parameters,
    };
    let rows = context.engine.run(&query, &context.control).await?;
    let text = |column: &str| rows.strings(column);
    let (months, days, counts) = (rows.values("month")?, rows.values("day")?, rows.integers("charges")?);
    let (vendors, currencies, services) = (text("vendor")?, text("currency")?, text("service")?);
    let (tags, resources) = (text("tags")?, text("resource")?);
    let (billed, effective) = (text("billed")?, text("effective")?);
    let mut key_values = Vec::new();
    for number in 0..keys.len() {
        key_values.push(text(&format!("key{number}"))?);
    }
    let mut found = Vec::with_capacity(rows.len());
    let mut count = 0;
    for row in 0..rows.len() {
        count += counts[row].and_then(|c| u64::try_from(c).ok()).unwrap_or_default();
        let word = |column: &[Option<String>]| column[row].clone().unwrap_or_default();
        let by_column = |column: &str| {
            let place = columns.iter().position(|c| *c == column)?;
            key_values[place][row].clone()
        };
        found.push(Charge {
            month: match &months[row] {
                Value::Date(days) => month(*days),
                _ => String::new(),
            },
            vendor: word(&vendors),
            currency: word(&currencies),
            service: word(&services),
            tags: tags[row].clone(),
            resource: resources[row].clone(),
            day: match &days[row] {
                Value::Date(days) => Some(i64::from(*days)),
                _ => None,
            },
            keys: bill.keys.iter().map(|k| by_column(&k.column)).collect(),
            billed: exact(&word(&billed))?,
            effective: exact(&word(&effective))?,
        });
    }
    queries.push(rows.sql);
    Ok((found, count))
}

/// `2025-10` of days since 1970.
pub(super) fn month(days: i32) -> String {
    let day = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(i64::from(days)));
    day.strftime("%Y-%m").to_string()
}

/// A decimal as printed by an engine, in ten-billionths.
pub(super) fn exact(text: &str) -> Result<i128, CapabilityError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(0);
    }
    let (sign, size) = trimmed.strip_prefix('-').map_or((1, trimmed), |rest| (-1, rest));
    let (whole, part) = size.split_once('.').unwrap_or((size, ""));
    let scale = usize::from(SCALE.unsigned_abs());
    let places = part.trim_end_matches('0');
    let digits = format!("{whole}{places:0<scale$}");
    match digits.parse::<i128>() {
        Ok(value) if places.len() <= scale => Ok(sign * value),
        _ => Err(CapabilityError::Invalid(format!(
            "the engine answered the sum {text:?}, which is no decimal"
        ))),
    }
}

/// The rule of a charge, and who bears it by what weight; `None` bears what nobody is known to.
fn bearer(
    bill: &Bill,
    charge: &Charge,
    readings: &Readings,
    effective: i128,
    words: &mut BTreeMap<String, i128>,
) -> (Rule, Vec<(Option<String>, u64)>) {
    let tags = charge
        .tags
        .as_deref()
        .and_then(|t| serde_json::from_str::<serde_json::Value>(t).ok());
    for key in &bill.model_tags {
        let Some(word) = tags
            .as_ref()
            .and_then(|t| t.get(key))
            .and_then(serde_json::Value::as_str)
        else {
            continue;
        };
        match named(bill, word) {
            Some(model) => return (Rule::Tag, vec![(Some(model), 1)]),
            None => *words.entry(format!("{key}: {word}")).or_default() += effective,
        }
    }
    if let (Some(resource), Some(day)) = (&charge.resource, charge.day)
        && let Some(shares) = readings.get(&(resource.clone(), day))
        && shares.iter().any(|(_, weight)| *weight > 0)
    {
        return (Rule::Meter, shares.clone());
    }
    for (key, value) in bill.keys.iter().zip(&charge.keys) {
        if value.as_deref() == Some(key.value.as_str()) && key.shares.iter().any(|s| s.weight > 0) {
            return (
                Rule::Key,
                key.shares.iter().map(|s| (Some(s.model.clone()), s.weight)).collect(),
            );
        }
    }
    (Rule::Unallocated, vec![(None, 1)])
}
