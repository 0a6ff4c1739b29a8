//! `/programme`: the library of experiments, and what all of them taught. All state in the address.

use axum::extract::{Query, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::CapabilityError;
use steward_capabilities::experiments::{self, Answer};
use steward_capabilities::programme::{self, Effect, Entry, LibraryFilter, MetricLearning, Programme};
use steward_definitions::Kind;

use super::experiments::{outcome, status, tone};
use super::layout::{badge, page as frame};
use super::parts;
use crate::State;
use crate::charts::{self, IntervalScale};
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// `?search=&metric=&owner=&outcome=` filter the library; `?of=` chooses the metric that is summed.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct Asked {
    search: String,
    metric: String,
    owner: String,
    outcome: String,
    of: String,
}

impl Asked {
    fn filter(&self) -> LibraryFilter {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
        LibraryFilter {
            search: given(&self.search),
            metric: given(&self.metric),
            owner: given(&self.owner),
            outcome: given(&self.outcome),
        }
    }

    fn query(&self) -> String {
        parts::query(&[
            ("search", &self.search),
            ("metric", &self.metric),
            ("owner", &self.owner),
            ("outcome", &self.outcome),
            ("of", &self.of),
        ])
    }
}

async fn read(loaded: &Loaded, asked: &Asked) -> Result<(Vec<Entry>, Programme), CapabilityError> {
    let context = &loaded.context;
    let entries = programme::library(context, &asked.filter()).await?;
    Ok((entries, programme::learn(context).await?.value))
}

/// As JSON: the document of `steward experiment library --json`.
pub async fn json(Shared(state): Shared<State>, Query(asked): Query<Asked>) -> Result<Response, ErrorPage> {
    let (experiments, programme) = read(&state.loaded().await, &asked).await?;
    Ok(parts::json(
        &serde_json::json!({ "experiments": experiments, "programme": programme }),
    )?)
}

/// The library as CSV.
pub async fn csv(Shared(state): Shared<State>, Query(asked): Query<Asked>) -> Result<Response, ErrorPage> {
    let (entries, programme) = read(&state.loaded().await, &asked).await?;
    let mut out = format::csv_line([
        "experiment",
        "owner",
        "status",
        "outcome",
        "metric",
        "variant",
        "relative",
        "low",
        "high",
        "shrunk",
        "detectable_relative",
        "units",
        "decided",
        "by",
        "evidence",
    ]);
    for e in &entries {
        let lift = e.relative.as_ref().and_then(Answer::estimate);
        let shown = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
        let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        out.push_str(&format::csv_line([
            e.experiment.clone(),
            e.owner.clone(),
            word(serde_json::json!(e.status)),
            word(serde_json::json!(e.outcome)),
            e.metric.clone().unwrap_or_default(),
            e.variant.clone().unwrap_or_default(),
            shown(lift.map(|e| e.point)),
            shown(lift.map(|e| e.low)),
            shown(lift.map(|e| e.high)),
            shown(shrunk(&programme, e)),
            shown(e.detectable_relative),
            e.units.to_string(),
            e.decided.as_ref().map_or(String::new(), |d| d.choice.word().into()),
            e.decided.as_ref().map_or(String::new(), |d| d.by.clone()),
            e.evidence.clone().unwrap_or_default(),
        ]));
    }
    Ok(parts::csv(out))
}

/// An entry's lift after shrinkage, in the metric's own sign.
fn shrunk(programme: &Programme, e: &Entry) -> Option<f64> {
    let metric = programme
        .metrics
        .iter()
        .find(|m| Some(&m.metric) == e.metric.as_ref())?;
    let effect = metric.effects.iter().find(|x| x.experiment == e.experiment)?;
    let sign = if metric.direction == "decrease" { -1.0 } else { 1.0 };
    effect.shrunk.as_ref().map(|s| sign * s.point)
}

/// For people.
pub async fn page(Shared(state): Shared<State>, Query(asked): Query<Asked>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let (entries, programme) = read(&loaded, &asked).await?;
    let chosen = programme.metrics.iter().find(|m| m.metric == asked.of.trim());
    let chosen = chosen
        .or_else(|| programme.metrics.iter().find(|m| m.cumulative.is_some()))
        .or(programme.metrics.first());
    let twin = |suffix: &str| format!("/programme.{suffix}{}", asked.query());
    Ok(frame(
        &loaded,
        "/experiments",
        "Programme",
        html! {
            div.crumbs { a href="/experiments" { "Experiments" } " / programme" }
            h1 { "What have our experiments taught?" }
            p.note { "Also as " a href=(twin("json")) { "JSON" } " and " a href=(twin("csv")) { "CSV" } }
            p.lede { (programme.summary) " " (parts::why(&programme.evidence)) }
            (rates(&programme))
            @if let Some(m) = chosen {
                h2 #sum { (label(&loaded, &m.metric)) }
                @if programme.metrics.len() > 1 { ul.choices aria-label="Metric" { @for other in &programme.metrics { li {
                    @let mut to = asked.clone();
                    @let () = to.of = other.metric.clone();
                    a href={ "/programme" (to.query()) "#sum" } aria-current=[(other.metric == m.metric).then_some("true")] { (label(&loaded, &other.metric)) }
                } } } }
                (impact(&loaded, m))
                (forest(&loaded, m))
            } @else {
                div.card { p.soft { "Nothing is summed yet: no metric was measured by two experiments that ended and can be trusted." } }
            }
            (learnt(&loaded, &programme))
            (library(&loaded, &asked, &entries, &programme))
        },
    ))
}

fn label(loaded: &Loaded, metric: &str) -> String {
    let found = loaded.context.project.metrics.get(metric);
    found
        .and_then(|m| m.meta.label.clone())
        .unwrap_or_else(|| metric.to_string())
}

fn rates(p: &Programme) -> Markup {
    let share = |a: &Answer| match a {
        Answer::Estimate(e) => {
            html! { (format::percent(e.point)) " " span.soft { "(" (format::percent(e.low)) " to " (format::percent(e.high)) ")" } }
        }
        Answer::Refused { .. } => html! { span.soft { "none has ended" } },
    };
    html! { div.card { dl.facts {
        dt { "Ended" } dd { (p.ended) }
        dt { "Won" } dd { (share(&p.win_rate)) }
        dt { "Broken splits" } dd { (share(&p.broken_splits)) }
        dt { "Harmed a guardrail" } dd { (share(&p.guardrails_harmed)) }
        dt { "Half could find" } dd { @match p.median_detectable { Some(d) => { "lifts of " (format::percent(d)) " with 80% power" }, None => span.soft { "unknown" } } }
    } } }
}

/// The two sums as they grew.
fn impact(loaded: &Loaded, m: &MetricLearning) -> Markup {
    let at = |end: &Option<String>| {
        let zone = experiments::zone(&loaded.context.project.settings).ok()?;
        experiments::moment(end.as_deref()?, &zone).ok()
    };
    let point = |at_us: i64, value: f64, band| charts::Point { at_us, value, band };
    let naive = m.path.iter().filter_map(|c| Some(point(at(&c.end)?, c.naive, None)));
    let after = m
        .path
        .iter()
        .filter_map(|c| Some(point(at(&c.end)?, c.shrunk.point, Some((c.shrunk.low, c.shrunk.high)))));
    let series = |name: &str, points: Vec<charts::Point>, dashed| charts::Series {
        name: name.into(),
        points,
        dashed,
    };
    let caption = format!(
        "{}: sum of the {}, as estimated and after shrinkage",
        label(loaded, &m.metric),
        m.counted
    );
    let chart = charts::Line {
        title: caption.clone(),
        series: vec![
            series("after shrinkage", after.collect(), false),
            series("as estimated", naive.collect(), true),
        ],
        from_zero: true,
        ..charts::Line::default()
    };
    let rows: Vec<Vec<String>> = m
        .path
        .iter()
        .map(|c| {
            vec![
                c.experiment.clone(),
                c.end.clone().unwrap_or("open".into()),
                format::change(c.naive),
                parts::answer_text(&Answer::Estimate(c.shrunk.clone()), &format::change),
            ]
        })
        .collect();
    html! { div.card {
        @if m.path.is_empty() {
            @match &m.not_estimable { Some(e) => p.soft { (e.to_string()) }, None => p.soft { "No experiment is counted: none was shipped, and none is significantly better." } }
        } @else {
            (charts::figure(&caption, charts::line(&chart, &format::change), &["Experiment".into(), "Ended".into(), "As estimated".into(), "After shrinkage".into()], &rows))
        }
        dl.facts {
            @if let Some(mean) = &m.mean { dt { "Mean effect" } dd { (format::change(mean.effect.point)) " " span.soft { (format::change(mean.effect.low)) " to " (format::change(mean.effect.high)) } } }
            @if let Some(x) = m.overstatement { dt { "Overstated" } dd { "by a factor of " (format::number(x)) } }
            @if let Some(x) = m.mean_power { dt { "Power reached" } dd { (format::percent(x)) " on effects of their own kind" } }
            @if let Some(x) = m.false_winners { dt { "False winners" } dd { (format::percent(x)) " of the significantly better" } }
            @for h in &m.holdouts { dt { "Holdout " (h.experiment) } dd { (format::change(h.point)) " " span.soft { (format::change(h.low)) " to " (format::change(h.high)) ": the sum itself, measured" } } }
        }
    } }
}

/// Every effect as it was estimated and after shrinkage.
fn forest(loaded: &Loaded, m: &MetricLearning) -> Markup {
    if m.effects.is_empty() {
        return html! {};
    }
    let shrunk = m
        .effects
        .iter()
        .filter_map(|e| e.shrunk.as_ref().map(|s| (s.low, s.high)));
    let scale = IntervalScale::over(m.effects.iter().map(|e| (e.low, e.high)).chain(shrunk));
    let mut all: Vec<&Effect> = m.effects.iter().collect();
    all.sort_by(|a, b| b.point.total_cmp(&a.point));
    html! { div.card {
        div.scroll tabindex="0" role="region" aria-label={ "Effects on " (m.metric) } { table.stack {
            thead { tr { th scope="col" { "Experiment" } th.num scope="col" { "As estimated" } th.forest scope="col" { "Interval" } th.num scope="col" { "After shrinkage" } th.forest scope="col" { "Shrunk interval" } th.num scope="col" { "Better with" } } }
            tbody { @for e in all { tr {
                th scope="row" { (parts::link(loaded, Kind::Experiment, &e.experiment)) @if e.counted { " " (badge("good", if m.counted == "shipped" { "shipped" } else { "winner" })) } }
                td.num data-l="As estimated" { (format::change(e.point)) br; span.soft { (format::change(e.low)) " to " (format::change(e.high)) } }
                td.forest { (charts::interval(scale, e.point, e.low, e.high, "quiet", &format!("{} estimated {}", e.experiment, format::change(e.point)))) }
                @match &e.shrunk {
                    Some(s) => {
                        td.num data-l="After shrinkage" { (format::change(s.point)) br; span.soft { (format::change(s.low)) " to " (format::change(s.high)) } }
                        td.forest { (charts::interval(scale, s.point, s.low, s.high, if s.low > 0.0 { "good" } else if s.high < 0.0 { "bad" } else { "quiet" }, &format!("{} shrunk {}", e.experiment, format::change(s.point)))) }
                        td.num data-l="Better with" { (format::probability(s.positive)) }
                    },
                    None => { td.num data-l="After shrinkage" { span.soft { "too few to shrink" } } td.forest {} td.num data-l="Better with" { span.soft { "unknown" } } }
                }
            } } }
        } }
        p.note { "Relative effects; to the right is better, whatever the metric's direction. Shrinkage pulls each towards the mean as far as its noise says." }
        @if !m.left_out.is_empty() { p.note { "Left out: " @for (i, l) in m.left_out.iter().enumerate() { @if i > 0 { "; " } (l.experiment) " (" (l.why) ")" } "." } }
    } }
}

/// By metric, in a table.
fn learnt(loaded: &Loaded, p: &Programme) -> Markup {
    if p.metrics.is_empty() {
        return html! {};
    }
    let range = |e: &steward_stats::Estimate| html! { (format::change(e.point)) br; span.soft { (format::change(e.low)) " to " (format::change(e.high)) } };
    html! {
        h2 #learnt { "By metric" }
        div.card { div.scroll tabindex="0" role="region" aria-label="By metric" { table.stack {
            thead { tr { th scope="col" { "Metric" } th.num scope="col" { "Experiments" } th.num scope="col" { "Mean effect" } th.num scope="col" { "Counted" } th.num scope="col" { "Sum as estimated" } th.num scope="col" { "Sum after shrinkage" } th.num scope="col" { "Power reached" } } }
            tbody { @for m in &p.metrics { tr {
                th scope="row" { (parts::link(loaded, Kind::Metric, &m.metric)) }
                td.num data-l="Experiments" { (m.effects.len()) }
                td.num data-l="Mean effect" { @match &m.mean { Some(mean) => (range(&mean.effect)), None => span.soft { "too few" } } }
                td.num data-l="Counted" { (m.effects.iter().filter(|e| e.counted).count()) " " (m.counted) }
                td.num data-l="Sum as estimated" { @match m.naive { Some(x) => (format::change(x)), None => span.soft { "none" } } }
                td.num data-l="Sum after shrinkage" { @match &m.cumulative { Some(e) => (range(e)), None => span.soft { "none" } } }
                td.num data-l="Power reached" { @match m.mean_power { Some(x) => (format::percent(x)), None => span.soft { "unknown" } } }
            } } }
        } } }
    }
}

/// The library, searchable.
fn library(loaded: &Loaded, asked: &Asked, entries: &[Entry], p: &Programme) -> Markup {
    let lifts = entries.iter().filter_map(|e| e.relative.as_ref()?.estimate());
    let scale = IntervalScale::over(lifts.map(|e| (e.low, e.high)));
    html! {
        h2 #library { "Library" }
        form.asof method="get" action="/programme#library" {
            label for="find" { "Words" } input #find name="search" value=(asked.search) autocomplete="off";
            label for="metric" { "Metric" } input #metric name="metric" value=(asked.metric) autocomplete="off";
            label for="owner" { "Owner" } input #owner name="owner" value=(asked.owner) autocomplete="off";
            label for="outcome" { "Outcome" } select #outcome name="outcome" { @for word in ["", "better", "worse", "mixed", "guardrail_harmed", "no_difference", "do_not_trust", "not_started", "no_data", "not_estimable"] { option value=(word) selected[asked.outcome == word] { @if word.is_empty() { "any" } @else { (word.replace('_', " ")) } } } }
            @if !asked.of.is_empty() { input type="hidden" name="of" value=(asked.of); }
            button.plain type="submit" { "Find" }
        }
        @if entries.is_empty() { p.soft { "No experiment fits. " a href="/programme#library" { "All of them" } } }
        @else { div.card { div.scroll tabindex="0" role="region" aria-label="Library" { table.stack {
            thead { tr { th scope="col" { "Experiment" } th scope="col" { "Outcome" } th scope="col" { "Metric" } th.num scope="col" { "Lift" } th.forest scope="col" { "Interval" } th.num scope="col" { "Shrunk" } th.num scope="col" { "Could find" } th scope="col" { "Decided" } } }
            tbody { @for e in entries {
                @let lift = e.relative.as_ref().and_then(Answer::estimate);
                @let word = e.outcome.map(outcome);
                tr {
                    th scope="row" { (parts::link(loaded, Kind::Experiment, &e.experiment)) br; span.soft { (e.status.map_or("unknown", status)) ", " (e.owner) } }
                    td data-l="Outcome" { @match word { Some((tone, word)) => (badge(tone, word)), None => (badge("bad", "failed")) } " " (parts::why(e.evidence.as_deref().unwrap_or_default())) }
                    td data-l="Metric" { @match &e.metric { Some(m) => (parts::link(loaded, Kind::Metric, m)), None => span.soft { "none read" } } }
                    td.num data-l="Lift" { @match lift { Some(e) => { (format::change(e.point)) br; span.soft { (format::change(e.low)) " to " (format::change(e.high)) } }, None => span.soft { "not estimable" } } }
                    td.forest { @if let (Some(x), Some(a)) = (lift, &e.relative) {
                        @let significant = x.low > 0.0 || x.high < 0.0;
                        (charts::interval(scale, x.point, x.low, x.high, tone(a, significant, e.direction.as_deref().unwrap_or("increase")), &parts::answer_text(a, &format::change)))
                    } }
                    td.num data-l="Shrunk" { @match shrunk(p, e) { Some(x) => (format::change(x)), None => span.soft { "alone" } } }
                    td.num data-l="Could find" { @match e.detectable_relative { Some(d) => (format::percent(d)), None => span.soft { "unknown" } } }
                    td data-l="Decided" { @match &e.decided { Some(d) => { a href={ "/ledger/" (d.sequence) } { (d.choice.word().replace('_', " ")) } " " span.soft { (d.by) } }, None => span.soft { "not yet" } } }
                }
                @if let Some(text) = e.hypothesis.as_deref().or(e.problem.as_deref()) { tr.under { td colspan="8" { (text) } } }
            } }
        } } } }
    }
}
