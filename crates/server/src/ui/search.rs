//! `/search` and `/search.json`: everything that can be gone to.

use axum::Json;
use axum::extract::{Query, State as Shared};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::layout::{SECTIONS, page};
use super::parts;
use crate::State;
use crate::state::Loaded;

/// Something to go to.
#[derive(Serialize)]
pub struct Entry {
    kind: String,
    name: String,
    label: String,
    href: String,
}

/// `?q=`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    q: String,
}

fn entries(loaded: &Loaded) -> Vec<Entry> {
    let project = &loaded.context.project;
    let sections = SECTIONS.iter().map(|(href, name)| Entry {
        kind: "page".into(),
        name: (*name).into(),
        label: (*name).into(),
        href: (*href).into(),
    });
    let definitions = project.definitions().into_iter().map(|r| Entry {
        kind: r.kind.noun().into(),
        label: project
            .meta(&r)
            .and_then(|m| m.label.clone())
            .unwrap_or_else(|| r.name.clone()),
        href: parts::address(r.kind, &r.name),
        name: r.name,
    });
    sections.chain(definitions).collect()
}

/// For the palette.
pub async fn json(Shared(state): Shared<State>) -> Json<Vec<Entry>> {
    Json(entries(&state.loaded().await))
}

/// For people.
pub async fn show(Shared(state): Shared<State>, Query(asked): Query<Asked>) -> Markup {
    let loaded = state.loaded().await;
    let words: Vec<String> = asked.q.to_lowercase().split_whitespace().map(str::to_string).collect();
    let mut found = entries(&loaded);
    found.retain(|e| {
        let text = format!("{} {} {}", e.kind, e.name, e.label).to_lowercase();
        words.iter().all(|w| text.contains(w))
    });
    page(
        &loaded,
        "/search",
        "Search",
        html! {
            h1 { "Search" }
            form.asof method="get" action="/search" { label for="again" { "Name, title or kind" } input #again name="q" value=(asked.q) autocomplete="off"; button.plain type="submit" { "Find" } }
            p.lede { (found.len()) " found" @if !asked.q.is_empty() { " for “" (asked.q) "”" } }
            @if !found.is_empty() { div.card { ul.plain { @for e in &found { li { a href=(e.href) { (e.label) } " " span.soft { (e.kind) } } } } } }
        },
    )
}
