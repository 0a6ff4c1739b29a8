//! `experiment` and `objective`.

use std::path::Path;

use steward_capabilities::experiments::{self, Answer, MetricReadout, Readout, ReadoutOptions, Role, SegmentLift};
use steward_capabilities::governance::{self, Choice, NewDecision};
use steward_capabilities::portfolio::{self, ObjectiveStatus};
use steward_capabilities::programme::LibraryFilter;
use steward_server::format::{change, number, p_value, percent, signed};

use super::{actor, distributions, moment};
use crate::cli::{ExperimentCommand, ObjectiveCommand};
use crate::failure::{Failure, Outcome};
use crate::output::{self, bold, green, red, yellow};
use crate::workspace;

/// `steward experiment …`.
pub async fn experiment(folder: &Path, command: ExperimentCommand, json: bool) -> Result<Outcome, Failure> {
    let context = workspace::open(folder).await?;
    match command {
        ExperimentCommand::List => {
            let mut rows = Vec::new();
            for (name, e) in &context.project.experiments {
                let status = serde_json::to_value(experiments::status(&context, name)?)
                    .ok()
                    .and_then(|v| v.as_str().map(|s| s.replace('_', " ")))
                    .unwrap_or_default();
                rows.push(vec![
                    name.clone(),
                    status,
                    e.meta.owner.clone(),
                    e.meta.label.clone().unwrap_or_default(),
                ]);
            }
            if json {
                let named: Vec<_> = rows
                    .iter()
                    .map(|r| serde_json::json!({"experiment": r[0], "status": r[1], "owner": r[2], "label": r[3]}))
                    .collect();
                output::json(&named)?;
            } else {
                output::text_line(&output::table(&["experiment", "status", "owner", "label"], &rows))?;
            }
            Ok(Outcome::Done)
        }
        ExperimentCommand::Readout {
            name,
            as_of,
            by,
            map,
            quantiles,
        } => {
            let options = ReadoutOptions {
                as_of: moment(as_of.as_deref())?,
                by,
                map: <[String; 2]>::try_from(map).ok(),
                quantiles,
            };
            let readout = experiments::readout(&context, &name, &options).await?;
            if json {
                output::json(&readout)?;
            } else {
                print_readout(&readout)?;
            }
            Ok(Outcome::Done)
        }
        ExperimentCommand::Library {
            search,
            metric,
            owner,
            outcome,
        } => {
            let filter = LibraryFilter {
                search,
                metric,
                owner,
                outcome,
            };
            super::programme::library(&context, &filter, json).await
        }
        ExperimentCommand::Plan(arguments) => super::planning::plan(&context, &arguments, json).await,
        ExperimentCommand::Power(arguments) => super::power::power(&context, &arguments, json).await,
        ExperimentCommand::Interactions { first, second } => {
            let found = experiments::interactions(&context, first.as_deref().zip(second.as_deref())).await?;
            if json {
                output::json(&found)?;
            } else if found.pairs.is_empty() {
                output::text_line("no two experiments overlap in units and time")?;
            } else {
                found.pairs.iter().try_for_each(|p| output::text_line(&p.sentence))?;
            }
            Ok(Outcome::Done)
        }
        ExperimentCommand::Decide {
            name,
            choice,
            reason,
            variant,
            waiver,
            who,
        } => {
            let choice = Choice::parse(&choice).ok_or_else(|| {
                Failure::call(format!(
                    "{choice:?} is no choice; choose ship, stop, extend, redesign or roll-back"
                ))
            })?;
            let decision = NewDecision {
                subject: format!("experiment/{name}"),
                choice,
                variant,
                reason,
                actor: actor(&who)?,
                evidence: Vec::new(),
                waiver,
            };
            let made = governance::decide(&context, &decision).await?;
            if json {
                output::json(&made)?;
            } else {
                output::text_line(&format!(
                    "{} {} on {} by {}, event {}",
                    green("recorded"),
                    made.choice.word(),
                    made.subject,
                    made.actor,
                    made.sequence
                ))?;
                if let Some(said) = made.overrides {
                    output::text_line(&format!(
                        "  {} the rule recommends: {}",
                        yellow("overrides"),
                        said.word()
                    ))?;
                }
                for rule in &made.policy {
                    output::text_line(&format!("  {} {}: {}", rule.outcome, rule.rule, rule.detail))?;
                }
            }
            Ok(Outcome::Done)
        }
    }
}

fn print_readout(readout: &Readout) -> Result<(), Failure> {
    output::text_line(&bold(readout.label.as_deref().unwrap_or(&readout.experiment)))?;
    output::text_line(&readout.verdict)?;
    output::text_line(&format!(
        "{}: {}",
        bold(readout.decision.recommendation.word()),
        readout.decision.explanation
    ))?;
    output::text_line(&format!("rule: {}", readout.decision.rule))?;
    for c in &readout.decision.conditions {
        let word = match c.holds {
            Some(true) => green("holds"),
            Some(false) => red("fails"),
            None => yellow("open"),
        };
        output::text_line(&format!("  {word} {}: {}", c.asks, c.found))?;
    }
    output::text_line(&format!(
        "method: {}, {}, alpha {}, correction {}",
        readout.inference.method.replace('_', " "),
        readout.inference.alternative.replace('_', "-"),
        readout.alpha,
        readout.correction
    ))?;
    if let Some(plan) = &readout.plan {
        output::text_line(&plan.summary)?;
        for d in &plan.departures {
            output::text_line(&format!("  {} {}", yellow("departs"), d.effect))?;
        }
    }
    let srm = readout.health.srm.p.map_or("not estimable".to_string(), p_value);
    let units = format!("{} units, sample ratio p = {srm}", readout.health.units);
    output::text_line(&if readout.health.ok {
        format!("{} {units}", green("healthy"))
    } else {
        format!("{} {units}", red("unhealthy"))
    })?;
    for problem in &readout.health.problems {
        output::text_line(&format!("  {} {}", yellow(&problem.severity), problem.message))?;
    }
    let rows: Vec<Vec<String>> = readout
        .metrics
        .iter()
        .map(|m| {
            let role = match m.role {
                Role::Primary => "primary",
                Role::Secondary => "secondary",
                Role::Guardrail => "guardrail",
                Role::Exploratory => "exploratory",
            };
            let p = m.absolute.estimate().and_then(|e| e.p).map_or("–".into(), p_value);
            let p = match &m.inference.posterior {
                Some(posterior) => format!("win {}", percent(posterior.chance_to_win)),
                None => p,
            };
            let adjusted = match (&m.adjusted_interval, m.adjusted_p) {
                (Some(interval), Some(p)) => match interval.relative.estimate() {
                    Some(e) => format!("{} [{}, {}]", p_value(p), change(e.low), change(e.high)),
                    None => p_value(p),
                },
                (None, Some(p)) => p_value(p),
                _ => "–".into(),
            };
            vec![
                m.metric.clone(),
                role.into(),
                m.variant.clone(),
                answer(&m.absolute, &signed),
                answer(&m.relative, &change),
                p,
                adjusted,
            ]
        })
        .collect();
    output::text_line(&output::table(
        &["metric", "role", "variant", "lift", "relative", "p", "corrected"],
        &rows,
    ))?;
    for m in readout.metrics.iter().filter(|m| m.role == Role::Primary) {
        print_looks(m)?;
    }
    distributions::print(readout)?;
    print_segments(readout)?;
    if let Some(design) = &readout.design {
        output::text_line(&format!("design {}: {}", bold(&design.kind), design.method))?;
        output::text_line(&format!("  {}", design.why))?;
        for naive in &design.naive {
            output::text_line(&format!(
                "  naive {} {}: {}",
                naive.metric,
                naive.variant,
                answer(&naive.relative, &change)
            ))?;
        }
        for effects in design.switchback.iter().flat_map(|s| &s.effects) {
            output::text_line(&format!(
                "  carry-over {}: {}",
                effects.metric,
                answer(&effects.carry_over, &signed)
            ))?;
        }
    }
    output::text_line(&format!(
        "why: steward why {}",
        readout.provenance.evidence.chars().take(12).collect::<String>()
    ))
}

/// The looks of a group sequential test.
fn print_looks(m: &MetricReadout) -> Result<(), Failure> {
    for look in &m.inference.looks {
        let value = |x: Option<f64>| x.map_or("–".to_string(), |x| format!("{x:.2}"));
        let state = match (look.reached, look.crossed) {
            (false, _) => "to come",
            (true, Some(true)) => "crossed",
            (true, _) => "not crossed",
        };
        output::text_line(&format!(
            "  look {} at {}: {} of {}, z {}, boundary {}, {state}",
            look.day.as_deref().unwrap_or("later"),
            percent(look.information_fraction),
            m.metric,
            m.variant,
            value(look.z),
            value(look.boundary_z)
        ))?;
    }
    if let Some(Answer::Estimate(e)) = &m.inference.adjusted_estimate {
        output::text_line(&format!(
            "  after stopping, {} of {}: {} [{}, {}], median-unbiased",
            m.metric,
            m.variant,
            signed(e.point),
            signed(e.low),
            signed(e.high)
        ))?;
    }
    Ok(())
}

/// What was asked for beyond the definition, marked as such: the first primary metric by segment.
fn print_segments(readout: &Readout) -> Result<(), Failure> {
    let first = readout.metrics.first().map(|m| m.metric.as_str()).unwrap_or_default();
    let row = |values: Vec<String>, lifts: &[SegmentLift]| -> Vec<Vec<String>> {
        let shown = lifts.iter().filter(|l| l.metric == first);
        let cells = shown.map(|l| {
            let shrunk = l.shrunk.map_or("–".to_string(), |s| change(s.point));
            [
                values.join(" × "),
                l.variant.clone(),
                answer(&l.relative, &change),
                shrunk,
            ]
            .to_vec()
        });
        cells.collect()
    };
    let mut tables: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for b in readout.breakdowns.iter().filter(|b| b.exploratory) {
        let rows = b.segments.iter().flat_map(|s| row(vec![s.value.clone()], &s.metrics));
        tables.push((b.dimension.clone(), rows.collect()));
    }
    for m in &readout.maps {
        let rows = m.cells.iter().flat_map(|c| row(c.values.to_vec(), &c.metrics));
        tables.push((m.dimensions.join(" × "), rows.collect()));
    }
    for (dimension, rows) in tables {
        output::text_line(&format!("{first} by {dimension}, {}", yellow("exploratory")))?;
        output::text_line(&output::table(&["segment", "variant", "relative", "shrunk"], &rows))?;
    }
    Ok(())
}

pub(super) fn answer(answer: &Answer, show: &dyn Fn(f64) -> String) -> String {
    match answer {
        Answer::Estimate(e) => format!("{} [{}, {}]", show(e.point), show(e.low), show(e.high)),
        Answer::Refused { not_estimable } => format!("not estimable: {}", not_estimable.detail),
    }
}

/// `steward objective status [NAME]`.
pub async fn objective(folder: &Path, command: &ObjectiveCommand, json: bool) -> Result<Outcome, Failure> {
    let ObjectiveCommand::Status { name, as_of } = command;
    let context = workspace::open(folder).await?;
    let at = moment(as_of.as_deref())?;
    match name {
        Some(name) => {
            let status = portfolio::objective_status(&context, name, at).await?;
            if json {
                output::json(&status)?
            } else {
                print_status(&status)?
            }
        }
        None => {
            let all = portfolio::objectives(&context, at).await?;
            if json {
                output::json(&all)?;
            } else {
                all.iter().try_for_each(print_status)?;
            }
        }
    }
    Ok(Outcome::Done)
}

fn print_status(status: &ObjectiveStatus) -> Result<(), Failure> {
    let title = status.label.as_deref().unwrap_or(&status.objective);
    output::text_line(&format!("{} ({} to {})", bold(title), status.start, status.end))?;
    output::text_line(&format!("  {}", status.verdict))?;
    for k in &status.key_results {
        let value = k.current.map_or("–".into(), number);
        let chance = k.probability.map_or("–".into(), percent);
        output::text_line(&format!(
            "  {}: {value} of {}, chance to hit {chance}: {}",
            k.name,
            number(k.target),
            k.verdict
        ))?;
    }
    Ok(())
}
