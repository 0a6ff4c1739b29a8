//! `/objectives` and `/k/objective/{name}`: are we reaching them?

use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use steward_capabilities::experiments;
use steward_capabilities::portfolio::{self, KeyResultState, KeyResultStatus, ObjectiveStatus};
use steward_definitions::{Kind, Reference};

use super::layout::{nouns, page};
use super::lineage;
use super::parts::{self, AsOf, Form};
use crate::State;
use crate::charts;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

fn tone(state: KeyResultState) -> &'static str {
    match state {
        KeyResultState::Hit | KeyResultState::OnTrack => "good",
        KeyResultState::AtRisk => "warn",
        KeyResultState::Missed | KeyResultState::OffTrack => "bad",
        KeyResultState::NotEstimable => "",
    }
}

/// An objective at a glance.
pub fn card(o: &ObjectiveStatus) -> Markup {
    let least = o.key_results.iter().filter_map(|k| k.probability).reduce(f64::min);
    html! { div.card {
        p { (parts::state(o.state)) " " a href=(parts::address(Kind::Objective, &o.objective)) { (o.label.as_deref().unwrap_or(&o.objective)) } }
        (parts::progress(o.progress, tone(o.state), "progress"))
        p.note { @match least { Some(p) => { "Least probability to hit " (format::probability(p)) }, None => { (o.problem.as_deref().unwrap_or(if matches!(o.state, KeyResultState::Hit | KeyResultState::Missed) { "Its period is over" } else { "No probability can be told" })) } } " · " (o.owner) }
    } }
}

/// All objectives and the metric tree.
pub async fn list(Shared(state): Shared<State>, Query(asked): Query<AsOf>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let as_of = parts::as_of(&loaded, asked.text())?;
    let all = portfolio::objectives(&loaded.context, as_of).await?;
    Ok(page(
        &loaded,
        "/objectives",
        "Objectives",
        html! {
            h1 { "Objectives" }
            p.lede { "Status is computed from governed metrics, never typed." }
            (parts::as_of_form(asked.text()))
            @if all.is_empty() { p { "No objectives are defined. They live in " code { "objectives/" } "." } }
            div.grid { @for o in &all { (card(o)) } }
            h2 { "Metric tree" }
            div.card.tree { ul { @for o in &all { li {
                (parts::link(&loaded, Kind::Objective, &o.objective)) " " (parts::state(o.state))
                ul {
                    @for k in &o.key_results { li { (k.name) ": " (parts::link(&loaded, Kind::Metric, &k.metric)) " " (parts::state(k.state)) (movers(&loaded, &k.metric)) } }
                    @if !o.initiatives.is_empty() { li { "Initiatives: " (parts::links(&loaded, Kind::Initiative, &o.initiatives, "none")) } }
                }
            } } } }
        },
    ))
}

fn movers(loaded: &Loaded, metric: &str) -> Markup {
    let names: Vec<&String> = loaded
        .context
        .project
        .experiments
        .iter()
        .filter(|(_, e)| {
            e.primary.iter().chain(&e.secondary).any(|m| m == metric) || e.guardrails.iter().any(|g| g.metric == metric)
        })
        .map(|(name, _)| name)
        .collect();
    html! { @if !names.is_empty() { ul { li { "Experiments: " (parts::links(loaded, Kind::Experiment, &names, "none")) } } } }
}

/// One objective.
pub async fn show(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Objective, &segment);
    let as_of = parts::as_of(&loaded, asked.text())?;
    let status = portfolio::objective_status(&loaded.context, &name, as_of).await?;
    match form {
        Form::Json => return Ok(parts::json(&status)?),
        Form::Csv => return Ok(parts::csv(csv(&status))),
        Form::Page => {}
    }
    let Some(definition) = loaded.context.project.objectives.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Objective, &name).into());
    };
    let filter = steward_capabilities::governance::DecisionFilter {
        subject: Some(format!("objective/{name}")),
        ..Default::default()
    };
    let decisions = steward_capabilities::governance::decisions(&loaded.context, &filter, as_of).await?;
    let reference = Reference::new(Kind::Objective, &name);
    let force = parts::in_force(&loaded, &reference, as_of).await?;
    let lineage = lineage::section(&loaded, &reference, as_of).await?;
    let facts = parts::definition(
        &definition.meta,
        &[
            (
                "Period",
                html! { (status.start) " to " (status.end) ", " (format::percent(status.elapsed)) " passed" },
            ),
            (
                "Serves",
                parts::links(&loaded, Kind::Objective, definition.parent.as_slice(), "none"),
            ),
            (
                "Initiatives",
                parts::links(&loaded, Kind::Initiative, &status.initiatives, "none"),
            ),
            ("In force", force),
        ],
    );
    let evidence = html! {
        (parts::progress(status.progress, tone(status.state), "progress"))
        ul.plain { @for k in &status.key_results { li {
            a href={ "#" (k.name) } { (k.name) } " " (parts::state(k.state)) br;
            span.soft { @match k.probability { Some(p) => { (format::probability(p)) " to hit" }, None => "no probability" } } " " @if let Some(e) = &k.evidence { (parts::why(e)) }
        } } }
    };
    Ok(page(
        &loaded,
        "/objectives",
        status.label.as_deref().unwrap_or(&name),
        html! {
            (parts::heading(("/objectives", "Objectives"), Kind::Objective, &definition.meta, &asked.query(), parts::as_of_form(asked.text())))
            div class={ "card verdict " (tone(status.state)) } { (status.verdict) }
            (nouns(facts, evidence, parts::decisions(&decisions, "No decision on it yet.")))
            h2 { "Key results" }
            @for k in &status.key_results { (key_result(&loaded, k, &status.end)) }
            (lineage)
        },
    )
    .into_response())
}

fn key_result(loaded: &Loaded, k: &KeyResultStatus, end: &str) -> Markup {
    let currency = loaded.context.project.settings.currency.as_deref();
    let show = |v: f64| format::in_unit(v, k.unit.as_deref(), currency);
    let at = |day: &str| experiments::moment(day, &jiff::tz::TimeZone::UTC).ok();
    let past: Vec<charts::Point> = k
        .series
        .iter()
        .filter_map(|p| {
            Some(charts::Point {
                at_us: at(&p.start)?,
                value: p.value.unwrap_or(f64::NAN),
                band: None,
            })
        })
        .collect();
    let mut series = vec![charts::Series {
        name: "measured".into(),
        points: past.clone(),
        dashed: false,
    }];
    if let (Some(f), Some(last), Some(end)) = (&k.forecast, past.iter().rev().find(|p| p.value.is_finite()), at(end)) {
        let start = charts::Point {
            band: Some((last.value, last.value)),
            ..*last
        };
        let finish = charts::Point {
            at_us: end,
            value: f.point,
            band: Some((f.low, f.high)),
        };
        series.push(charts::Series {
            name: "forecast".into(),
            points: vec![start, finish],
            dashed: true,
        });
    }
    let title = format!("{} by {}", k.label.as_deref().unwrap_or(&k.metric), k.grain);
    let chart = charts::Line {
        title: title.clone(),
        series,
        target: Some(k.target),
        compact: true,
        ..charts::Line::default()
    };
    let rows: Vec<Vec<String>> = k
        .series
        .iter()
        .map(|p| vec![p.start.clone(), p.value.map_or("no value".into(), show)])
        .collect();
    html! { section.card id=(k.name) aria-label=(k.name) {
        h3 { (k.name) " " (parts::state(k.state)) }
        p { (k.verdict) " " @if let Some(e) = &k.evidence { (parts::why(e)) } }
        div.beside {
            dl.facts {
                dt { "Metric" } dd { (parts::link(loaded, Kind::Metric, &k.metric)) }
                dt { "Baseline" } dd { (k.baseline.map_or("not estimable".into(), show)) @if k.baseline_given { " (given)" } }
                dt { "Current" } dd { (k.current.map_or("not estimable".into(), show)) }
                dt { "Target" } dd { (show(k.target)) }
                dt { "Progress" } dd { (parts::progress(k.progress, tone(k.state), "")) }
                dt { "Forecast" } dd { @match &k.forecast { Some(f) => { (show(f.point)) " [" (show(f.low)) ", " (show(f.high)) "]" }, None => span.soft { "not estimable" } } }
                dt { "Chance to hit" } dd { @match k.probability { Some(p) => (format::probability(p)), None => span.soft { "not estimable" } } }
                @if let Some(problem) = &k.problem { dt { "Problem" } dd { (problem) } }
            }
            @if !past.is_empty() { (charts::figure(&title, charts::line(&chart, &show), &["Period".into(), "Value".into()], &rows)) }
        }
    } }
}

fn csv(o: &ObjectiveStatus) -> String {
    let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    let mut out = format::csv_line([
        "key_result",
        "metric",
        "state",
        "baseline",
        "current",
        "target",
        "progress",
        "probability",
        "problem",
    ]);
    for k in &o.key_results {
        out.push_str(&format::csv_line([
            k.name.clone(),
            k.metric.clone(),
            k.state.words().into(),
            number(k.baseline),
            number(k.current),
            k.target.to_string(),
            number(k.progress),
            number(k.probability),
            k.problem.clone().unwrap_or_default(),
        ]));
    }
    out
}
