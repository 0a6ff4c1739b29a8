//! `metric` and `dataset`.

use std::path::Path;

use steward_capabilities::metrics;
use steward_capabilities::quality::{self, CheckOptions, CheckStatus, QualityReport, SchemaDifference};

use crate::cli::{DatasetCommand, MetricCommand};
use crate::failure::{Failure, Outcome};
use crate::output::{self, green, red, yellow};
use crate::workspace;

/// `steward metric list`.
pub async fn metric(folder: &Path, command: &MetricCommand, json: bool) -> Result<Outcome, Failure> {
    let MetricCommand::List = command;
    let context = workspace::open(folder).await?;
    let catalogue = metrics::catalogue(&context.project);
    if json {
        output::json(&catalogue)?;
    } else {
        let rows: Vec<Vec<String>> = catalogue
            .iter()
            .map(|m| vec![m.name.clone(), m.shape.clone(), m.owner.clone(), m.formula.clone()])
            .collect();
        output::text_line(&output::table(&["metric", "type", "owner", "formula"], &rows))?;
    }
    Ok(Outcome::Done)
}

/// `steward dataset …`.
pub async fn dataset(folder: &Path, command: &DatasetCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        DatasetCommand::List => {
            let catalogue = quality::catalogue(&context).await?;
            if json {
                output::json(&catalogue)?;
                return Ok(Outcome::Done);
            }
            let rows: Vec<Vec<String>> = catalogue
                .iter()
                .map(|d| {
                    let state = match (&d.problem, &d.last) {
                        (Some(problem), _) => problem.clone(),
                        (None, Some(past)) => past.report.verdict.clone(),
                        (None, None) => "never checked; `steward run`".into(),
                    };
                    let rows = d.rows.map_or("?".into(), |r| r.to_string());
                    vec![d.name.clone(), rows, d.owner.clone(), d.location.clone(), state]
                })
                .collect();
            output::text_line(&output::table(
                &["dataset", "rows", "owner", "location", "contract"],
                &rows,
            ))?;
            Ok(Outcome::Done)
        }
        DatasetCommand::Check { name, day, time_column } => {
            let options = CheckOptions {
                day: day.clone(),
                time_column: time_column.clone(),
                ..CheckOptions::default()
            };
            let report = quality::check(&context, name, &options).await?;
            if json {
                output::json(&report)?;
            } else {
                print_report(&report)?;
            }
            Ok(Outcome::of(report.ok))
        }
        DatasetCommand::History { name } => {
            let past = quality::history(&context, name, None).await?;
            if json {
                output::json(&past)?;
                return Ok(Outcome::Done);
            }
            let rows: Vec<Vec<String>> = past
                .iter()
                .map(|p| {
                    vec![
                        steward_server::format::minute(p.computed_us),
                        p.report.day.clone().unwrap_or_else(|| "all".into()),
                        p.report.verdict.clone(),
                        p.evidence.chars().take(12).collect(),
                    ]
                })
                .collect();
            output::text_line(&output::table(&["checked", "rows of", "verdict", "evidence"], &rows))?;
            Ok(Outcome::Done)
        }
    }
}

fn print_report(report: &QualityReport) -> Result<(), Failure> {
    for difference in &report.schema {
        let text = match difference {
            SchemaDifference::Missing {
                column,
                expected,
                renamed_to,
                ..
            } => format!(
                "column {column} ({expected}) is missing{}",
                renamed_to
                    .as_ref()
                    .map(|n| format!("; perhaps renamed to {n}"))
                    .unwrap_or_default()
            ),
            SchemaDifference::Extra { column, found } => format!("column {column} ({found}) is not in the contract"),
            SchemaDifference::Type {
                column,
                expected,
                found,
                ..
            } => format!("column {column} is {found}, not {expected}"),
        };
        output::text_line(&format!("{} {text}", yellow("schema")))?;
    }
    for check in &report.checks {
        let mark = match check.status {
            CheckStatus::Passed => green("passed"),
            CheckStatus::Failed => red("failed"),
            CheckStatus::Error => red("error "),
        };
        let place = if check.status == CheckStatus::Passed {
            String::new()
        } else {
            format!(" [{}:{}]", check.span.file, check.span.line)
        };
        output::text_line(&format!("{mark} {}: {}{place}", check.name, check.message))?;
    }
    output::text_line(&report.verdict)
}
