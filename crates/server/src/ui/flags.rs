//! `/flags`, `/k/flag`, `/k/segment`, `/k/layer`, `/k/holdout`: who gets what, and why.

use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use steward_definitions::{Flag, FlagRule, Kind, Reference, Serve};

use super::entities::answer;
use super::layout::{badge, page};
use super::parts::{self, AsOf};
use crate::State;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// All flags with the state of their rollout; stale ones are marked.
pub async fn list(Shared(state): Shared<State>) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let project = &loaded.context.project;
    let today = format::day(loaded.context.now_us);
    let others = [
        (Kind::Segment, "Segments", "named groups of units"),
        (Kind::Layer, "Layers", "slices exclude each other"),
        (Kind::Holdout, "Holdouts", "units held back"),
    ];
    Ok(page(
        &loaded,
        "/flags",
        "Flags",
        html! {
            h1 { "Flags" }
            p.lede { "Who gets what at run time. Applications ask through OpenFeature or a GrowthBook SDK." }
            @if project.flags.is_empty() { div.card { p { "No flags are defined. They are files in " code { "flags/" } "." } } }
            @else { div.card { div.scroll tabindex="0" role="region" aria-label="Flags" { table {
                thead { tr { th scope="col" { "Flag" } th scope="col" { "State" } th scope="col" { "Default" } th.num scope="col" { "Rules" } th scope="col" { "Stale after" } th scope="col" { "Owner" } } }
                tbody { @for flag in project.flags.values() { tr {
                    th scope="row" { (parts::link(&loaded, Kind::Flag, &flag.meta.name)) }
                    td { (standing(flag)) " " (staleness(flag, &today)) }
                    td { code { (flag.default) } }
                    td.num { (flag.rules.len()) }
                    td { (flag.stale_after.as_deref().unwrap_or("not stated")) }
                    td { (flag.meta.owner) }
                } } }
            } } } }
            @for (kind, title, what) in others {
                @let names = project.names(kind);
                @if !names.is_empty() { div.card { h2 { (title) } p.soft { (what) } (parts::links(&loaded, kind, &names, "none")) } }
            }
        },
    )
    .into_response())
}

/// Whether it is on, and for how many.
fn standing(flag: &Flag) -> Markup {
    if !flag.enabled {
        badge("bad", "switched off")
    } else if flag.rules.is_empty() {
        badge("", "default for all")
    } else if flag.rules.iter().any(|r| matches!(&r.serve, Serve::Split(_))) {
        badge("good", "testing")
    } else {
        badge("good", "targeted")
    }
}

/// Past its day, or the same for everyone.
fn staleness(flag: &Flag, today: &str) -> Markup {
    if flag.stale_after.as_deref().is_some_and(|day| day < today) {
        return badge("warn", "stale");
    }
    html! {}
}

/// A flag.
pub async fn flag(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Flag, &segment);
    let Some(flag) = loaded.context.project.flags.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Flag, &name).into());
    };
    let today = format::day(loaded.context.now_us);
    let facts = vec![
        ("State", html! { (standing(flag)) " " (staleness(flag, &today)) }),
        ("Default", html! { code { (flag.default) } }),
        (
            "Variants",
            html! { @if flag.variants.is_empty() { "none named" } @else { ul { @for v in &flag.variants { li { (v.name) ": " code { (v.value) } } } } } },
        ),
        (
            "Prerequisites",
            html! { @if flag.prerequisites.is_empty() { "none" } @else { ul { @for p in &flag.prerequisites { li { (parts::link(&loaded, Kind::Flag, &p.flag)) " " code { (p.condition) } } } } } },
        ),
        (
            "Stale after",
            html! { (flag.stale_after.as_deref().unwrap_or("not stated")) },
        ),
    ];
    let evidence = rules(&loaded, flag);
    answer(&loaded, Kind::Flag, &flag.meta, form, &asked, flag, facts, evidence).await
}

fn rules(loaded: &Loaded, flag: &Flag) -> Markup {
    html! {
        h3 { "Rules" }
        ol {
            @for forced in &flag.forced { li { "forced for " (forced.attribute) " " (forced.units.join(", ")) ": " code { (forced.value) } } }
            @for rule in &flag.rules { li { strong { (rule.name) } ": " (served(loaded, rule)) (targeted(loaded, rule)) } }
            li { "everyone else: " code { (flag.default) } }
        }
    }
}

fn served(loaded: &Loaded, rule: &FlagRule) -> Markup {
    html! {
        @match &rule.serve {
            Serve::Value { value, range, ramp } => {
                code { (value) }
                @if let Some(share) = rule.coverage { " for " (format::percent(share)) " by " (rule.by) }
                @if let Some([low, high]) = range { " for the slice " (low) " to " (high) " by " (rule.by) }
                @if let Some(ramp) = ramp { " growing " @for (at, step) in ramp.steps.iter().enumerate() { @if at > 0 { ", " } (format::percent(step.coverage)) " from " (step.at) } }
            }
            Serve::Split(split) => {
                "split by " (rule.by) " "
                @for (at, arm) in split.arms.iter().enumerate() { @if at > 0 { ", " } (arm.name) " " (format::percent(arm.weight)) " " code { (arm.value) } }
                @if let Some(experiment) = &split.experiment { " for " (parts::link(loaded, Kind::Experiment, experiment)) }
            }
        }
    }
}

fn targeted(loaded: &Loaded, rule: &FlagRule) -> Markup {
    html! {
        @if let Some(when) = &rule.when { " when " code { (when) } }
        @if !rule.segments.is_empty() { " in " (parts::links(loaded, Kind::Segment, &rule.segments, "")) }
        @if !rule.not_segments.is_empty() { " not in " (parts::links(loaded, Kind::Segment, &rule.not_segments, "")) }
        @if let Some(slice) = &rule.layer { " in " (parts::link(loaded, Kind::Layer, &slice.layer)) " from " (slice.range[0]) " to " (slice.range[1]) }
        @if let Some(from) = &rule.from { " from " (from) }
        @if let Some(until) = &rule.until { " until " (until) }
    }
}

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
