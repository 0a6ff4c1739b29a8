//! Pieces that several pages share.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, PreEscaped, html};
use serde::Serialize;
use steward_capabilities::experiments::Answer;
use steward_capabilities::governance::Decision;
use steward_capabilities::portfolio::KeyResultState;
use steward_capabilities::{CapabilityError, experiments};
use steward_definitions::{Kind, Meta, Reference};

use super::layout::badge;
use crate::format;
use crate::state::Loaded;

/// In which form an entity is asked for: by the suffix of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Page,
    /// `.json`.
    Json,
    /// `.csv`.
    Csv,
}

/// Splits the last segment of an address into name and form. A definition whose own name ends in `.json` or `.csv`
/// is found under it.
pub fn form(loaded: &Loaded, kind: Kind, segment: &str) -> (String, Form) {
    if loaded.context.project.contains(&Reference::new(kind, segment)) {
        return (segment.to_string(), Form::Page);
    }
    if let Some(name) = segment.strip_suffix(".json") {
        return (name.to_string(), Form::Json);
    }
    if let Some(name) = segment.strip_suffix(".csv") {
        return (name.to_string(), Form::Csv);
    }
    (segment.to_string(), Form::Page)
}

/// A JSON answer.
pub fn json(value: &impl Serialize) -> Result<Response, CapabilityError> {
    let value = serde_json::to_value(value).map_err(|e| CapabilityError::Invalid(format!("not JSON: {e}")))?;
    Ok(Json(value).into_response())
}

/// The twin of a page whose numbers cannot be had: what is defined, and why there is none.
pub fn problem(form: Form, defined: &impl Serialize, error: &CapabilityError) -> Result<Response, CapabilityError> {
    let message = error.to_string();
    match form {
        Form::Csv => Ok(csv(format!("problem\n{}", format::csv_line([message])))),
        _ => json(&serde_json::json!({ "definition": defined, "problem": message })),
    }
}

/// A CSV answer.
pub fn csv(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response()
}

/// `?as_of=2025-06-01` as a moment: the first of that day in the project's time zone. An empty field is now, and so is
/// a moment that has not come yet: nobody can say how things stood then.
pub fn as_of(loaded: &Loaded, text: Option<&str>) -> Result<Option<i64>, CapabilityError> {
    match text.map(str::trim).filter(|t| !t.is_empty()) {
        None => Ok(None),
        Some(text) => {
            let zone = experiments::zone(&loaded.context.project.settings)?;
            Ok(Some(experiments::moment(text, &zone)?).filter(|at| *at < loaded.context.now_us))
        }
    }
}

/// The page's state where it has no other: `?as_of=`.
#[derive(serde::Deserialize, Default)]
pub struct AsOf {
    /// A day or moment, as typed.
    pub as_of: Option<String>,
}

impl AsOf {
    /// As typed; `None` if nothing was.
    pub fn text(&self) -> Option<&str> {
        self.as_of.as_deref().map(str::trim).filter(|t| !t.is_empty())
    }

    /// As it stands in the address.
    pub fn query(&self) -> String {
        query(&[("as_of", self.text().unwrap_or_default())])
    }
}

/// The form that asks for a page as of a day.
pub fn as_of_form(value: Option<&str>) -> Markup {
    html! {
        form.asof method="get" {
            label for="as_of" { "As of" }
            input #as_of type="date" name="as_of" value=[value];
            button.plain type="submit" { "Show" }
            @if value.is_some_and(|v| !v.trim().is_empty()) { " " a href="?" { "Back to now" } }
        }
    }
}

/// The error for a name that a kind does not have, with the nearest one.
pub fn unknown(loaded: &Loaded, kind: Kind, name: &str) -> CapabilityError {
    CapabilityError::Unknown {
        kind: kind.noun().into(),
        name: name.into(),
        near: loaded.context.project.suggest(kind, name),
    }
}

/// The address of an entity.
pub fn address(kind: Kind, name: &str) -> String {
    format!("/k/{}/{}", kind.as_str(), encode(name))
}

/// Percent-encodes what may not stand in a segment or a query.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// A link to an entity under its title.
pub fn link(loaded: &Loaded, kind: Kind, name: &str) -> Markup {
    let reference = Reference::new(kind, name);
    match loaded.context.project.meta(&reference) {
        Some(meta) => html! { a href=(address(kind, name)) { (meta.label.as_deref().unwrap_or(name)) } },
        None => html! { (name) },
    }
}

/// Links to entities, or a word where there are none.
pub fn links<S: AsRef<str>>(loaded: &Loaded, kind: Kind, names: &[S], none: &str) -> Markup {
    html! {
        @if names.is_empty() { span.soft { (none) } }
        @for (i, name) in names.iter().enumerate() {
            @if i > 0 { ", " }
            (link(loaded, kind, name.as_ref()))
        }
    }
}

/// A link to `kind/name`, if that is a definition.
pub fn subject(loaded: &Loaded, text: &str) -> Markup {
    match text.parse::<Reference>() {
        Ok(reference) => link(loaded, reference.kind, &reference.name),
        Err(_) => html! { (text) },
    }
}

/// "why?" for numbers that evidence holds.
pub fn why(evidence: &str) -> Markup {
    html! { @if !evidence.is_empty() { a.why href={ "/why/" (encode(evidence)) } { "why?" } } }
}

/// The part of an address behind the path: the fields that hold something.
pub fn query(fields: &[(&str, &str)]) -> String {
    let given: Vec<String> = fields
        .iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value.trim())))
        .collect();
    if given.is_empty() {
        String::new()
    } else {
        format!("?{}", given.join("&"))
    }
}

/// The heading of an entity's page: where it lies, its title, its forms, and at the side the page's tools. `query` is
/// the page's own state.
pub fn heading(section: (&str, &str), kind: Kind, meta: &Meta, query: &str, tools: Markup) -> Markup {
    let twin = |suffix: &str| format!("{}.{suffix}{query}", address(kind, &meta.name));
    html! {
        div.crumbs { a href=(section.0) { (section.1) } " / " (kind.noun()) " " code { (meta.name) } }
        div.pagehead {
            div {
                h1 { (meta.label.as_deref().unwrap_or(&meta.name)) }
                p.note { "Owner " (meta.owner) " · also as " a href=(twin("json")) { "JSON" } " and " a href=(twin("csv")) { "CSV" } }
            }
            (tools)
        }
    }
}

/// Whether the definition is in force: the folder against what was applied last, or by a moment.
pub async fn in_force(loaded: &Loaded, reference: &Reference, as_of: Option<i64>) -> Result<Markup, CapabilityError> {
    let applied = steward_capabilities::governance::applied(&loaded.context.ledger, as_of).await?;
    let Some(project) = applied else {
        return Ok(
            html! { (badge("warn", "not applied")) " nothing was " a href="/plan" { "applied" } " " (if as_of.is_some() { "by then" } else { "yet" }) },
        );
    };
    let here = loaded.context.project.meta(reference).map(|m| &m.digest);
    Ok(match project.meta(reference) {
        Some(meta) if Some(&meta.digest) == here => html! { "yes, as the folder says" },
        Some(meta) => {
            html! { (badge("warn", "differs")) " in force is " code title=(meta.digest) { (short(&meta.digest)) } ", the " a href="/plan" { "folder" } " says otherwise" }
        }
        None => html! { (badge("warn", "not applied")) " it is in the " a href="/plan" { "folder" } " only" },
    })
}

/// What every definition carries, and further facts.
pub fn definition(meta: &Meta, facts: &[(&str, Markup)]) -> Markup {
    html! {
        @if let Some(text) = &meta.description { (prose(text)) }
        dl.facts {
            @for (name, value) in facts { dt { (name) } dd { (value) } }
            @if !meta.span.file.is_empty() { dt { "Defined in" } dd { code { (meta.span.file) ":" (meta.span.line) } } }
            @if !meta.tags.is_empty() { dt { "Tags" } dd { (meta.tags.join(", ")) } }
            dt { "Digest" } dd { code title=(meta.digest) { (short(&meta.digest)) } }
        }
    }
}

/// The first twelve characters.
pub fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// Markdown as HTML; HTML within it is shown as text.
pub fn prose(markdown: &str) -> Markup {
    use pulldown_cmark::{Event, Options, Parser, html};
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(pulldown_cmark::Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) if !safe(&dest_url) => {
            let _ = dest_url;
            Event::Start(pulldown_cmark::Tag::Link {
                link_type,
                dest_url: "#".into(),
                title,
                id,
            })
        }
        Event::Start(pulldown_cmark::Tag::Heading { id, classes, attrs, .. }) => {
            Event::Start(pulldown_cmark::Tag::Heading {
                level: pulldown_cmark::HeadingLevel::H3,
                id,
                classes,
                attrs,
            })
        }
        Event::End(pulldown_cmark::TagEnd::Heading(_)) => {
            Event::End(pulldown_cmark::TagEnd::Heading(pulldown_cmark::HeadingLevel::H3))
        }
        other => other,
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    PreEscaped(out)
}

fn safe(url: &str) -> bool {
    let start = url.split(['/', '?', '#']).next().unwrap_or("");
    !start.contains(':')
        || ["http:", "https:", "mailto:"]
            .iter()
            .any(|s| start.eq_ignore_ascii_case(s))
}

/// Decisions, newest first.
pub fn decisions(decisions: &[Decision], none: &str) -> Markup {
    html! {
        @if decisions.is_empty() { p.soft { (none) } }
        @else { ul.plain { @for d in decisions { li { (decision(d)) } } } }
    }
}

/// One decision in words.
pub fn decision(d: &Decision) -> Markup {
    html! {
        strong { (d.choice.word().replace('_', " ")) @if let Some(v) = &d.variant { " " (v) } }
        " by " (d.actor) ", " time { (format::minute(d.at_us)) }
        br;
        @match &d.reason { Some(reason) => span { (reason) }, None => span.soft { "The reason was erased." } }
        @for c in &d.evidence { " " a.why href={ "/why/" (encode(&c.id)) } { "evidence " (short(&c.id)) } }
        @if let Some(waiver) = d.waiver { " " (badge("warn", &format!("waiver #{waiver}"))) }
        @if let Some(said) = d.overrides { " " (badge("warn", &format!("override: the rule said {}", said.word()))) }
    }
}

/// The badge of a key result's or objective's state.
pub fn state(state: KeyResultState) -> Markup {
    let tone = match state {
        KeyResultState::Hit | KeyResultState::OnTrack => "good",
        KeyResultState::AtRisk => "warn",
        KeyResultState::Missed | KeyResultState::OffTrack => "bad",
        KeyResultState::NotEstimable => "",
    };
    badge(tone, state.words())
}

/// A bar for a share, with its words.
pub fn progress(share: Option<f64>, tone: &str, words: &str) -> Markup {
    html! {
        @match share {
            Some(share) => {
                div { (format::percent(share)) " " span.soft { (words) } }
                div.bar-track { div class={ "bar-fill " (tone) } style={ "width:" (format!("{:.1}", share.clamp(0.0, 1.0) * 100.0)) "%" } {} }
            },
            None => span.soft { "not estimable " (words) },
        }
    }
}

/// An estimate with its interval printed by `show`, or the reason why there is none.
pub fn answer(answer: &Answer, show: &dyn Fn(f64) -> String) -> Markup {
    match answer {
        Answer::Estimate(e) => html! { (show(e.point)) br; span.soft { "[" (show(e.low)) ", " (show(e.high)) "]" } },
        Answer::Refused { not_estimable } => html! {
            span.soft { "not estimable: " (not_estimable.detail) "; " (not_estimable.fix) }
        },
    }
}

/// An estimate in a line of text.
pub fn answer_text(answer: &Answer, show: &dyn Fn(f64) -> String) -> String {
    match answer {
        Answer::Estimate(e) => format!("{} [{}, {}]", show(e.point), show(e.low), show(e.high)),
        Answer::Refused { not_estimable } => format!("not estimable: {}", not_estimable.detail),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn markdown_cannot_bring_script() {
        let html = prose(
            "# Hi\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) [y](/k/metric/a) <b onclick=x>b</b>\n",
        )
        .into_string();
        assert!(
            !html.contains("<script") && !html.contains("href=\"javascript:") && !html.contains("<b "),
            "{html}"
        );
        assert!(html.contains("<h3>") && html.contains("href=\"/k/metric/a\""), "{html}");
    }

    #[test]
    fn names_are_encoded_in_addresses() {
        assert_eq!(address(Kind::Metric, "a b/c"), "/k/metric/a%20b%2Fc");
    }
}
