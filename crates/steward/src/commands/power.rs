//! `experiment power`.

use steward_capabilities::Context;
use steward_capabilities::experiments::{self, MetricPower, PowerOptions, PowerReport, PowerRow};
use steward_server::format::{number, percent};

use super::moment;
use crate::cli::PowerArgs;
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, yellow};

/// `steward experiment power NAME`.
pub async fn power(context: &Context, arguments: &PowerArgs, json: bool) -> Result<Outcome, Failure> {
    let options = PowerOptions {
        as_of: moment(arguments.as_of.as_deref())?,
        effect: arguments.effect,
        power: arguments.power,
        source: arguments.source.clone(),
        share: arguments.share,
        cluster: arguments.cluster.clone(),
        method: arguments.method.clone(),
        looks: arguments.looks,
        chance: arguments.chance,
        plausible: arguments.plausible,
        one_sided: arguments.one_sided,
    };
    let report = experiments::power(context, &arguments.name, &options).await?.value;
    if json {
        output::json(&report)?;
    } else {
        print(&report)?;
    }
    Ok(Outcome::of(report.underpowered != Some(true)))
}

fn print(report: &PowerReport) -> Result<(), Failure> {
    output::text_line(&bold(&report.experiment))?;
    output::text_line(&report.summary)?;
    output::text_line(&format!(
        "history: {}, {} to {} ({}); {} {}, alpha {}, {}",
        report.source.reference,
        report.from,
        report.to,
        report.source.why,
        report.sides,
        report.method,
        report.alpha,
        report.correction
    ))?;
    for metric in &report.metrics {
        output::text_line("")?;
        output::text_line(&bold(&metric.metric))?;
        if let Some(refused) = &metric.not_estimable {
            output::text_line(&format!(
                "{} {}; {}",
                yellow("not estimable"),
                refused.detail,
                refused.fix
            ))?;
            continue;
        }
        let rows: Vec<Vec<String>> = metric.rows.iter().map(|row| cells(metric, row)).collect();
        output::text_line(&output::table(
            &[
                "days",
                "units",
                "baseline",
                "CUPED",
                "detectable",
                "relative",
                "power",
                "needed",
            ],
            &rows,
        ))?;
    }
    output::text_line(&format!(
        "* longer than the history; ranges are 95%. why: steward why {}",
        report.provenance.evidence.chars().take(12).collect::<String>()
    ))
}

fn cells(metric: &MetricPower, row: &PowerRow) -> Vec<String> {
    let ranged = |x: f64, range: Option<(f64, f64)>| match range {
        Some((low, high)) => format!("{} [{}, {}]", percent(x), percent(low), percent(high)),
        None => percent(x),
    };
    let baseline = row
        .baseline
        .estimate()
        .map_or("–".into(), |e| match metric.statistic.as_str() {
            "proportion" => percent(e.point),
            _ => number(e.point),
        });
    vec![
        format!("{}{}", row.days, if row.extrapolated { "*" } else { "" }),
        number(row.units.round()),
        baseline,
        row.variance_reduction
            .map_or("–".into(), |r| format!("−{}", percent(r))),
        number(row.detectable_absolute),
        row.detectable_relative
            .map_or("–".into(), |x| ranged(x, row.detectable_relative_range)),
        row.power.map_or("–".into(), |x| ranged(x, row.power_range)),
        row.units_needed.map_or("–".into(), |n| number(n.round())),
    ]
}
