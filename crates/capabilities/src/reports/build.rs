//! Turning the blocks of a report into the sections of a pack.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Span as TimeSpan, Timestamp};
use serde::{Deserialize, Serialize};
use steward_compute::{Query, Value};
use steward_definitions::{Block, BlockContent, Diagnostic, Report, Span};

use super::period::last_complete;
use super::uncertainty;
use super::{Chart, Figure, Pack, Section, SectionContent, Table};
use crate::experiments::{self, ReadoutOptions};
use crate::governance::{self, DecisionFilter};
use crate::metrics::{self, MetricRequest};
use crate::portfolio;
use crate::{CapabilityError, Context};

/// Rows of a table that a pack shows at most.
const MOST_ROWS: u64 = 200;
const DECISIONS: usize = 10;

/// Builds a pack, or answers every problem with its place.
pub(crate) async fn build(
    context: &Context,
    report: &Report,
    previous: Option<&Pack>,
) -> Result<Pack, CapabilityError> {
    let mut sections = Vec::new();
    let mut problems = Vec::new();
    for block in &report.blocks {
        match section(context, report, block, previous, &mut problems).await {
            Ok(Some(content)) => sections.push(Section {
                span: block.span.clone(),
                content,
            }),
            Ok(None) => {}
            // What has nothing to do with this block is the build's failure.
            Err(e @ (CapabilityError::Ledger(_) | CapabilityError::File { .. })) => return Err(e),
            Err(CapabilityError::Definitions(found)) => problems.extend(found),
            Err(e) => problems.push(problem(&block.span, "failed-block", e.to_string())),
        }
    }
    if !problems.is_empty() {
        return Err(CapabilityError::Definitions(problems));
    }
    if sections
        .iter()
        .any(|s| matches!(s.content, SectionContent::Summary { .. }))
    {
        let found = super::summary::summarise(context, &sections).await?;
        for section in &mut sections {
            if let SectionContent::Summary { summary } = &mut section.content {
                summary.clone_from(&found);
            }
        }
    }
    Ok(Pack {
        report: report.meta.name.clone(),
        title: report.meta.label.clone().unwrap_or_else(|| report.meta.name.clone()),
        owner: report.meta.owner.clone(),
        as_of_us: context.now_us,
        previous_as_of_us: previous.map(|p| p.as_of_us),
        sections,
        definition: report.meta.digest.clone(),
    })
}

fn problem(span: &Span, code: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, span.clone(), message)
}

async fn section(
    context: &Context,
    report: &Report,
    block: &Block,
    previous: Option<&Pack>,
    problems: &mut Vec<Diagnostic>,
) -> Result<Option<SectionContent>, CapabilityError> {
    let before = problems.len();
    let content = match &block.content {
        BlockContent::Prose { markdown } => SectionContent::Prose {
            markdown: markdown.clone(),
        },
        BlockContent::Metric { metric, period, filter } => {
            sound(context, report, block, metric, problems).await?;
            if problems.len() > before {
                return Ok(None);
            }
            let figure = figure(
                context,
                block,
                metric,
                period.as_deref(),
                filter.as_deref(),
                previous,
                problems,
            )
            .await?;
            match figure {
                Some(figure) => SectionContent::Figure(figure),
                None => return Ok(None),
            }
        }
        BlockContent::Chart {
            metrics,
            by,
            filter,
            title,
            mark,
            from,
            to,
        } => {
            for metric in metrics {
                sound(context, report, block, metric, problems).await?;
            }
            if problems.len() > before {
                return Ok(None);
            }
            let request = MetricRequest {
                metrics: metrics.clone(),
                by: by.clone(),
                filter: filter.clone(),
                from: from.clone(),
                to: to.clone(),
                ..MetricRequest::default()
            };
            let found = metrics::conclude(context, &format!("metric/{}", metrics.join("+")), &request).await?;
            if found.value.rows.is_empty() {
                problems.push(problem(
                    &block.span,
                    "missing-data",
                    format!("the chart of {} has no data", metrics.join(", ")),
                ));
                return Ok(None);
            }
            SectionContent::Chart(Chart {
                title: title.clone().unwrap_or_else(|| metrics.join(", ")),
                mark: mark.clone(),
                table: found.value,
                evidence: found.evidence.id,
            })
        }
        BlockContent::Sql { query, title } => {
            SectionContent::Table(table(context, report, query, title.clone()).await?)
        }
        BlockContent::Money { bill, show } => SectionContent::Table(super::money::table(context, bill, show).await?),
        // Filled when all sections are there.
        BlockContent::Summary => SectionContent::Summary {
            summary: super::Summary::default(),
        },
        BlockContent::Experiment { name } => SectionContent::Experiment {
            readout: experiments::readout(context, name, &ReadoutOptions::default()).await?,
        },
        BlockContent::Objective { name } => SectionContent::Objective {
            status: portfolio::objective_status(context, name, None).await?,
        },
        BlockContent::Decisions { last } => {
            let mut decisions = governance::decisions(context, &DecisionFilter::default(), None).await?;
            decisions.truncate(last.map_or(DECISIONS, |n| n as usize));
            SectionContent::Decisions { decisions }
        }
    };
    Ok(Some(content))
}

/// Whether a metric may be shown: it exists, is owned, and its data is fresh enough.
async fn sound(
    context: &Context,
    report: &Report,
    block: &Block,
    metric: &str,
    problems: &mut Vec<Diagnostic>,
) -> Result<(), CapabilityError> {
    let Some(found) = context.project.metrics.get(metric) else {
        let near = steward_definitions::nearest::nearest(metric, context.project.metrics.keys().map(String::as_str));
        problems
            .push(problem(&block.span, "missing-metric", format!("there is no metric {metric:?}")).did_you_mean(near));
        return Ok(());
    };
    if found.meta.owner.trim().is_empty() {
        problems.push(
            problem(&block.span, "unowned-metric", format!("metric {metric} has no owner"))
                .hint("name an owner in the metric or in steward.yaml"),
        );
    }
    let Some(most) = report.max_age_hours else {
        return Ok(());
    };
    if let Some(newest) = metrics::newest(context, metric).await? {
        let hours = (context.now_us - newest) as f64 / 3.6e9;
        if hours > most {
            problems.push(
                problem(
                    &block.span,
                    "stale-metric",
                    format!("the data of metric {metric} ends {hours:.0} h ago; the report allows {most} h"),
                )
                .hint("load newer data, or raise max_age of the report"),
            );
        }
    }
    Ok(())
}

async fn figure(
    context: &Context,
    block: &Block,
    metric: &str,
    period: Option<&str>,
    filter: Option<&str>,
    previous: Option<&Pack>,
    problems: &mut Vec<Diagnostic>,
) -> Result<Option<Figure>, CapabilityError> {
    let project = &context.project;
    let Some(definition) = project.metrics.get(metric) else {
        return Ok(None);
    };
    let zone_name = if project.settings.time_zone.is_empty() {
        "UTC"
    } else {
        &project.settings.time_zone
    };
    let zone = TimeZone::get(zone_name).map_err(|e| CapabilityError::Invalid(format!("time zone {zone_name}: {e}")))?;
    let now = Timestamp::from_microsecond(context.now_us).map_err(|e| CapabilityError::Invalid(e.to_string()))?;
    let periods = match period {
        None => None,
        Some(text) => match last_complete(text, zone.to_datetime(now).date()) {
            Some(p) => Some(p),
            None => {
                problems.push(
                    problem(&block.span, "unknown-period", format!("{text:?} is no period"))
                        .expected("day, week, month, quarter, year, or a number of days such as `28 days`"),
                );
                return Ok(None);
            }
        },
    };
    let request = |days: Option<(jiff::civil::Date, jiff::civil::Date)>| MetricRequest {
        metrics: vec![metric.to_owned()],
        filter: filter.map(str::to_owned),
        from: days.map(|(a, _)| a.to_string()),
        to: days.map(|(_, b)| b.to_string()),
        ..MetricRequest::default()
    };
    let subject = format!("metric/{metric}");
    let now_days = periods.as_ref().map(|p| (p.from, p.to));
    let found = metrics::conclude(context, &subject, &request(now_days)).await?;
    let cell = |t: &metrics::MetricTable| t.rows.first().and_then(|r| r.first()).cloned().unwrap_or(Value::Null);
    let value = cell(&found.value);
    let words = periods
        .as_ref()
        .map_or_else(|| "all time".to_owned(), |p| p.words.clone());
    if value == Value::Null {
        problems.push(problem(
            &block.span,
            "missing-data",
            format!("metric {metric} has no value for {words}"),
        ));
        return Ok(None);
    }
    let before = match &periods {
        Some(p) => Some(cell(
            &metrics::conclude(context, &subject, &request(Some(p.before)))
                .await?
                .value,
        )),
        None => None,
    }
    .filter(|v| *v != Value::Null);
    let range = match &periods {
        Some(p) => {
            let start = |d: jiff::civil::Date| {
                zone.to_timestamp(d.at(0, 0, 0, 0))
                    .map(Timestamp::as_microsecond)
                    .map_err(|e| CapabilityError::Invalid(e.to_string()))
            };
            Some((start(p.from)?, start(p.to.saturating_add(TimeSpan::new().days(1)))?))
        }
        None => None,
    };
    let (now_number, before_number) = (metrics::number(&value), before.as_ref().and_then(metrics::number));
    let (mut estimate, mut no_estimate) = match uncertainty::estimate(context, metric, filter.is_some(), range).await? {
        Some(Ok(e)) => (Some(e), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    // The same quantity by another way: if they differ, the interval is not this figure's.
    if let (Some(e), Some(x)) = (&estimate, now_number)
        && (e.point - x).abs() > 1e-6 * x.abs().max(1e-9)
    {
        no_estimate = Some(steward_stats::NotEstimable {
            reason: steward_stats::Reason::OutOfDomain,
            detail: format!(
                "summed over units it is {}, not {x}: rows without a unit count in one and not in the other",
                e.point
            ),
            fix: "give every row a unit".into(),
        });
        estimate = None;
    }
    let change = now_number.zip(before_number).map(|(a, b)| a - b);
    let currency = (definition.unit.as_deref() == Some("currency"))
        .then(|| project.settings.currency.clone())
        .flatten();
    let same = |f: &&Figure| f.metric == metric && f.filter.as_deref() == filter;
    let previous_pack = previous
        .into_iter()
        .flat_map(|p| &p.sections)
        .filter_map(|s| match &s.content {
            SectionContent::Figure(f) => Some(f),
            _ => None,
        })
        .find(same)
        .map(|f| f.value.clone());
    Ok(Some(Figure {
        metric: metric.to_owned(),
        label: definition.meta.label.clone().unwrap_or_else(|| metric.to_owned()),
        owner: definition.meta.owner.clone(),
        unit: definition.unit.clone(),
        currency,
        direction: definition.experiment.direction,
        filter: filter.map(str::to_owned),
        from: periods.as_ref().map(|p| p.from.to_string()),
        to: periods.as_ref().map(|p| p.to.to_string()),
        period: words,
        value,
        estimate,
        no_estimate,
        before,
        change,
        relative_change: change
            .zip(before_number)
            .filter(|(_, b)| *b != 0.0)
            .map(|(c, b)| c / b.abs()),
        previous_pack,
        as_of_us: context.now_us,
        evidence: found.evidence.id,
    }))
}

#[derive(Serialize, Deserialize)]
struct StoredTable {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

async fn table(
    context: &Context,
    report: &Report,
    text: &str,
    title: Option<String>,
) -> Result<Table, CapabilityError> {
    let (sql, tables) = metrics::select(&context.project, text, Some(MOST_ROWS))?;
    let definitions = BTreeMap::from([(format!("report/{}", report.meta.name), report.meta.digest.clone())]);
    let parameters = serde_json::json!({ "sql": sql });
    let subject = format!("report/{}/table", report.meta.name);
    let found = crate::evidence::conclude(context, &subject, definitions, &tables, parameters, || async {
        let query = Query {
            label: format!("table of {}", report.meta.name),
            sql: sql.clone(),
            parameters: Vec::new(),
        };
        let rows = context.engine.run(&query, &context.control).await?;
        let columns: Vec<String> = rows.columns().iter().map(|c| (*c).to_owned()).collect();
        let stored = StoredTable {
            rows: metrics::cells(&rows, columns.iter().map(String::as_str))?,
            columns,
        };
        let provenance = serde_json::json!({
            "engine": context.engine.name(),
            "queries": [{ "label": query.label, "sql": rows.sql }],
        });
        Ok((stored, provenance))
    })
    .await?;
    Ok(Table {
        title,
        columns: found.value.columns,
        rows: found.value.rows,
        sql: text.to_owned(),
        evidence: found.evidence.id,
    })
}
