//! `experiment library`.

use steward_capabilities::Context;
use steward_capabilities::experiments::Answer;
use steward_capabilities::programme::{self, LibraryFilter, MetricLearning};
use steward_server::format::{change, percent};

use crate::failure::{Failure, Outcome};
use crate::output::{self, bold};

/// `steward experiment library`.
pub async fn library(context: &Context, filter: &LibraryFilter, json: bool) -> Result<Outcome, Failure> {
    let entries = programme::library(context, filter).await?;
    let learnt = programme::learn(context).await?.value;
    if json {
        output::json(&serde_json::json!({ "experiments": entries, "programme": learnt }))?;
        return Ok(Outcome::Done);
    }
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|e| {
            let outcome = serde_json::to_value(e.outcome).ok();
            let word = outcome.as_ref().and_then(|o| o.as_str()).unwrap_or("not read");
            let lift = match &e.relative {
                Some(Answer::Estimate(r)) => format!("{} [{}, {}]", change(r.point), change(r.low), change(r.high)),
                _ => "–".into(),
            };
            vec![
                e.experiment.clone(),
                e.metric.clone().unwrap_or_default(),
                lift,
                word.replace('_', " "),
                e.decided.as_ref().map_or("–".into(), |d| d.choice.word().into()),
                e.detectable_relative.map_or("–".into(), percent),
            ]
        })
        .collect();
    let header = ["experiment", "metric", "lift", "outcome", "decided", "detectable"];
    if rows.is_empty() {
        output::text_line(match context.project.experiments.is_empty() {
            true => "no experiment is defined",
            false => "no experiment fits",
        })?;
    } else {
        output::text_line(&output::table(&header, &rows))?;
    }
    output::text_line("")?;
    output::text_line(&learnt.summary)?;
    if learnt.metrics.is_empty() {
        output::text_line(
            "nothing is summed yet: no metric was measured by two experiments that ended and can be trusted",
        )?;
        return Ok(Outcome::Done);
    }
    let rows: Vec<Vec<String>> = learnt.metrics.iter().map(learning).collect();
    let header = [
        "metric",
        "experiments",
        "mean effect",
        "counted",
        "naive sum",
        "shrunk sum",
    ];
    output::text_line(&output::table(&header, &rows))?;
    output::text_line(&bold("effects are relative, positive is good; 95% intervals"))?;
    output::text_line(&format!(
        "why: steward why {}",
        learnt.evidence.chars().take(12).collect::<String>()
    ))?;
    Ok(Outcome::Done)
}

fn learning(m: &MetricLearning) -> Vec<String> {
    let interval = |e: &steward_stats::Estimate| format!("{} [{}, {}]", change(e.point), change(e.low), change(e.high));
    vec![
        m.metric.clone(),
        m.effects.len().to_string(),
        m.mean.as_ref().map_or("–".into(), |mean| interval(&mean.effect)),
        format!("{} {}", m.effects.iter().filter(|e| e.counted).count(), m.counted),
        m.naive.map_or("–".into(), change),
        m.cumulative.as_ref().map_or("–".into(), interval),
    ]
}
