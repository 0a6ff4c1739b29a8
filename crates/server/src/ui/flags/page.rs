//! `/k/flag`: what is live of a flag, why a unit gets what it gets, and changing it.

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::CapabilityError;
use steward_capabilities::experiments;
use steward_capabilities::flags::{self, FlagStatus, RuleState};
use steward_capabilities::governance::{self, Decision, DecisionFilter};
use steward_definitions::{Flag, Kind, Reference, Serve};

use super::super::layout::{badge, nouns, page};
use super::super::parts::{self, AsOf, Form};
use super::super::{entities, lineage};
use super::{change, shares, standing, tester, words};
use crate::State;
use crate::charts::{self, Rollout};
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// Whom the tester asks for.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    unit: String,
    attributes: String,
}

/// A flag.
pub async fn flag(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(as_of): Query<AsOf>,
    Query(asked): Query<Asked>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Flag, &segment);
    let Some(flag) = loaded.context.project.flags.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Flag, &name).into());
    };
    if form != Form::Page {
        let (facts, nothing) = (Vec::new(), html! {});
        return entities::answer(&loaded, Kind::Flag, &flag.meta, form, &as_of, flag, facts, nothing).await;
    }
    let moment = parts::as_of(&loaded, as_of.text())?;
    let now_us = moment.unwrap_or_else(|| state.now_us());
    let found = match moment {
        None => state.live().await,
        Some(at) => flags::live(&loaded.context.ledger, at, Some(at)).await.map(Arc::new),
    };
    let live = match found {
        Ok(live) => Some(live),
        Err(CapabilityError::NotApplied) => None,
        Err(e) => return Err(e.into()),
    };
    let live = live.filter(|l| l.flag(&name).is_some());
    let status = match &live {
        Some(live) => Some(flags::status(&loaded.context.ledger, live, &name, now_us).await?),
        None => None,
    };
    let reference = Reference::new(Kind::Flag, &name);
    let filter = DecisionFilter {
        subject: Some(reference.to_string()),
        ..DecisionFilter::default()
    };
    let decisions = governance::decisions(&loaded.context, &filter, moment).await?;
    let force = parts::in_force(&loaded, &reference, moment).await?;
    let served = live.as_ref().and_then(|l| l.project().flags.get(&name)).unwrap_or(flag);
    let section = ("/flags", "Flags");
    let below = lineage::section(&loaded, &reference, moment).await?;
    let timelines = timelines(&loaded, served, status.as_ref(), now_us)?;
    Ok(page(
        &loaded,
        section.0,
        flag.meta.label.as_deref().unwrap_or(&name),
        html! {
            (parts::heading(section, Kind::Flag, &flag.meta, &as_of.query(), parts::as_of_form(as_of.text())))
            (nouns(
                parts::definition(&flag.meta, &facts(&loaded, flag, force)),
                evidence(status.as_ref()),
                decision(&name, status.as_ref(), &decisions, moment.is_none()),
            ))
            div.card { h2 { "Rules, in the order in which they are tried" } (words::rules(&loaded, served)) }
            (timelines)
            @if let Some(live) = &live { (tester::tester(live, &name, &asked.unit, &asked.attributes)) }
            @if moment.is_none() && status.is_some() { (change::form(&name, flag)) }
            (below)
        },
    )
    .into_response())
}

fn facts(loaded: &Loaded, flag: &Flag, force: Markup) -> Vec<(&'static str, Markup)> {
    vec![
        ("Default", html! { code { (flag.default) } }),
        (
            "Variants",
            html! { @if flag.variants.is_empty() { "none named" } @else { ul { @for v in &flag.variants { li { (v.name) ": " code { (v.value) } } } } } },
        ),
        (
            "Prerequisites",
            html! { @if flag.prerequisites.is_empty() { "none" } @else { ul { @for p in &flag.prerequisites { li { (parts::link(loaded, Kind::Flag, &p.flag)) " " code { (p.condition) } } } } } },
        ),
        (
            "Stale after",
            html! { (flag.stale_after.as_deref().unwrap_or("not stated")) },
        ),
        ("In force", force),
    ]
}

/// What is live now.
fn evidence(status: Option<&FlagStatus>) -> Markup {
    let Some(status) = status else {
        return html! { p { (badge("warn", "not live")) " Nothing is served of it: it is not in force." } };
    };
    html! {
        p { (standing(status)) @if let Some(why) = &status.stale { " " (badge("warn", "stale")) " " span.soft { (why) } } }
        @if !status.enabled { p { "Everyone gets " code { (status.default.to_json()) } "." } }
        @else if !status.rules.is_empty() {
            p.soft { "Served now, of the units that each rule is for:" }
            dl.facts { @for rule in &status.rules { dt { (rule.rule) } dd { (shares(rule)) (guard(rule)) } } }
        }
    }
}

fn guard(rule: &RuleState) -> Markup {
    html! {
        @match (&rule.hold, &rule.guarded_by) {
            (Some(hold), _) => {
                br; (badge("bad", "stopped")) " at " (format::percent(hold.coverage)) " by " (hold.actor) ", "
                time { (format::minute(hold.at_us)) } ": " (hold.because)
                @for id in &hold.evidence { " " (parts::why(id)) }
            },
            (None, Some(guard)) => { br; (badge("good", "guarded")) " " span.soft { "by " (guard.experiment) } },
            (None, None) => {},
        }
    }
}

/// Who changed it last, what was decided, and letting it go on.
fn decision(name: &str, status: Option<&FlagStatus>, decisions: &[Decision], now: bool) -> Markup {
    let stopped: Vec<&RuleState> = status
        .iter()
        .flat_map(|s| &s.rules)
        .filter(|r| r.hold.is_some())
        .collect();
    html! {
        @match status.and_then(|s| Some((s, s.changed.as_ref()?))) {
            Some((status, change)) => p {
                "Changed by " strong { (change.actor) } ", " a href={ "/ledger/" (change.sequence) } { time { (format::minute(change.at_us)) } }
                @if let Some(why) = &status.because { ": " (why) }
            },
            None => p.soft { "Nobody has changed it in the ledger yet." },
        }
        @if !decisions.is_empty() || stopped.is_empty() { (parts::decisions(decisions, "No rollout of it was ever stopped.")) }
        @if now { @for rule in stopped {
            form.sheet method="post" action={ (parts::address(Kind::Flag, name)) "/resume" } {
                h3 { "Let " (rule.rule) " go on" }
                p.soft { "The harm that is known is accepted: it stops this rule no more." }
                input type="hidden" name="rule" value=(rule.rule);
                label for={ "reason-" (rule.rule) } { "Why" }
                input id={ "reason-" (rule.rule) } name="reason" required;
                label for={ "actor-" (rule.rule) } { "Decided by (handle)" }
                input id={ "actor-" (rule.rule) } name="actor" required;
                button type="submit" { "Resume" }
            }
        } }
    }
}

/// How much each rollout includes over time.
fn timelines(
    loaded: &Loaded,
    flag: &Flag,
    status: Option<&FlagStatus>,
    now_us: i64,
) -> Result<Markup, CapabilityError> {
    let zone = experiments::zone(&loaded.context.project.settings)?;
    let mut all = Vec::new();
    for rule in &flag.rules {
        let state = status.and_then(|s| s.rules.iter().find(|r| r.rule == rule.name));
        let planned: Vec<(&str, f64)> = match &rule.serve {
            Serve::Value { ramp: Some(ramp), .. } => ramp.steps.iter().map(|s| (s.at.as_str(), s.coverage)).collect(),
            _ => {
                let whole = rule.coverage.unwrap_or(1.0);
                let from = rule.from.as_deref().map(|f| (f, whole));
                from.into_iter()
                    .chain(rule.until.as_deref().map(|u| (u, 0.0)))
                    .collect()
            }
        };
        if planned.is_empty() {
            continue;
        }
        let ramps = matches!(&rule.serve, Serve::Value { ramp: Some(_), .. });
        let open = rule.from.is_none() && !ramps;
        let mut steps = Vec::new();
        for (at, share) in planned {
            steps.push((experiments::moment(at, &zone)?, share));
        }
        let chart = Rollout {
            before: if open { rule.coverage.unwrap_or(1.0) } else { 0.0 },
            steps,
            now_us,
            held: state
                .and_then(|s| s.hold.as_ref())
                .map(|h| (h.at_us.min(now_us), h.coverage)),
        };
        all.push((rule.name.clone(), chart));
    }
    Ok(html! { @for (name, chart) in &all { div.card {
        (charts::figure(
            &format!("Share of units that {name} includes"),
            charts::rollout(&format!("Share of units that {name} includes over time"), chart),
            &["From".to_string(), "Share".to_string()],
            &rows(chart),
        ))
    } } })
}

fn rows(chart: &Rollout) -> Vec<Vec<String>> {
    let planned = chart
        .steps
        .iter()
        .map(|(at, share)| vec![format::minute(*at), format::percent(*share)]);
    let before = [vec!["before".to_string(), format::percent(chart.before)]];
    let held = chart
        .held
        .iter()
        .map(|(at, most)| vec![format!("{} (stopped)", format::minute(*at)), format::percent(*most)]);
    before.into_iter().chain(planned).chain(held).collect()
}
