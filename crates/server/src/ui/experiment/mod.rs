//! `/k/experiment/{name}`: the verdict, then everything it rests on.

mod adjusted;
mod advice;
mod breakdowns;
mod concluded;
mod csv;
mod decide;
mod design;
mod funnels;
mod health;
mod maps;
mod metrics;
mod overlap;
mod paths;
mod plan;
pub mod power;
mod quantiles;

use axum::Form as Body;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::CapabilityError;
use steward_capabilities::experiments::{self, Answer, Outcome, PlanReport, Readout, ReadoutOptions, Role};
use steward_capabilities::governance::{self, Choice, DecisionFilter, NewDecision};
use steward_definitions::{Experiment, Kind, Reference};

use super::layout::{badge, nouns, page};
use super::lineage;
use super::parts::{self, AsOf, Form};
use crate::State;
use crate::charts::IntervalScale;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// What the form sends; kept on the page when a policy refuses it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Input {
    choice: String,
    variant: String,
    reason: String,
    actor: String,
    waiver: String,
}

/// What the page shows beyond the readout that is always made: `?quantiles=METRIC`, `?by=DIMENSION`,
/// `?map=DIMENSION,DIMENSION`, `?with=EXPERIMENT`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct More {
    quantiles: String,
    by: String,
    map: String,
    with: String,
}

impl More {
    fn options(&self, as_of: Option<i64>) -> ReadoutOptions {
        let listed = |text: &str| -> Vec<String> {
            let names = text.split(',').map(str::trim).filter(|n| !n.is_empty());
            names.map(str::to_owned).collect()
        };
        ReadoutOptions {
            as_of,
            quantiles: listed(&self.quantiles),
            by: listed(&self.by),
            map: <[String; 2]>::try_from(listed(&self.map)).ok(),
            ..ReadoutOptions::default()
        }
    }
}

/// The page, JSON or CSV.
pub async fn show(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
    Query(more): Query<More>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Experiment, &segment);
    let as_of = parts::as_of(&loaded, asked.text())?;
    let options = more.options(as_of);
    match form {
        Form::Page => Ok(
            render(&loaded, &name, (options, &more), &asked, &Input::default(), None)
                .await?
                .into_response(),
        ),
        Form::Json | Form::Csv => {
            let Some(definition) = loaded.context.project.experiments.get(&name) else {
                return Err(parts::unknown(&loaded, Kind::Experiment, &name).into());
            };
            match experiments::readout(&loaded.context, &name, &options).await {
                Ok(readout) if form == Form::Json => Ok(parts::json(&readout)?),
                Ok(readout) => Ok(parts::csv(csv::csv(&readout))),
                Err(e) => Ok(parts::problem(form, definition, &e)?),
            }
        }
    }
}

/// Records a decision; a refusal shows the policy's reason beside what was typed.
pub async fn decide(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(input): Body<Input>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let given = |text: &str| Some(text.trim().to_string()).filter(|t| !t.is_empty());
    let refused = match Choice::parse(&input.choice) {
        None => CapabilityError::Invalid("choose ship, stop, extend or redesign".into()),
        Some(choice) => {
            let new = NewDecision {
                subject: format!("experiment/{name}"),
                choice,
                variant: given(&input.variant),
                reason: input.reason.clone(),
                actor: input.actor.trim().to_string(),
                evidence: Vec::new(),
                waiver: given(&input.waiver),
            };
            match governance::decide(&loaded.context, &new).await {
                Ok(_) => {
                    return Ok(
                        Redirect::to(&format!("{}#decision", parts::address(Kind::Experiment, &name))).into_response(),
                    );
                }
                Err(e @ (CapabilityError::Refused(_) | CapabilityError::Invalid(_))) => e,
                Err(e) => return Err(e.into()),
            }
        }
    };
    let body = render(
        &loaded,
        &name,
        (ReadoutOptions::default(), &More::default()),
        &AsOf::default(),
        &input,
        Some(&refused.to_string()),
    )
    .await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, body).into_response())
}

async fn render(
    loaded: &Loaded,
    name: &str,
    (options, more): (ReadoutOptions, &More),
    asked: &AsOf,
    input: &Input,
    refusal: Option<&str>,
) -> Result<Markup, CapabilityError> {
    let context = &loaded.context;
    let Some(definition) = context.project.experiments.get(name) else {
        return Err(parts::unknown(loaded, Kind::Experiment, name));
    };
    let filter = DecisionFilter {
        subject: Some(format!("experiment/{name}")),
        ..DecisionFilter::default()
    };
    let as_of = options.as_of;
    let (readout, decisions, plan) = tokio::join!(
        experiments::readout(context, name, &options),
        governance::decisions(context, &filter, as_of),
        experiments::promised(context, name)
    );
    let (decisions, plan) = (decisions?, plan?);
    let overlap = overlap::overlap(loaded, name, &more.with, &asked.query()).await?;
    let reference = Reference::new(Kind::Experiment, name);
    let force = parts::in_force(loaded, &reference, as_of).await?;
    let lineage = lineage::section(loaded, &reference, as_of).await?;
    // An experiment whose data cannot be read still has a definition and decisions to show.
    let (evidence, rest) = match &readout {
        Ok(r) => (health::summary(r), details(loaded, r, &plan, &asked.query())),
        Err(e) => (html! { p { (badge("bad", "failed")) " " (e.to_string()) } }, html! {}),
    };
    Ok(page(
        loaded,
        "/experiments",
        definition.meta.label.as_deref().unwrap_or(name),
        html! {
            (parts::heading(("/experiments", "Experiments"), Kind::Experiment, &definition.meta, &asked.query(), parts::as_of_form(asked.text())))
            @if let Ok(r) = &readout {
                @let (tone, word) = super::experiments::outcome(r.outcome);
                div class={ "card verdict " (tone) } { (badge(tone, word)) " " (r.verdict) " " (parts::why(&r.provenance.evidence)) }
            }
            (nouns(facts(loaded, definition, force), evidence, html! {
                div #decision { (parts::decisions(&decisions, "No decision yet.")) p { a href="#decide" { "Decide" } } }
            }))
            (rest)
            (overlap)
            (plan::history(&plan, &decisions))
            h2 #decide { "Decide" }
            (decide::decision_form(name, definition, readout.as_ref().is_ok_and(|r| r.outcome == Outcome::DoNotTrust), input, refusal, &decisions))
            (lineage)
        },
    ))
}

fn facts(loaded: &Loaded, e: &Experiment, force: Markup) -> Markup {
    let variants: Vec<String> = e
        .variants
        .iter()
        .map(|v| {
            format!(
                "{}{}",
                v.label.as_deref().unwrap_or(&v.name),
                if v.control { " (control)" } else { "" }
            )
        })
        .collect();
    let guardrails: Vec<&str> = e.guardrails.iter().map(|g| g.metric.as_str()).collect();
    parts::definition(
        &e.meta,
        &[
            (
                "Hypothesis",
                html! { (e.hypothesis.as_deref().unwrap_or("not stated")) },
            ),
            ("Variants", html! { (variants.join(", ")) }),
            ("Primary", parts::links(loaded, Kind::Metric, &e.primary, "none")),
            ("Secondary", parts::links(loaded, Kind::Metric, &e.secondary, "none")),
            ("Guardrails", parts::links(loaded, Kind::Metric, &guardrails, "none")),
            (
                "Period",
                html! { (e.start.as_deref().unwrap_or("open")) " to " (e.end.as_deref().unwrap_or("open")) },
            ),
            ("Exposures", parts::link(loaded, Kind::Dataset, &e.exposures.dataset)),
            (
                "Initiative",
                parts::links(loaded, Kind::Initiative, e.initiative.as_slice(), "none"),
            ),
            ("In force", force),
        ],
    )
}

fn details(loaded: &Loaded, r: &Readout, plan: &PlanReport, query: &str) -> Markup {
    let currency = loaded.context.project.settings.currency.as_deref();
    let relative = |a: &Answer| a.estimate().map(|e| (e.low, e.high));
    let scale = IntervalScale::over(r.metrics.iter().filter_map(|m| relative(&m.relative)));
    let several = r.arms.len() > 2;
    let paths: Vec<&experiments::DailyPath> = r.daily.iter().filter(|p| p.points.len() > 1).collect();
    let (first, rest): (Vec<_>, Vec<_>) = paths
        .into_iter()
        .partition(|p| role(r, &p.metric) == Some(Role::Primary));
    html! {
        (advice::advice(r))
        (plan::plan(loaded, plan, r))
        (health::suspects(r))
        (design::design(loaded, r))
        h2 #metrics { "Metrics" }
        @if r.metrics.is_empty() { p.soft { "No metric is read." } }
        @else { div.card { div.scroll tabindex="0" role="region" aria-label="Metrics" { table.stack {
            thead { tr { th scope="col" { "Metric" } @if several { th scope="col" { "Variant" } }
                th.num scope="col" { "Control" } th.num scope="col" { "Variant" } th.num scope="col" { "Difference" }
                th.num scope="col" { "Relative lift" } th.forest scope="col" { "Interval" } th.num scope="col" { "p" } } }
            tbody { @for m in &r.metrics { (metrics::metric_row(loaded, m, scale, currency, several)) } }
        } } p.note { "Intervals at " (format::percent(1.0 - r.alpha)) "; p of primary metrics adjusted by " (r.correction) ". " (parts::why(&r.provenance.evidence)) } } }
        (concluded::concluded(loaded, r))
        (adjusted::adjusted(r))
        (paths::boundaries(loaded, r))
        (funnels::funnels(loaded, r))
        (quantiles::quantiles(loaded, r, query))
        @if !first.is_empty() { h2 #days { "Day by day" } p.note { (paths::reads(r)) } div.plots { @for path in first { div.card { (paths::daily(loaded, path)) } } } }
        @if !rest.is_empty() { details.card { summary { "Day by day, secondary metrics and guardrails" } div.plots { @for path in rest { div { (paths::daily(loaded, path)) } } } } }
        (health::pre_exposure(loaded, r))
        @for b in &r.breakdowns { (breakdowns::breakdown(loaded, r, b)) }
        (maps::maps(loaded, r, query))
    }
}

/// The part that a metric plays.
fn role(r: &Readout, metric: &str) -> Option<Role> {
    r.metrics.iter().find(|m| m.metric == metric).map(|m| m.role)
}

/// A metric's human title.
fn title(loaded: &Loaded, metric: &str) -> String {
    let metrics = &loaded.context.project.metrics;
    let label = metrics.get(metric).and_then(|m| m.meta.label.clone());
    label.unwrap_or_else(|| metric.to_string())
}
