//! `experiment plan`.

use steward_capabilities::experiments::{self, Expected, PlanReport};
use steward_capabilities::{Context, governance};
use steward_server::format::{number, percent};

use super::actor;
use crate::cli::PlanArgs;
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green, yellow};

/// `steward experiment plan NAME`.
pub async fn plan(context: &Context, arguments: &PlanArgs, json: bool) -> Result<Outcome, Failure> {
    let report = if arguments.register {
        let reason = arguments.reason.as_deref().unwrap_or("as defined");
        governance::register(context, &arguments.name, &actor(&arguments.who)?, reason).await?
    } else {
        experiments::plan(context, &arguments.name).await?
    };
    if json {
        output::json(&report)?;
    } else {
        print(&report, arguments.register)?;
    }
    Ok(Outcome::of(report.departures.is_empty()))
}

fn print(report: &PlanReport, registered: bool) -> Result<(), Failure> {
    output::text_line(&bold(report.label.as_deref().unwrap_or(&report.experiment)))?;
    if let (true, Some(r)) = (registered, &report.registration) {
        output::text_line(&format!("{} by {}, event {}", green("registered"), r.actor, r.sequence))?;
    }
    output::text_line(&report.summary)?;
    let changed = !report.departures.is_empty();
    let rows: Vec<Vec<String>> = report
        .terms
        .iter()
        .map(|t| {
            let mut row = vec![t.title.to_lowercase(), t.planned.clone()];
            if changed {
                row.push(if t.now == t.planned {
                    String::new()
                } else {
                    yellow(&t.now)
                });
            }
            row
        })
        .collect();
    let header: &[&str] = if changed {
        &["", "planned", "now"]
    } else {
        &["", "planned"]
    };
    output::text_line(&output::table(header, &rows))?;
    for d in &report.departures {
        output::text_line(&format!("{} {}: {}", yellow("departs"), d.sentence(), d.effect))?;
    }
    match (&report.expected, &report.expected_problem) {
        (Some(expected), _) => print_expected(expected)?,
        (None, Some(problem)) => output::text_line(&format!("nothing can be expected: {problem}"))?,
        (None, None) => {}
    }
    Ok(())
}

fn print_expected(expected: &Expected) -> Result<(), Failure> {
    output::text_line("")?;
    output::text_line(&expected.summary)?;
    let units = expected.units.map_or("–".into(), |n| number(n.round()));
    let daily = expected.units_per_day.map_or("–".into(), |n| number(n.round()));
    let when = if expected.afterwards {
        ", computed from what was known then"
    } else {
        ""
    };
    output::text_line(&format!(
        "expected: {units} units in {} days ({daily} a day), from {}{when}",
        expected.days, expected.source
    ))?;
    let rows: Vec<Vec<String>> = expected
        .metrics
        .iter()
        .map(|m| {
            vec![
                m.metric.clone(),
                m.baseline.map_or("–".into(), number),
                m.detectable_relative.map_or("–".into(), percent),
                m.power.map_or("–".into(), percent),
                m.units_needed.map_or("–".into(), |n| number(n.round())),
            ]
        })
        .collect();
    let header = ["metric", "baseline", "detectable", "power", "needed"];
    output::text_line(&output::table(&header, &rows))?;
    output::text_line(&format!(
        "why: steward why {}",
        expected.evidence.chars().take(12).collect::<String>()
    ))
}
