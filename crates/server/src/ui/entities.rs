//! `/k/initiative`, `/k/bet` and `/k/semantic_model`: kinds with a short page.

use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Serialize;
use steward_capabilities::governance::{self, DecisionFilter};
use steward_capabilities::portfolio;
use steward_definitions::{Kind, Meta, Reference};

use super::layout::{badge, nouns, page};
use super::lineage;
use super::parts::{self, AsOf, Form};
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

pub(super) async fn answer(
    loaded: &Loaded,
    kind: Kind,
    meta: &Meta,
    form: Form,
    asked: &AsOf,
    view: &impl Serialize,
    mut facts: Vec<(&str, Markup)>,
    evidence: Markup,
) -> Result<Response, ErrorPage> {
    match form {
        Form::Json => return Ok(parts::json(view)?),
        Form::Csv => {
            let value = serde_json::to_value(view).unwrap_or_default();
            let mut out = format::csv_line(["field", "value"]);
            for (field, value) in value.as_object().into_iter().flatten() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
                out.push_str(&format::csv_line([field.clone(), text]));
            }
            return Ok(parts::csv(out));
        }
        Form::Page => {}
    }
    let filter = DecisionFilter {
        subject: Some(format!("{kind}/{}", meta.name)),
        ..DecisionFilter::default()
    };
    let as_of = parts::as_of(loaded, asked.text())?;
    let decisions = governance::decisions(&loaded.context, &filter, as_of).await?;
    let reference = Reference::new(kind, &meta.name);
    let force = parts::in_force(loaded, &reference, as_of).await?;
    let lineage = lineage::section(loaded, &reference, as_of).await?;
    facts.push(("In force", force));
    let section = match kind {
        Kind::SemanticModel => ("/metrics", "Metrics"),
        Kind::Flag | Kind::Segment | Kind::Layer | Kind::Holdout | Kind::Bandit => ("/flags", "Flags"),
        Kind::Bill | Kind::Budget | Kind::Contract => ("/money", "Money"),
        Kind::Team | Kind::Question => ("/team", "Team"),
        _ => ("/objectives", "Objectives"),
    };
    Ok(page(
        loaded,
        section.0,
        meta.label.as_deref().unwrap_or(&meta.name),
        html! {
            (parts::heading(section, kind, meta, &asked.query(), parts::as_of_form(asked.text())))
            (nouns(
                parts::definition(meta, &facts),
                evidence,
                parts::decisions(&decisions, "No decision on it yet."),
            ))
            (lineage)
        },
    )
    .into_response())
}

/// An initiative.
pub async fn initiative(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Initiative, &segment);
    let view = portfolio::initiatives(&loaded.context)
        .into_iter()
        .find(|i| i.name == name);
    let (Some(view), Some(definition)) = (view, loaded.context.project.initiatives.get(&name)) else {
        return Err(parts::unknown(&loaded, Kind::Initiative, &name).into());
    };
    let said = |t: &Option<String>| html! { (t.as_deref().unwrap_or("not stated")) };
    let facts = vec![
        ("Problem", said(&view.problem)),
        ("Decision it changes", said(&view.decision)),
        ("Start", said(&view.start)),
        ("Due", said(&view.due)),
        (
            "Effort",
            html! { @match view.effort_weeks { Some([low, mid, high]) => { (format::number(mid)) " person-weeks [" (format::number(low)) ", " (format::number(high)) "]" }, None => "not estimated" } },
        ),
        ("Team", html! { (view.team.join(", ")) }),
    ];
    let evidence = html! { dl.facts {
        dt { "Objectives" } dd { (parts::links(&loaded, Kind::Objective, &view.objectives, "none")) }
        dt { "Experiments" } dd { (parts::links(&loaded, Kind::Experiment, &view.experiments, "none yet")) }
        dt { "Bets" } dd { (parts::links(&loaded, Kind::Bet, &view.bets, "none")) }
        dt { "Depends on" } dd { (parts::links(&loaded, Kind::Initiative, &view.depends_on, "nothing")) }
    } };
    answer(
        &loaded,
        Kind::Initiative,
        &definition.meta,
        form,
        &asked,
        &view,
        facts,
        evidence,
    )
    .await
}

/// A bet.
pub async fn bet(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Bet, &segment);
    let view = portfolio::bets(&loaded.context).into_iter().find(|b| b.name == name);
    let (Some(view), Some(definition)) = (view, loaded.context.project.bets.get(&name)) else {
        return Err(parts::unknown(&loaded, Kind::Bet, &name).into());
    };
    let currency = loaded.context.project.settings.currency.as_deref();
    let money = |minor: i64| format::in_unit(minor as f64, Some("currency"), currency);
    let [low, mid, high] = view.effect;
    let facts = vec![
        ("Stated probability", html! { (format::percent(view.probability)) }),
        (
            "Stated effect",
            html! { (format::change(mid)) " [" (format::change(low)) ", " (format::change(high)) "]" },
        ),
        (
            "Cost",
            html! { @match view.cost_minor { Some([low, high]) => { (money(low)) " to " (money(high)) }, None => "not stated" } },
        ),
        (
            "Stopped when",
            html! { (view.kill_criterion.as_deref().unwrap_or("not stated")) },
        ),
        (
            "Resolve by",
            html! { (view.resolve_by.as_deref().unwrap_or("not stated")) " " @if view.overdue { (badge("bad", "overdue")) } },
        ),
    ];
    let evidence = html! { dl.facts { @for r in &view.links { dt { (r.kind.noun()) } dd { (parts::link(&loaded, r.kind, &r.name)) } } } };
    answer(
        &loaded,
        Kind::Bet,
        &definition.meta,
        form,
        &asked,
        &view,
        facts,
        evidence,
    )
    .await
}

/// A semantic model.
pub async fn semantic_model(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::SemanticModel, &segment);
    let Some(model) = loaded.context.project.semantic_models.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::SemanticModel, &name).into());
    };
    let facts = vec![
        ("Dataset", parts::link(&loaded, Kind::Dataset, &model.dataset)),
        ("Time", html! { (model.time_dimension.as_deref().unwrap_or("none")) }),
        (
            "Entities",
            html! { ul { @for e in &model.entities { li { (e.name) ": " code { (e.expr) } } } } },
        ),
        (
            "Dimensions",
            html! { ul { @for d in &model.dimensions { li { (d.name) ": " code { (d.expr) } } } } },
        ),
        (
            "Measures",
            html! { ul { @for m in &model.measures { li { (m.name) ": " code { (m.expr) } } } } },
        ),
    ];
    let used: Vec<String> = steward_capabilities::metrics::catalogue(&loaded.context.project)
        .into_iter()
        .filter(|m| m.models.contains(&name))
        .map(|m| m.name)
        .collect();
    let evidence = html! { p { "Metrics that read it: " (parts::links(&loaded, Kind::Metric, &used, "none")) } };
    answer(
        &loaded,
        Kind::SemanticModel,
        &model.meta,
        form,
        &asked,
        model,
        facts,
        evidence,
    )
    .await
}
