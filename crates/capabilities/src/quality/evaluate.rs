//! Running checks and judging what was measured.

use std::collections::BTreeSet;

use steward_compute::{EngineError, Query, Rows, Value};
use steward_definitions::sql::{Statement, quote};
use steward_definitions::{Check, Dataset, Rule};

use super::rules::{self, Measure};
use super::schema::differences;
use super::{CheckOptions, CheckResult, CheckStatus, QualityReport, SchemaDifference};
use crate::{CapabilityError, Context};

const DAY_US: i64 = 86_400_000_000;
/// Days before a day that its mean is compared with.
const DAYS_BEFORE: usize = 28;
/// Fewest of them that are compared with.
const FEWEST_DAYS: usize = 3;

/// What was measured.
enum Found {
    Number(f64),
    Time(Option<i64>),
    Days(Vec<(i32, f64)>),
    Nothing(String),
}

/// Checks a dataset.
pub(crate) async fn evaluate(
    context: &Context,
    dataset: &Dataset,
    options: &CheckOptions,
    as_of_us: i64,
) -> Result<QualityReport, CapabilityError> {
    let name = &dataset.meta.name;
    let all = query(name, format!("SELECT * FROM {}", quote(name)));
    let actual = context.engine.plan(&all).await?;
    let schema = differences(dataset, &actual);
    let checks = rules::checks(dataset);
    let time = options
        .time_column
        .clone()
        .or_else(|| rules::time_column(dataset, &checks, &actual));
    let (condition, slice) = slice(options, time.as_deref(), name)?;

    let mut sql = Vec::new();
    let mut measured: Vec<(usize, Measure)> = Vec::new();
    let mut found: Vec<Option<Found>> = Vec::new();
    for (i, check) in checks.iter().enumerate() {
        let missing = rules::columns(&check.rule)
            .into_iter()
            .find(|c| actual.field_with_name(c).is_err());
        found.push(missing.map(|c| Found::Nothing(format!("the column {c} is missing"))));
        if missing.is_none() {
            // Days before the slice are what a shift compares with.
            let condition = match (&check.rule, slice) {
                (Rule::Shift { time, .. }, Some((_, end))) => {
                    format!(" WHERE \"t\".{} < {}", quote(time), moment(end))
                }
                _ => condition.clone(),
            };
            measured.push((i, rules::measure(&check.rule, name, &condition)));
        }
    }
    let rows = one_pass(context, name, &condition, &checks, &measured, &mut found, &mut sql).await?;
    for (i, measure) in &measured {
        match measure {
            Measure::Daily(text) => {
                let q = query(name, text.clone());
                found[*i] = Some(match context.engine.run(&q, &context.control).await {
                    Ok(rows) => Found::Days(days(&rows)?),
                    Err(e) => unmeasured(e)?,
                });
                sql.push(text.clone());
            }
            Measure::Custom(text) => {
                let (answer, text) = custom(context, text).await?;
                found[*i] = Some(answer);
                sql.push(text);
            }
            Measure::Aggregate { .. } | Measure::Query(_) => {}
        }
    }
    let mut results = Vec::new();
    for ((i, check), found) in checks.iter().enumerate().zip(found) {
        let found = found.unwrap_or_else(|| Found::Nothing("it was not measured".into()));
        let mut result = judge(dataset, check, found, rows, as_of_us, options.day.as_deref());
        if result.status == CheckStatus::Failed && options.sample > 0 {
            let failing = measured.iter().find(|(m, _)| *m == i).and_then(|(_, m)| match m {
                Measure::Aggregate { failing, .. } => failing.as_deref(),
                _ => None,
            });
            if let Some(failing) = failing {
                result.sample = sample(context, dataset, &condition, failing, options.sample).await?;
            }
        }
        results.push(result);
    }
    unique_names(&mut results);
    let ok = results
        .iter()
        .all(|r| r.status == CheckStatus::Passed || r.severity != "error")
        && schema.iter().all(|d| matches!(d, SchemaDifference::Extra { .. }));
    Ok(QualityReport {
        dataset: name.clone(),
        owner: dataset.meta.owner.clone(),
        version: dataset.version.clone(),
        ok,
        verdict: verdict(&results, &schema),
        rows: Some(rows),
        day: options.day.clone(),
        as_of_us,
        checks: results,
        schema,
        sql,
        data: context.engine.snapshot(name).await?.digest,
        definition: dataset.meta.digest.clone(),
    })
}

/// The moment by which a slice is judged: the end of its day, or now if that day still runs. A past day does not age.
pub(crate) fn slice_as_of(day: &str, now_us: i64) -> i64 {
    midnight(day).map_or(now_us, |start| now_us.min(start + DAY_US))
}

/// First moment of an ISO date in UTC.
fn midnight(day: &str) -> Option<i64> {
    let date = day.parse::<jiff::civil::Date>().ok()?;
    let start = jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(start.as_microsecond())
}

/// The condition on rows, and the day's first and last moment.
fn slice(
    options: &CheckOptions,
    time: Option<&str>,
    dataset: &str,
) -> Result<(String, Option<(i64, i64)>), CapabilityError> {
    let no_time = || {
        CapabilityError::Invalid(format!(
            "dataset {dataset} has no single time column to take a slice by: name one"
        ))
    };
    if let Some(day) = &options.day {
        let start =
            midnight(day).ok_or_else(|| CapabilityError::Invalid(format!("{day:?} is no day; write 2025-01-31")))?;
        let column = quote(time.ok_or_else(no_time)?);
        let end = start + DAY_US;
        let condition = format!(
            " WHERE \"t\".{column} >= {} AND \"t\".{column} < {}",
            moment(start),
            moment(end)
        );
        return Ok((condition, Some((start, end))));
    }
    Ok(match (options.as_of_us, time) {
        (Some(as_of), Some(time)) => (format!(" WHERE \"t\".{} < {}", quote(time), moment(as_of)), None),
        _ => (String::new(), None),
    })
}

fn moment(us: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(us).unwrap_or(jiff::Timestamp::MAX);
    let at = jiff::tz::TimeZone::UTC.to_datetime(at);
    format!("TIMESTAMP '{}'", at.strftime("%Y-%m-%d %H:%M:%S%.6f"))
}

fn query(dataset: &str, sql: String) -> Query {
    Query {
        label: format!("checks of {dataset}"),
        sql,
        parameters: Vec::new(),
    }
}

/// All aggregates in one statement; if that fails, one by one, so that the check at fault is named. Answers the rows.
async fn one_pass(
    context: &Context,
    name: &str,
    condition: &str,
    checks: &[Check],
    measured: &[(usize, Measure)],
    found: &mut [Option<Found>],
    sql: &mut Vec<String>,
) -> Result<u64, CapabilityError> {
    let statement = |wanted: &[&(usize, Measure)]| {
        let mut aggregates = vec!["COUNT(*) AS \"rows\"".to_owned()];
        let mut tables = Vec::new();
        let mut columns = vec!["\"a\".*".to_owned()];
        let mut from = "\"a\"".to_owned();
        for (i, measure) in wanted {
            match measure {
                Measure::Aggregate { sql, .. } => aggregates.push(format!("{sql} AS \"c{i}\"")),
                Measure::Query(sql) => {
                    tables.push(format!("\"q{i}\" AS ({sql})"));
                    columns.push(format!("\"q{i}\".\"n\" AS \"c{i}\""));
                    from.push_str(&format!(" CROSS JOIN \"q{i}\""));
                }
                Measure::Daily(_) | Measure::Custom(_) => {}
            }
        }
        tables.insert(
            0,
            format!(
                "\"a\" AS (SELECT {} FROM {} AS \"t\"{condition})",
                aggregates.join(", "),
                quote(name)
            ),
        );
        format!("WITH {} SELECT {} FROM {from}", tables.join(", "), columns.join(", "))
    };
    let wanted: Vec<&(usize, Measure)> = measured
        .iter()
        .filter(|(_, m)| matches!(m, Measure::Aggregate { .. } | Measure::Query(_)))
        .collect();
    let text = statement(&wanted);
    match context.engine.run(&query(name, text.clone()), &context.control).await {
        Ok(answer) => {
            for (i, _) in &wanted {
                found[*i] = Some(cell(&answer, &format!("c{i}"), &checks[*i].rule)?);
            }
            sql.push(text);
            rows(&answer)
        }
        Err(e @ (EngineError::Cancelled(_) | EngineError::Resources { .. } | EngineError::Unreachable { .. })) => {
            Err(e.into())
        }
        Err(_) => {
            let text = statement(&[]);
            let answer = context.engine.run(&query(name, text.clone()), &context.control).await?;
            sql.push(text);
            for one in wanted {
                let text = statement(&[one]);
                found[one.0] = Some(
                    match context.engine.run(&query(name, text.clone()), &context.control).await {
                        Ok(answer) => cell(&answer, &format!("c{}", one.0), &checks[one.0].rule)?,
                        Err(e) => unmeasured(e)?,
                    },
                );
                sql.push(text);
            }
            rows(&answer)
        }
    }
}

fn rows(answer: &Rows) -> Result<u64, CapabilityError> {
    let n = answer.integers("rows")?.into_iter().flatten().next().unwrap_or(0);
    Ok(u64::try_from(n).unwrap_or(0))
}

/// What a failing check's query says; what has nothing to do with the check goes on up.
fn unmeasured(error: EngineError) -> Result<Found, CapabilityError> {
    match error {
        EngineError::Plan { cause, .. } | EngineError::Run { cause, .. } => Ok(Found::Nothing(cause)),
        other => Err(other.into()),
    }
}

fn cell(answer: &Rows, column: &str, rule: &Rule) -> Result<Found, CapabilityError> {
    if matches!(rule, Rule::Freshness { .. }) {
        let newest = answer.timestamps(column)?.into_iter().flatten().next();
        return Ok(Found::Time(newest));
    }
    // Over no rows, nothing fails.
    Ok(Found::Number(
        answer.numbers(column)?.into_iter().flatten().next().unwrap_or(0.0),
    ))
}

fn days(answer: &Rows) -> Result<Vec<(i32, f64)>, CapabilityError> {
    let days = answer.values("day")?;
    let values = answer.numbers("n")?;
    Ok(days
        .into_iter()
        .zip(values)
        .filter_map(|(d, n)| match (d, n) {
            (Value::Date(d), Some(n)) => Some((d, n)),
            _ => None,
        })
        .collect())
}

async fn custom(context: &Context, text: &str) -> Result<(Found, String), CapabilityError> {
    let statement = match Statement::parse_query(text) {
        Ok(s) => s,
        Err(e) => return Ok((Found::Nothing(e.message), text.to_owned())),
    };
    if let Some(unknown) = statement
        .tables()
        .into_iter()
        .find(|t| !context.project.datasets.contains_key(*t))
    {
        return Ok((
            Found::Nothing(format!("there is no dataset {unknown}")),
            text.to_owned(),
        ));
    }
    let sql = statement.render();
    let q = Query {
        label: "check".into(),
        sql: sql.clone(),
        parameters: Vec::new(),
    };
    let found = match context.engine.run(&q, &context.control).await {
        Ok(rows) => match (rows.len(), rows.columns().as_slice()) {
            (1, [only]) => match rows.numbers(only) {
                Ok(values) => match values.into_iter().flatten().next() {
                    Some(x) => Found::Number(x),
                    None => Found::Nothing("the query answers NULL".into()),
                },
                Err(e) => Found::Nothing(format!("the query answers no number: {e}")),
            },
            (n, columns) => Found::Nothing(format!(
                "the query answers {n} row(s) of {} column(s), not one number",
                columns.len()
            )),
        },
        Err(e) => unmeasured(e)?,
    };
    Ok((found, sql))
}

fn judge(dataset: &Dataset, check: &Check, found: Found, rows: u64, as_of_us: i64, day: Option<&str>) -> CheckResult {
    let (bound, percent) = rules::bound(&check.rule);
    let expected = rules::expected(&check.rule);
    let mut result = CheckResult {
        name: check.name.clone(),
        column: rules::columns(&check.rule).first().map(|c| (*c).to_owned()),
        rule: rules::rule_name(&check.rule).to_owned(),
        status: CheckStatus::Error,
        measured: None,
        expected,
        message: String::new(),
        failing_rows: None,
        sample: Vec::new(),
        severity: check.severity.clone(),
        span: rules::span_of(check, dataset),
    };
    let outcome = match (&check.rule, found) {
        (_, Found::Nothing(why)) => {
            result.message = why;
            return result;
        }
        (Rule::Freshness { .. }, Found::Time(None)) => {
            result.message = "there is no time at all".into();
            result.status = CheckStatus::Failed;
            return result;
        }
        (Rule::Freshness { .. }, Found::Time(Some(newest))) => {
            let age = (as_of_us - newest) as f64 / 1e6;
            result.message = format!("the newest row is {} old", rules::duration(age.max(0.0)));
            Some(age)
        }
        (Rule::Volume { .. }, Found::Days(days)) => volume(&bound, &days, as_of_us, day, &mut result.message),
        (Rule::Shift { max_factor, .. }, Found::Days(days)) => shift(*max_factor, &days, day, &mut result.message),
        (rule, Found::Number(n)) => {
            let counts = !matches!(rule, Rule::Volume { .. } | Rule::Sql { .. });
            if counts {
                result.failing_rows = Some(n.max(0.0) as u64);
            }
            let measured = match (percent, rows) {
                (true, 0) => 0.0,
                (true, rows) => 100.0 * n / rows as f64,
                (false, _) => n,
            };
            result.message = match rule {
                Rule::Volume { .. } => format!("{n} rows"),
                Rule::Sql { .. } => format!("the query answers {n}"),
                _ if percent => format!("{n} of {rows} rows ({measured:.3}%)"),
                _ => format!("{n} of {rows} rows"),
            };
            Some(measured)
        }
        (_, Found::Time(_) | Found::Days(_)) => None,
    };
    result.measured = outcome;
    result.status = match outcome {
        Some(x) if !rules::keeps(&bound, x) => CheckStatus::Failed,
        Some(_) => CheckStatus::Passed,
        // Nothing to judge: the message says why.
        None => CheckStatus::Passed,
    };
    result
}

/// The day whose rows are farthest out of bounds; days without rows count as none, the day still running does not.
fn volume(
    bound: &steward_definitions::Bound,
    days: &[(i32, f64)],
    as_of_us: i64,
    day: Option<&str>,
    message: &mut String,
) -> Option<f64> {
    if let Some(day) = day {
        let n: f64 = days.iter().map(|(_, n)| n).sum();
        *message = format!("{n} rows on {day}");
        return Some(n);
    }
    let today = i32::try_from(as_of_us.div_euclid(DAY_US)).unwrap_or(i32::MAX);
    let complete: std::collections::BTreeMap<i32, f64> = days.iter().copied().filter(|(d, _)| *d < today).collect();
    let (Some((&first, _)), Some((&last, _))) = (complete.first_key_value(), complete.last_key_value()) else {
        *message = "no complete day".into();
        return None;
    };
    let mut worst: Option<(f64, i32, f64)> = None;
    for d in first..=last {
        let n = complete.get(&d).copied().unwrap_or(0.0);
        let out = bound
            .min
            .map_or(f64::MIN, |m| m - n)
            .max(bound.max.map_or(f64::MIN, |m| n - m));
        if worst.is_none_or(|(w, ..)| out > w) {
            worst = Some((out, d, n));
        }
    }
    worst.map(|(_, d, n)| {
        *message = format!("{n} rows on {}, the day farthest out", date(d));
        n
    })
}

/// The largest factor, up or down, between a day's mean and the median of those of the days before.
fn shift(max_factor: f64, days: &[(i32, f64)], day: Option<&str>, message: &mut String) -> Option<f64> {
    let mut worst: Option<(f64, i32)> = None;
    for (at, (d, mean)) in days.iter().enumerate() {
        if day.is_some_and(|day| date(*d) != day) {
            continue;
        }
        let mut before: Vec<f64> = days[at.saturating_sub(DAYS_BEFORE)..at]
            .iter()
            .map(|(_, m)| *m)
            .collect();
        if before.len() < FEWEST_DAYS {
            continue;
        }
        before.sort_by(f64::total_cmp);
        let middle = before.len() / 2;
        let median = if before.len() % 2 == 1 {
            before[middle]
        } else {
            (before[middle - 1] + before[middle]) / 2.0
        };
        let factor = if *mean == median {
            1.0
        } else if mean * median > 0.0 {
            (mean / median).max(median / mean)
        } else {
            f64::MAX
        };
        if worst.is_none_or(|(w, _)| factor > w) {
            worst = Some((factor, *d));
        }
    }
    match worst {
        Some((factor, d)) => {
            let how = if factor > max_factor { "shifted" } else { "steady" };
            *message = format!("{how}: largest factor {factor:.2}, on {}", date(d));
            Some(factor)
        }
        None => {
            *message = format!("not judged: fewer than {FEWEST_DAYS} days before");
            None
        }
    }
}

fn date(days: i32) -> String {
    jiff::civil::Date::constant(1970, 1, 1)
        .saturating_add(jiff::Span::new().days(i64::from(days)))
        .to_string()
}

async fn sample(
    context: &Context,
    dataset: &Dataset,
    condition: &str,
    failing: &str,
    n: u32,
) -> Result<Vec<Vec<(String, String)>>, CapabilityError> {
    let and = if condition.is_empty() { " WHERE" } else { " AND" };
    let name = &dataset.meta.name;
    let text = format!(
        "SELECT * FROM {} AS \"t\"{condition}{and} {failing} LIMIT {n}",
        quote(name)
    );
    let rows = context.engine.run(&query(name, text), &context.control).await?;
    let mut all = vec![Vec::new(); rows.len()];
    for column in rows.columns() {
        let open = dataset
            .columns
            .iter()
            .find(|c| c.name == column)
            .is_some_and(|c| !is_personal(c.classification.as_deref()));
        for (row, value) in all.iter_mut().zip(rows.strings(column)?) {
            let shown = match value {
                None => "NULL".to_owned(),
                Some(v) if open => v,
                Some(_) => "•••".to_owned(),
            };
            row.push((column.to_owned(), shown));
        }
    }
    Ok(all)
}

/// Whether values of a classification must not be shown.
pub(crate) fn is_personal(classification: Option<&str>) -> bool {
    classification.is_some_and(|c| !matches!(c.to_lowercase().as_str(), "public" | "internal" | ""))
}

fn unique_names(results: &mut [CheckResult]) {
    let mut seen = BTreeSet::new();
    for r in results {
        let base = r.name.clone();
        let mut n = 2;
        while !seen.insert(r.name.clone()) {
            r.name = format!("{base}_{n}");
            n += 1;
        }
    }
}

fn verdict(results: &[CheckResult], schema: &[SchemaDifference]) -> String {
    let mut parts = Vec::new();
    for d in schema {
        match d {
            SchemaDifference::Missing { column, renamed_to, .. } => parts.push(match renamed_to {
                Some(to) => format!("column {column} is missing, probably renamed to {to}"),
                None => format!("column {column} is missing"),
            }),
            SchemaDifference::Type {
                column,
                expected,
                found,
                ..
            } => parts.push(format!("column {column} is {found}, not {expected}")),
            SchemaDifference::Extra { .. } => {}
        }
    }
    for r in results.iter().filter(|r| r.status == CheckStatus::Failed) {
        parts.push(format!("{}: {} (promised: {})", r.name, r.message, r.expected));
    }
    for r in results.iter().filter(|r| r.status == CheckStatus::Error) {
        parts.push(format!("{} could not be tested: {}", r.name, r.message));
    }
    if parts.is_empty() {
        return match results.len() {
            0 => "The contract promises nothing that could be tested.".into(),
            n => format!("All {n} checks passed."),
        };
    }
    let rest = parts.len().saturating_sub(3);
    parts.truncate(3);
    let mut text = parts.join("; ");
    if rest > 0 {
        text.push_str(&format!("; and {rest} more"));
    }
    text.push('.');
    text
}
