//! `/approvals` and `/approvals/{id}`: moves of what is protected, which others must approve.

use axum::extract::{Form, Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::CapabilityError;
use steward_capabilities::registry::{Request, Standing};

use super::super::layout::{badge, page};
use super::address;
use crate::State;
use crate::error::ErrorPage;
use crate::format;

/// What the form says.
#[derive(Deserialize, Default)]
pub struct Input {
    /// `approve` or `reject`.
    #[serde(default)]
    choice: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    actor: String,
}

fn standing(request: &Request, now_us: i64) -> Markup {
    match request.standing(now_us) {
        Standing::Waiting => badge("warn", "waiting"),
        Standing::Granted => badge("good", "granted"),
        Standing::Used => badge("good", "used"),
        Standing::Rejected => badge("bad", "rejected"),
        Standing::Expired => badge("", "expired"),
        Standing::Void => badge("", "void"),
    }
}

fn target(request: &Request) -> Markup {
    html! { @match request.version {
        Some(v) => { "to " a href={ (address(&request.model)) "/" (v) } { "version " (v) } }
        None => { "away" @if let Some(v) = request.from { " from " a href={ (address(&request.model)) "/" (v) } { "version " (v) } } }
    } }
}

/// All requests, newest first.
pub async fn list(Shared(state): Shared<State>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let registered = state.registry().now().await?;
    let now = state.registry().now_us();
    let mut all: Vec<_> = registered.requests.values().collect();
    all.sort_by_key(|r| std::cmp::Reverse(r.at_us));
    Ok(page(
        &loaded,
        "/models",
        "Approvals",
        html! {
            p.crumbs { a href="/models" { "Models" } }
            h1 { "Approvals" }
            p.lede { "Moves of protected aliases and stages, which others must approve." }
            @if all.is_empty() { p { "Nobody has asked for one." } } @else {
                div.scroll { table {
                    thead { tr { th { "Asked" } th { "Move" } th { "By" } th.num { "Approvals" } th { "Standing" } } }
                    tbody { @for r in all.iter().take(500) { tr {
                        td { a href={ "/approvals/" (r.id) } { (format::minute(r.at_us)) } }
                        td { (r.pointer) " of " (r.model) " " (target(r)) }
                        td { (r.by) }
                        td.num { (r.approvers().len()) " of " (r.approvals) }
                        td { (standing(r, now)) }
                    } } }
                } }
            }
        },
    ))
}

/// One request with the form that answers it.
pub async fn show(Shared(state): Shared<State>, Path(id): Path<String>) -> Result<Response, ErrorPage> {
    Ok(render(&state, &id, &Input::default(), None).await?.into_response())
}

/// Records an answer; a refusal shows its reason beside what was typed.
pub async fn answer(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let people: Vec<String> = loaded
        .context
        .project
        .settings
        .people
        .iter()
        .map(|p| p.name.clone())
        .collect();
    let rules = state.protections().await?;
    let comment = Some(input.comment.clone());
    let answered = match (input.actor.trim(), input.choice.as_str()) {
        ("", _) => Err(CapabilityError::Invalid("say who you are: give your handle".into())),
        (actor, choice @ ("approve" | "reject")) => {
            let approves = choice == "approve";
            state
                .registry()
                .answer_request(actor, &id, approves, comment, &people, &rules)
                .await
        }
        _ => Err(CapabilityError::Invalid("choose to approve or to reject".into())),
    };
    match answered {
        Ok(request) => Ok(Redirect::to(&format!("/approvals/{}", request.id)).into_response()),
        Err(e @ (CapabilityError::Refused(_) | CapabilityError::Invalid(_))) => {
            let body = render(&state, &id, &input, Some(&e.to_string())).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, body).into_response())
        }
        Err(e) => Err(e.into()),
    }
}

async fn render(state: &State, id: &str, input: &Input, refusal: Option<&str>) -> Result<Markup, CapabilityError> {
    let loaded = state.loaded().await;
    let registered = state.registry().now().await?;
    let missing = || CapabilityError::Missing(format!("there is no request {id}"));
    let request = registered.requests.get(id).ok_or_else(missing)?;
    let now = state.registry().now_us();
    let open = matches!(
        request.standing(now),
        Standing::Waiting | Standing::Granted | Standing::Rejected
    );
    let name = &request.model;
    Ok(page(
        &loaded,
        "/models",
        "Approval",
        html! {
            p.crumbs { a href="/models" { "Models" } " / " a href="/approvals" { "Approvals" } }
            h1 { "Move " (request.pointer) " of " (name) " " (standing(request, now)) }
            p.lede { (request.by) " asks to move it " (target(request)) "; policy " (request.policy) " wants " (request.approvals) " approval(s) of others." }
            dl.facts {
                dt { "Asked" } dd { (format::minute(request.at_us)) " by " (request.by) }
                dt { "May be used until" } dd { (format::minute(request.expires_us)) }
                @if let Some(from) = request.from { dt { "Pointed then at" } dd { a href={ (address(name)) "/" (from) } { "version " (from) } } }
                @if let Some(digest) = &request.digest { dt { "What is approved" } dd { "files of digest " code { (digest) } } }
                @if let Some(why) = &request.void { dt { "Void" } dd { (why) } }
                @if let Some(used) = request.used { dt { "Used" } dd { a href={ "/ledger/" (used) } { "event " (used) } } }
            }
            h2 { "Answers" }
            @if request.answers.is_empty() { p { "Nobody has answered yet." } }
            ul { @for a in &request.answers { li {
                (badge(if a.approves { "good" } else { "bad" }, if a.approves { "approves" } else { "rejects" })) " "
                (a.by) ", " a href={ "/ledger/" (a.sequence) } { (format::minute(a.at_us)) }
                @if let Some(comment) = &a.comment { ": " (comment) }
            } } }
            @if open {
                div.card {
                    @if let Some(refusal) = refusal { p.bad-ink role="alert" { (refusal) } }
                    form.sheet method="post" action={ "/approvals/" (request.id) } {
                        label for="choice" { "Answer" }
                        select #choice name="choice" { @for word in ["approve", "reject"] { option value=(word) selected[input.choice == word] { (word) } } }
                        label for="comment" { "Comment" }
                        textarea #comment name="comment" rows="3" { (input.comment) }
                        label for="actor" { "Answered by (handle)" }
                        input #actor name="actor" required value=(input.actor);
                        button type="submit" { "Record answer" }
                    }
                }
            }
        },
    ))
}
