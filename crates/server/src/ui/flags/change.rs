//! Changing a flag from its page: a form, then what it would do, then the decision.

use std::fmt::Write as _;

use axum::Form as Body;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::CapabilityError;
use steward_capabilities::flags::{self, By, Proposal};
use steward_definitions::edit::Change;
use steward_definitions::{Flag, Kind, Serve};

use super::super::layout::{badge, page};
use super::super::parts;
use crate::State;
use crate::api::flags::changed;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// A value that the form offers: its path, what it is, and how it stands.
struct Field {
    path: String,
    label: String,
    value: String,
}

fn share(share: f64) -> String {
    format!("{}%", (share * 1e6).round() / 1e4)
}

/// Values that are changed often; all others go by their path.
fn fields(flag: &Flag) -> Vec<Field> {
    let mut all = Vec::new();
    for rule in &flag.rules {
        let mut add = |path: String, label: String, value: String| {
            all.push(Field {
                path: format!("rules.{}.{path}", rule.name),
                label,
                value,
            });
        };
        match &rule.serve {
            Serve::Value { ramp: Some(ramp), .. } => {
                for (at, step) in ramp.steps.iter().enumerate() {
                    let path = format!("ramp.steps.{}.coverage", at + 1);
                    add(
                        path,
                        format!("{}: share from {}", rule.name, step.at),
                        share(step.coverage),
                    );
                }
            }
            Serve::Value { range: Some(_), .. } => {}
            Serve::Value { .. } => add(
                "rollout".into(),
                format!("{}: share of units", rule.name),
                share(rule.coverage.unwrap_or(1.0)),
            ),
            Serve::Split(split) => {
                for arm in &split.arms {
                    let path = format!("split.{}.weight", arm.name);
                    add(
                        path,
                        format!("{}: weight of {}", rule.name, arm.name),
                        share(arm.weight),
                    );
                }
                let version = split.bucket_version.to_string();
                add(
                    "bucket_version".into(),
                    format!("{}: version of buckets", rule.name),
                    version,
                );
            }
        }
    }
    all
}

/// The form on the flag's page.
pub fn form(name: &str, flag: &Flag) -> Markup {
    let address = format!("{}/change", parts::address(Kind::Flag, name));
    html! { section.card aria-label="Change" {
        h2 { "Change" }
        p.soft { "What it would do is shown before anything happens." }
        form.inline method="get" action=(address) {
            input type="hidden" name="enabled" value=(!flag.enabled);
            button.plain type="submit" { (if flag.enabled { "Switch off: everyone gets the default …" } else { "Switch on …" }) }
        }
        form.sheet method="get" action=(address) {
            @for (at, field) in fields(flag).iter().enumerate() {
                label for={ "field-" (at) } { (field.label) }
                input id={ "field-" (at) } name=(field.path) value=(field.value);
            }
            label for="more" { "Anything else, one " code { "path=value" } " a line (" code { "rules.NAME.until=2026-01-01" } "); without a value it is taken out" }
            textarea #more name="more" rows="2" {}
            button type="submit" { "See what would change" }
        }
    } }
}

/// `path=value` lines.
fn read(lines: &str) -> Vec<Change> {
    let lines = lines.lines().map(str::trim).filter(|l| !l.is_empty());
    lines
        .map(|line| {
            let (path, value) = line.split_once('=').unwrap_or((line, ""));
            Change {
                path: path.trim().to_owned(),
                value: Some(value.trim().to_owned()).filter(|v| !v.is_empty()),
            }
        })
        .collect()
}

fn written(changes: &[Change]) -> String {
    changes.iter().fold(String::new(), |mut text, c| {
        let _ = writeln!(text, "{}={}", c.path, c.value.as_deref().unwrap_or_default());
        text
    })
}

async fn proposal(state: &State, loaded: &Loaded, name: &str, changes: &[Change]) -> Result<Proposal, CapabilityError> {
    let read = state.loader().sources();
    let sources = read.map_err(|cause| CapabilityError::File {
        path: "the project folder".into(),
        cause,
    })?;
    flags::propose(&loaded.context, &sources, name, changes).await
}

/// What a change would do, with the form that decides on it.
pub async fn plan(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Query(given): Query<Vec<(String, String)>>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let Some(flag) = loaded.context.project.flags.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Flag, &name).into());
    };
    let known = fields(flag);
    let mut changes = Vec::new();
    for (path, value) in given {
        if path == "more" {
            changes.extend(read(&value));
        } else if !known.iter().any(|f| f.path == path && f.value == value.trim()) {
            changes.extend(read(&format!("{path}={}", value.replace('\n', " "))));
        }
    }
    let by = By::default();
    match proposal(&state, &loaded, &name, &changes).await {
        Ok(proposal) => Ok(shown(&loaded, &name, flag, &changes, Ok(&proposal), &by, None).into_response()),
        Err(e @ (CapabilityError::Refused(_) | CapabilityError::Invalid(_))) => {
            let body = shown(&loaded, &name, flag, &changes, Err(&e), &by, None);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, body).into_response())
        }
        Err(e) => Err(e.into()),
    }
}

/// What the confirming form sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Input {
    changes: String,
    base: String,
    actor: String,
    reason: String,
}

/// Makes the change.
pub async fn apply(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(input): Body<Input>,
) -> Result<Response, ErrorPage> {
    let changes = read(&input.changes);
    let by = By {
        actor: input.actor,
        reason: input.reason,
        base: Some(input.base),
    };
    let refused = match changed(&state, &name, &changes, &by).await {
        Ok(_) => return Ok(Redirect::to(&parts::address(Kind::Flag, &name)).into_response()),
        Err(e @ (CapabilityError::Refused(_) | CapabilityError::Invalid(_))) => e,
        Err(e) => return Err(e.into()),
    };
    let loaded = state.loaded().await;
    let Some(flag) = loaded.context.project.flags.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Flag, &name).into());
    };
    let planned = proposal(&state, &loaded, &name, &changes).await;
    let body = shown(&loaded, &name, flag, &changes, planned.as_ref(), &by, Some(&refused));
    Ok((StatusCode::UNPROCESSABLE_ENTITY, body).into_response())
}

fn shown(
    loaded: &Loaded,
    name: &str,
    flag: &Flag,
    changes: &[Change],
    planned: Result<&Proposal, &CapabilityError>,
    by: &By,
    refused: Option<&CapabilityError>,
) -> Markup {
    let address = parts::address(Kind::Flag, name);
    let title = flag.meta.label.as_deref().unwrap_or(name);
    page(
        loaded,
        "/flags",
        &format!("Change {title}"),
        html! {
            div.crumbs { a href="/flags" { "Flags" } " / " a href=(address) { (title) } " / change" }
            h1 { "Change " (title) }
            @if let Some(refused) = refused { p.bad-ink role="alert" { (refused) } }
            @match planned {
                Err(e) => { p.bad-ink role="alert" { (e) } p { a href=(address) { "Back to the flag" } } },
                Ok(proposal) => {
                    (effects(proposal))
                    (lines(proposal))
                    @if proposal.plan.refusals.is_empty() && !proposal.plan.empty {
                        div.card { form.sheet method="post" action={ (address) "/apply" } {
                            input type="hidden" name="changes" value=(written(changes));
                            input type="hidden" name="base" value=(proposal.base);
                            label for="reason" { "Why" }
                            textarea #reason name="reason" rows="2" required { (by.reason) }
                            label for="actor" { "Changed by (handle)" }
                            input #actor name="actor" required value=(by.actor);
                            button type="submit" { "Change it, as one decision" }
                        } }
                    }
                },
            }
        },
    )
}

fn effects(proposal: &Proposal) -> Markup {
    html! { div.card {
        h2 { "What changes, for whom" }
        @if proposal.effects.is_empty() { p { (badge("", "nothing")) " Nobody gets something else." } }
        @else { ul { @for e in &proposal.effects { li {
            @if let Some(rule) = &e.rule { strong { (rule) } ": " }
            (e.what)
            @match e.share {
                Some(share) => { " " (badge(if share > 0.0 { "warn" } else { "" }, &format!("{} of its units", format::percent(share)))) },
                None => { " " span.soft { "(for how many hangs on their attributes)" } },
            }
        } } } }
        @for note in &proposal.notes { p.soft { (note) } }
        @if !proposal.plan.refusals.is_empty() {
            p { (badge("bad", "cannot be applied")) " as it is:" }
            ul { @for r in &proposal.plan.refusals { li { code { (r.place) } ": " (r.because) "; " (r.remedy) } } }
        }
    } }
}

fn lines(proposal: &Proposal) -> Markup {
    html! { div.card {
        h2 { code { (proposal.file) } }
        pre.diff tabindex="0" aria-label={ "Lines of " (proposal.file) " that change" } { @for line in &proposal.diff {
            @match line.sign {
                '-' => del { "- " (line.text) "\n" },
                '+' => ins { "+ " (line.text) "\n" },
                '…' => { "…\n" },
                _ => { "  " (line.text) "\n" },
            }
        } }
    } }
}

/// Who lets a rollout go on, and why.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Resuming {
    rule: String,
    actor: String,
    reason: String,
}

/// Lets a rollout go on that was stopped.
pub async fn resume(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(input): Body<Resuming>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let rule = Some(input.rule.as_str()).filter(|r| !r.is_empty());
    flags::resume(&loaded.context, &name, rule, &input.actor, &input.reason).await?;
    state.appended();
    Ok(Redirect::to(&parts::address(Kind::Flag, &name)).into_response())
}
