//! `/ledger`: what happened, newest first, and whether the chain holds.

use axum::Form as Body;
use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::governance;
use steward_capabilities::{CapabilityError, experiments};
use steward_ledger::{Event, Filter, LedgerError};

use super::layout::{badge, page};
use super::parts;
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// Events of a page.
const PAGE: usize = 50;

/// The filter, all in the address.
#[derive(Clone, Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    kind: String,
    subject: String,
    actor: String,
    from: String,
    until: String,
    before: String,
}

impl Asked {
    fn filter(&self, loaded: &Loaded) -> Result<Filter, CapabilityError> {
        let given = |text: &str| Some(text.trim().to_string()).filter(|t| !t.is_empty());
        let zone = experiments::zone(&loaded.context.project.settings)?;
        let moment = |text: &str| experiments::moment(text, &zone);
        let until = match given(&self.until) {
            None => None,
            // The whole day counts.
            Some(text) => Some(match text.parse::<jiff::civil::Date>().and_then(|d| d.tomorrow()) {
                Ok(next) => moment(&next.to_string())? - 1,
                Err(_) => moment(&text)?,
            }),
        };
        let before = given(&self.before).map(|text| {
            text.parse().map_err(|_| {
                CapabilityError::Invalid(format!("before: {text:?} is no event; give its number, such as 120"))
            })
        });
        Ok(Filter {
            kind: given(&self.kind),
            subject: given(&self.subject),
            actor: given(&self.actor),
            since_us: given(&self.from).map(|t| moment(&t)).transpose()?,
            as_of_us: until,
            before: before.transpose()?,
            last: Some(PAGE as u64 + 1),
            ..Filter::default()
        })
    }

    /// The address of the same question before an event.
    fn page(&self, before: Option<u64>) -> String {
        let before = before.map(|b| b.to_string()).unwrap_or_default();
        let fields = [
            ("kind", self.kind.as_str()),
            ("subject", &self.subject),
            ("actor", &self.actor),
            ("from", &self.from),
            ("until", &self.until),
            ("before", &before),
        ];
        format!("/ledger{}", parts::query(&fields))
    }
}

/// Whether an event had a private payload that is gone.
pub fn erased(event: &Event) -> bool {
    event.commitment.is_some() && event.private.is_none()
}

/// The list.
pub async fn list(Shared(state): Shared<State>, Query(asked): Query<Asked>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    Ok(render(&loaded, &asked, &Verify::default(), None).await?)
}

/// What the verification form sends.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Verify {
    actor: String,
    head: String,
}

/// Verifies the whole chain and records who did, or says where it is broken.
pub async fn verify(Shared(state): Shared<State>, Body(input): Body<Verify>) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let head = Some(input.head.trim()).filter(|h| !h.is_empty());
    let refused = match governance::verify(&loaded.context, &input.actor, head).await {
        Ok(_) => return Ok(Redirect::to("/ledger#verification").into_response()),
        Err(e @ (CapabilityError::Refused(_) | CapabilityError::Ledger(LedgerError::Invalid { .. }))) => {
            (StatusCode::UNPROCESSABLE_ENTITY, e)
        }
        Err(e @ CapabilityError::Ledger(LedgerError::Broken { .. } | LedgerError::BrokenEvidence { .. })) => {
            (StatusCode::CONFLICT, e)
        }
        Err(e) => return Err(e.into()),
    };
    let body = render(&loaded, &Asked::default(), &input, Some(&refused.1.to_string())).await?;
    Ok((refused.0, body).into_response())
}

async fn render(
    loaded: &Loaded,
    asked: &Asked,
    input: &Verify,
    problem: Option<&str>,
) -> Result<Markup, CapabilityError> {
    let ledger = &loaded.context.ledger;
    let mut events = ledger.read(&asked.filter(loaded)?).await?;
    let older = events.len() > PAGE;
    if older {
        events.remove(0);
    }
    events.reverse();
    let head = ledger.head().await?;
    let verified = governance::verifications(&loaded.context, 1).await?.pop();
    let next = events.last().map(|e| e.sequence).filter(|_| older);
    let filtered = asked.page(None) != "/ledger";
    Ok(page(
        loaded,
        "/ledger",
        "Ledger",
        html! {
            h1 { "Ledger" }
            p.lede { "What was done, by whom and when. Nothing is ever changed; every event carries the hash of the one before. " a href="/plan" { "What differs from what is in force?" } }
            (verification(head.as_ref(), verified.as_ref(), input, problem))
            h2 { "Events" }
            (controls(asked))
            div.card {
                @if events.is_empty() { p.soft { (if filtered || !asked.before.is_empty() { "No event fits." } else { "Nothing has happened yet: `steward apply` records the first event." }) } }
                @else { div.scroll tabindex="0" role="region" aria-label="Events" { table.stack {
                    thead { tr { th.num scope="col" { "Event" } th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "About" } th scope="col" { "Who" } th scope="col" { "Hash" } } }
                    tbody { @for e in &events { tr {
                        th.num scope="row" { a href={ "/ledger/" (e.sequence) } { "#" (e.sequence) } }
                        td.nowrap data-l="When" { time { (format::minute(e.at_us)) } }
                        td data-l="What" { a href=(Asked { kind: e.kind.clone(), ..Asked::default() }.page(None)) { (e.kind) }
                            @if erased(e) { " " (badge("warn", "erased")) } }
                        td data-l="About" { (parts::subject(loaded, &e.subject)) }
                        td data-l="Who" { a href=(Asked { actor: e.actor.clone(), ..Asked::default() }.page(None)) { (e.actor) } }
                        td data-l="Hash" { code title=(e.hash) { (parts::short(&e.hash)) } }
                    } } }
                } } }
            }
            nav.pages aria-label="Pages" {
                @if !asked.before.trim().is_empty() { a href=(asked.page(None)) { "Newest" } }
                @if let Some(next) = next { a href=(asked.page(Some(next))) rel="next" { "Older" } }
            }
        },
    ))
}

fn controls(asked: &Asked) -> Markup {
    html! { form.asof method="get" action="/ledger" {
        span.field { label for="kind" { "Kind" } input #kind name="kind" list="kinds" value=(asked.kind) placeholder="decision."; }
        datalist #kinds { @for kind in ["decision.made", "waiver.granted", "definitions.applied", "ledger.verified", "private.erased"] { option value=(kind) {} } }
        span.field { label for="subject" { "About" } input #subject name="subject" value=(asked.subject) placeholder="experiment/name"; }
        span.field { label for="actor" { "Who" } input #actor name="actor" value=(asked.actor); }
        span.field { label for="from" { "From" } input #from type="date" name="from" value=(asked.from); }
        span.field { label for="until" { "Until" } input #until type="date" name="until" value=(asked.until); }
        button.plain type="submit" { "Show" }
        @if asked.page(None) != "/ledger" { a href="/ledger" { "Everything" } }
    } }
}

fn verification(
    head: Option<&(u64, String)>,
    last: Option<&governance::VerifiedLedger>,
    input: &Verify,
    problem: Option<&str>,
) -> Markup {
    html! { section.card #verification aria-label="Verification" {
        @if let Some(problem) = problem { p.bad-ink role="alert" { (problem) } }
        dl.facts {
            dt { "Head" } dd { @match head { Some((sequence, hash)) => { "event " a href={ "/ledger/" (sequence) } { "#" (sequence) } " " code { (hash) } }, None => span.soft { "no event yet" } } }
            dt { "Last verified" } dd { @match last {
                Some(v) => {
                    (badge("good", "holds")) " by " (v.actor) ", " time { (format::minute(v.at_us)) } ": "
                    (format::grouped(v.events as i64)) " events, " (format::grouped(v.erased as i64)) " erased, head " code title=(v.head) { (parts::short(&v.head)) }
                    " (" a href={ "/ledger/" (v.sequence) } { "#" (v.sequence) } ")"
                },
                None => span.soft { "never from here" },
            } }
        }
        details open[problem.is_some()] {
            summary { "Verify now" }
            form.asof method="post" action="/ledger/verify" {
                span.field { label for="verifier" { "Verified by (handle)" } input #verifier name="actor" required value=(input.actor); }
                span.field { label for="head" { "A head saved before (optional)" } input #head name="head" value=(input.head) autocomplete="off"; }
                button type="submit" { "Verify" }
            }
            p.note { "Reads every event, commitment and cited evidence, and records the result. A head that you saved elsewhere also shows that nothing was cut off." }
        }
    } }
}
