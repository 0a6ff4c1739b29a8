//! `/plan`: what applying the folder would change against what is in force, what that breaks, and the applying.

use axum::Form as Body;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use steward_capabilities::CapabilityError;
use steward_capabilities::governance::{self, Change, PlanView};
use steward_definitions::{Diagnostic, Severity};

use super::layout::{badge, page};
use super::parts;
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// What the form sends; kept on the page when it is refused.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Input {
    actor: String,
    message: String,
}

/// The page.
pub async fn show(Shared(state): Shared<State>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    Ok(render(&loaded, &Input::default(), None).await?)
}

/// Applies the folder as one decision.
pub async fn apply(Shared(state): Shared<State>, Body(input): Body<Input>) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let errors = errors(&loaded);
    let refused = if errors.is_empty() {
        match governance::apply(&loaded.context, &input.actor, input.message.trim(), None).await {
            Ok(applied) => {
                state.appended();
                let to = applied.sequence.map_or("/plan".to_string(), |n| format!("/ledger/{n}"));
                return Ok(Redirect::to(&to).into_response());
            }
            Err(e @ (CapabilityError::Refused(_) | CapabilityError::Invalid(_))) => e,
            Err(e) => return Err(e.into()),
        }
    } else {
        CapabilityError::Refused(format!("the definitions have {} errors; mend them first", errors.len()))
    };
    let body = render(&loaded, &input, Some(&refused.to_string())).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, body).into_response())
}

fn errors(loaded: &Loaded) -> Vec<&Diagnostic> {
    let all = loaded.diagnostics.iter();
    all.filter(|d| d.severity == Severity::Error).collect()
}

async fn render(loaded: &Loaded, input: &Input, refusal: Option<&str>) -> Result<Markup, CapabilityError> {
    let plan = governance::plan(&loaded.context).await?;
    let errors = errors(loaded);
    Ok(page(
        loaded,
        "/",
        "Plan",
        html! {
            h1 { "Plan" }
            p.lede { "What applying the folder's definitions would change against what is in force." }
            @if let Some(refusal) = refusal { p.bad-ink role="alert" { (refusal) } }
            @if !errors.is_empty() { div.card.verdict.bad {
                (badge("bad", "cannot be applied")) " " (errors.len()) (if errors.len() == 1 { " error" } else { " errors" })
                ul.plain.problems { @for d in &errors { li { code { (d.span.file) ":" (d.span.line) } " " (d.message) } } }
            } }
            p { @match (plan.applied_at_us, &plan.applied_by) {
                (Some(at), Some(by)) => { "In force since " time { (format::minute(at)) } ", applied by " (by) "." },
                _ => { "Nothing has been applied yet." },
            } }
            @if plan.changes.is_empty() { div.card { p { (badge("good", "the same")) " The folder says what is in force." } } }
            @else {
                (changes(loaded, &plan))
                h2 { "Apply" }
                div.card { form.sheet method="post" action="/plan" {
                    label for="message" { "Why" }
                    textarea #message name="message" rows="2" required { (input.message) }
                    label for="actor" { "Applied by (handle)" }
                    input #actor name="actor" required value=(input.actor);
                    button type="submit" { "Apply as one decision" }
                } }
            }
        },
    ))
}

/// Every change of a plan, and what it breaks.
pub fn changes(loaded: &Loaded, plan: &PlanView) -> Markup {
    let count = |action: &str| plan.changes.iter().filter(|c| c.action == action).count();
    html! { div.card {
        @if !plan.refusals.is_empty() {
            p { (badge("bad", "cannot be applied")) " as it is:" }
            ul { @for r in &plan.refusals { li { (parts::subject(loaded, &r.reference)) " " code { (r.place) } ": " (r.because) "; " (r.remedy) } } }
        }
        p { (count("added")) " added, " (count("changed")) " changed, " (count("removed")) " removed" }
        @if !plan.breaks.is_empty() {
            p { (badge("bad", "breaks")) " what stands downstream:" }
            ul { @for b in &plan.breaks { li { (parts::subject(loaded, &b.reference)) " " span.soft { "(" (b.owner) ")" } ": " (b.because) } } }
        }
        @if !plan.changes.is_empty() { details.data open[plan.changes.len() <= 20] {
            summary { "Every change" }
            div.scroll tabindex="0" role="region" aria-label="Changes" { table.stack {
                thead { tr { th scope="col" { "Definition" } th scope="col" { "Change" } th scope="col" { "Fields" } th scope="col" { "Owner" } } }
                tbody { @for c in &plan.changes { (row(loaded, c)) } }
            } }
        } }
    } }
}

fn row(loaded: &Loaded, c: &Change) -> Markup {
    let kind = c.reference.split('/').next().unwrap_or_default().replace('_', " ");
    html! { tr {
        th scope="row" { (parts::subject(loaded, &c.reference)) " " span.soft { (kind) } }
        td data-l="Change" { (badge(if c.breaking.is_empty() { "" } else { "bad" }, &c.action)) @for b in &c.breaking { br; span.soft { (b) } } }
        td data-l="Fields" { @for f in &c.fields { div { code { (f.field) } " " span.soft { (brief(f.before.as_ref())) } " → " (brief(f.after.as_ref())) } } }
        td data-l="Owner" { (c.owner) }
    } }
}

/// A field's value in a few words.
fn brief(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return "nothing".to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if text.chars().count() <= 80 {
        return text;
    }
    text.chars().take(79).chain(['…']).collect()
}
