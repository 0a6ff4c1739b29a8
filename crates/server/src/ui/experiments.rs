//! `/experiments`: every experiment with where it stands.

use axum::extract::State as Shared;
use maud::{Markup, html};
use steward_capabilities::Context;
use steward_capabilities::experiments::{
    self, Answer, ExperimentStatus, MetricReadout, Outcome, Readout, ReadoutOptions, Role,
};
use steward_definitions::Kind;

use super::layout::{badge, page};
use super::parts;
use crate::State;
use crate::charts::{self, IntervalScale};
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// An experiment as lists show it.
pub struct Latest {
    /// Name.
    pub name: String,
    /// Where it stands in time.
    pub status: Option<ExperimentStatus>,
    /// Its readout, or why there is none.
    pub readout: Result<Readout, String>,
}

impl Latest {
    /// The verdict, or why there is none.
    pub fn verdict(&self) -> &str {
        match &self.readout {
            Ok(r) => &r.verdict,
            Err(cause) => cause,
        }
    }

    /// Evidence id; empty without a readout.
    pub fn evidence(&self) -> &str {
        self.readout.as_ref().map_or("", |r| &r.provenance.evidence)
    }
}

/// Every experiment's readout, at the same time. One that fails says why.
pub async fn latest(context: &Context) -> Vec<Latest> {
    let options = ReadoutOptions::default();
    let all = context.project.experiments.keys().map(|name| {
        let options = &options;
        async move {
            Latest {
                name: name.clone(),
                status: experiments::status(context, name).ok(),
                readout: experiments::readout(context, name, options)
                    .await
                    .map_err(|e| e.to_string()),
            }
        }
    });
    futures::future::join_all(all).await
}

/// The badge of an outcome.
pub fn outcome(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::DoNotTrust => ("bad", "do not trust"),
        Outcome::NotStarted => ("", "not started"),
        Outcome::NoData => ("warn", "no data"),
        Outcome::NotEstimable => ("warn", "not estimable"),
        Outcome::Better => ("good", "better"),
        Outcome::Worse => ("bad", "worse"),
        Outcome::Mixed => ("warn", "mixed"),
        Outcome::GuardrailHarmed => ("bad", "guardrail harmed"),
        Outcome::NoDifference => ("", "no difference"),
    }
}

/// Where it stands in time, in a word.
pub fn status(status: ExperimentStatus) -> &'static str {
    match status {
        ExperimentStatus::NotStarted => "not started",
        ExperimentStatus::Running => "running",
        ExperimentStatus::Ended => "ended",
    }
}

/// The badge of an experiment in lists.
pub fn status_badge(latest: &Latest) -> Markup {
    match &latest.readout {
        Ok(r) => {
            let (tone, word) = outcome(r.outcome);
            badge(tone, word)
        }
        Err(_) => badge("bad", "failed"),
    }
}

/// The list.
pub async fn list(Shared(state): Shared<State>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let context = &loaded.context;
    let all = latest(context).await;
    Ok(page(
        &loaded,
        "/experiments",
        "Experiments",
        html! {
            h1 { "Experiments" }
            p.lede { "What did each do, and can we believe it? " a href="/programme" { "What all of them taught" } }
            @if all.is_empty() { p { "No experiments are defined. They live in " code { "experiments/" } "." } }
            @else {
                div.card { (table(&loaded, &all, true)) }
            }
        },
    ))
}

/// Experiments with the lift of their first primary metric; `verdicts` also says it in words.
pub fn table(loaded: &Loaded, all: &[Latest], verdicts: bool) -> Markup {
    let first = |e: &Latest| {
        let readout = e.readout.as_ref().ok()?;
        let metric = readout.metrics.iter().find(|m| m.role == Role::Primary)?;
        Some(metric.clone())
    };
    let primary: Vec<Option<MetricReadout>> = all.iter().map(first).collect();
    let lifts = primary.iter().flatten().filter_map(|m| m.relative.estimate());
    let scale = IntervalScale::over(lifts.map(|e| (e.low, e.high)));
    html! { div.scroll tabindex="0" role="region" aria-label="Experiments" { table.stack {
        thead { tr { th scope="col" { "Experiment" } th scope="col" { "Outcome" }
            th scope="col" { "Primary metric" } th.num scope="col" { "Relative lift" } th.forest scope="col" { "Interval" }
            th.num scope="col" { "Units" } th scope="col" { "Owner" } } }
        tbody { @for (e, m) in all.iter().zip(&primary) { tr {
            th scope="row" { (parts::link(loaded, Kind::Experiment, &e.name)) br; span.soft { (e.status.map_or("unknown", status)) } }
            td data-l="Outcome" { (status_badge(e)) " " (parts::why(e.evidence())) }
            td data-l="Primary metric" { @match m {
                Some(m) => (parts::link(loaded, Kind::Metric, &m.metric)),
                None => span.soft { "none read" },
            } }
            td.num data-l="Relative lift" { @match m.as_ref().and_then(|m| m.relative.estimate()) {
                Some(e) => { (format::change(e.point)) br; span.soft { (format::change(e.low)) " to " (format::change(e.high)) } },
                None => span.soft { "not estimable" },
            } }
            td.forest { @if let Some((m, e)) = m.as_ref().and_then(|m| Some((m, m.relative.estimate()?))) {
                (charts::interval(scale, e.point, e.low, e.high, tone(&m.relative, m.significant, &m.direction), &parts::answer_text(&m.relative, &format::change)))
            } }
            td.num data-l="Units" { @match &e.readout { Ok(r) => (format::grouped(r.health.units as i64)), Err(_) => span.soft { "not read" } } }
            td data-l="Owner" { (loaded.context.project.experiments.get(&e.name).map_or("", |d| &d.meta.owner)) }
        }
        @if verdicts { tr.under { td colspan="7" { (e.verdict()) } } } } }
    } } }
}

/// Whether a lift is good, bad, or neither.
pub fn tone(lift: &Answer, significant: bool, direction: &str) -> &'static str {
    match lift.estimate() {
        Some(e) if significant => {
            if (e.point > 0.0) == (direction == "increase") {
                "good"
            } else {
                "bad"
            }
        }
        _ => "quiet",
    }
}
