//! `/experiments`: every experiment with where it stands.

use axum::extract::State as Shared;
use maud::{Markup, html};
use steward_capabilities::Context;
use steward_capabilities::experiments::{self, ExperimentStatus, Outcome, Readout, ReadoutOptions};
use steward_definitions::Kind;

use super::layout::{badge, page};
use super::parts;
use crate::State;
use crate::error::ErrorPage;

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
            p.lede { "What did each do, and can we believe it?" }
            @if all.is_empty() { p { "No experiments are defined. They live in " code { "experiments/" } "." } }
            @else {
                div.card { div.scroll tabindex="0" role="region" aria-label="Experiments" { table {
                    thead { tr { th scope="col" { "Experiment" } th scope="col" { "State" } th scope="col" { "Outcome" } th scope="col" { "Verdict" }
                        th.num scope="col" { "Units" } th scope="col" { "Owner" } } }
                    tbody { @for e in &all { tr {
                        th scope="row" { (parts::link(&loaded, Kind::Experiment, &e.name)) }
                        td { (e.status.map_or("unknown", status)) }
                        td { (status_badge(e)) }
                        td { (e.verdict()) " " (parts::why(e.evidence())) }
                        td.num { @match &e.readout { Ok(r) => (crate::format::grouped(r.health.units as i64)), Err(_) => "not read" } }
                        td { (context.project.experiments.get(&e.name).map_or("", |d| &d.meta.owner)) }
                    } } }
                } } }
            }
        },
    ))
}
