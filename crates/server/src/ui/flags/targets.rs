//! `/k/segment`, `/k/layer`, `/k/holdout`: who flags are for.

use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use steward_definitions::{Kind, Reference};

use super::super::entities::answer;
use super::super::parts::{self, AsOf};
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// What uses a definition.
fn used(loaded: &Loaded, kind: Kind, name: &str) -> Markup {
    let users = loaded.context.project.dependents(&Reference::new(kind, name));
    html! {
        dl.facts { dt { "Used by" } dd { @if users.is_empty() { "nothing" } @else { ul { @for u in &users { li { (u.kind.noun()) " " (parts::link(loaded, u.kind, &u.name)) } } } } } }
    }
}

/// A segment.
pub async fn segment(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Segment, &segment);
    let Some(s) = loaded.context.project.segments.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Segment, &name).into());
    };
    let facts = vec![(
        "Members",
        html! { @match (&s.when, &s.attribute) { (Some(when), _) => code { (when) }, (None, Some(a)) => { (a) " in " code { (s.values) } }, (None, None) => "nobody" } },
    )];
    let evidence = used(&loaded, Kind::Segment, &name);
    answer(&loaded, Kind::Segment, &s.meta, form, &asked, s, facts, evidence).await
}

/// A layer.
pub async fn layer(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Layer, &segment);
    let Some(l) = loaded.context.project.layers.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Layer, &name).into());
    };
    let facts = vec![("Hashed by", html! { (l.by) }), ("Seed", html! { code { (l.seed) } })];
    let evidence = used(&loaded, Kind::Layer, &name);
    answer(&loaded, Kind::Layer, &l.meta, form, &asked, l, facts, evidence).await
}

/// A holdout.
pub async fn holdout(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Holdout, &segment);
    let Some(h) = loaded.context.project.holdouts.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Holdout, &name).into());
    };
    let facts = vec![
        ("Share", html! { (format::percent(h.share)) " by " (h.by) }),
        (
            "Held back from",
            parts::links(&loaded, Kind::Flag, &h.flags, "all flags"),
        ),
        ("From", html! { (h.from.as_deref().unwrap_or("ever")) }),
        ("Until", html! { (h.until.as_deref().unwrap_or("further notice")) }),
    ];
    let evidence = used(&loaded, Kind::Holdout, &name);
    answer(&loaded, Kind::Holdout, &h.meta, form, &asked, h, facts, evidence).await
}
