//! `/k/experiment/{name}`: the verdict, then everything it rests on.

use axum::Form as Body;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::CapabilityError;
use steward_capabilities::experiments::{self, Answer, MetricReadout, Outcome, Readout, ReadoutOptions, Role};
use steward_capabilities::governance::{self, Choice, Decision, DecisionFilter, NewDecision};
use steward_definitions::{Experiment, Kind, Reference};

use super::experiments::tone;
use super::layout::{badge, nouns, page};
use super::lineage;
use super::parts::{self, AsOf, Form};
use crate::State;
use crate::charts::{self, IntervalScale};
use crate::error::ErrorPage;
use crate::format;
use crate::pack::values::difference;
use crate::state::Loaded;

/// What the form sends; kept on the page when a policy refuses it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Input {
    choice: String,
    variant: String,
    reason: String,
    actor: String,
    waiver: String,
}

/// The page, JSON or CSV.
pub async fn show(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Experiment, &segment);
    let as_of = parts::as_of(&loaded, asked.text())?;
    match form {
        Form::Page => Ok(render(&loaded, &name, as_of, &asked, &Input::default(), None)
            .await?
            .into_response()),
        Form::Json | Form::Csv => {
            let Some(definition) = loaded.context.project.experiments.get(&name) else {
                return Err(parts::unknown(&loaded, Kind::Experiment, &name).into());
            };
            let options = ReadoutOptions {
                as_of,
                ..ReadoutOptions::default()
            };
            match experiments::readout(&loaded.context, &name, &options).await {
                Ok(readout) if form == Form::Json => Ok(parts::json(&readout)?),
                Ok(readout) => Ok(parts::csv(csv(&readout))),
                Err(e) => Ok(parts::problem(form, definition, &e)?),
            }
        }
    }
}

/// Records a decision; a refusal shows the policy's reason beside what was typed.
pub async fn decide(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
    Body(input): Body<Input>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let given = |text: &str| Some(text.trim().to_string()).filter(|t| !t.is_empty());
    let refused = match Choice::parse(&input.choice) {
        None => CapabilityError::Invalid("choose ship, stop or extend".into()),
        Some(choice) => {
            let new = NewDecision {
                subject: format!("experiment/{name}"),
                choice,
                variant: given(&input.variant),
                reason: input.reason.clone(),
                actor: input.actor.trim().to_string(),
                evidence: Vec::new(),
                waiver: given(&input.waiver),
            };
            match governance::decide(&loaded.context, &new).await {
                Ok(_) => {
                    return Ok(
                        Redirect::to(&format!("{}#decision", parts::address(Kind::Experiment, &name))).into_response(),
                    );
                }
                Err(e @ (CapabilityError::Refused(_) | CapabilityError::Invalid(_))) => e,
                Err(e) => return Err(e.into()),
            }
        }
    };
    let body = render(
        &loaded,
        &name,
        None,
        &AsOf::default(),
        &input,
        Some(&refused.to_string()),
    )
    .await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, body).into_response())
}

async fn render(
    loaded: &Loaded,
    name: &str,
    as_of: Option<i64>,
    asked: &AsOf,
    input: &Input,
    refusal: Option<&str>,
) -> Result<Markup, CapabilityError> {
    let context = &loaded.context;
    let Some(definition) = context.project.experiments.get(name) else {
        return Err(parts::unknown(loaded, Kind::Experiment, name));
    };
    let filter = DecisionFilter {
        subject: Some(format!("experiment/{name}")),
        ..DecisionFilter::default()
    };
    let options = ReadoutOptions {
        as_of,
        ..ReadoutOptions::default()
    };
    let (readout, decisions) = tokio::join!(
        experiments::readout(context, name, &options),
        governance::decisions(context, &filter, as_of)
    );
    let decisions = decisions?;
    let reference = Reference::new(Kind::Experiment, name);
    let force = parts::in_force(loaded, &reference, as_of).await?;
    let lineage = lineage::section(loaded, &reference, as_of).await?;
    // An experiment whose data cannot be read still has a definition and decisions to show.
    let (evidence, rest) = match &readout {
        Ok(r) => (summary(r), details(loaded, r)),
        Err(e) => (html! { p { (badge("bad", "failed")) " " (e.to_string()) } }, html! {}),
    };
    Ok(page(
        loaded,
        "/experiments",
        definition.meta.label.as_deref().unwrap_or(name),
        html! {
            (parts::heading(("/experiments", "Experiments"), Kind::Experiment, &definition.meta, &asked.query(), parts::as_of_form(asked.text())))
            @if let Ok(r) = &readout {
                @let (tone, word) = super::experiments::outcome(r.outcome);
                div class={ "card verdict " (tone) } { (badge(tone, word)) " " (r.verdict) " " (parts::why(&r.provenance.evidence)) }
            }
            (nouns(facts(loaded, definition, force), evidence, html! {
                div #decision { (parts::decisions(&decisions, "No decision yet.")) p { a href="#decide" { "Decide" } } }
            }))
            (rest)
            h2 #decide { "Decide" }
            (decision_form(name, definition, readout.as_ref().is_ok_and(|r| r.outcome == Outcome::DoNotTrust), input, refusal, &decisions))
            (lineage)
        },
    ))
}

fn facts(loaded: &Loaded, e: &Experiment, force: Markup) -> Markup {
    let variants: Vec<String> = e
        .variants
        .iter()
        .map(|v| {
            format!(
                "{}{}",
                v.label.as_deref().unwrap_or(&v.name),
                if v.control { " (control)" } else { "" }
            )
        })
        .collect();
    let guardrails: Vec<&str> = e.guardrails.iter().map(|g| g.metric.as_str()).collect();
    parts::definition(
        &e.meta,
        &[
            (
                "Hypothesis",
                html! { (e.hypothesis.as_deref().unwrap_or("not stated")) },
            ),
            ("Variants", html! { (variants.join(", ")) }),
            ("Primary", parts::links(loaded, Kind::Metric, &e.primary, "none")),
            ("Secondary", parts::links(loaded, Kind::Metric, &e.secondary, "none")),
            ("Guardrails", parts::links(loaded, Kind::Metric, &guardrails, "none")),
            (
                "Period",
                html! { (e.start.as_deref().unwrap_or("open")) " to " (e.end.as_deref().unwrap_or("open")) },
            ),
            ("Exposures", parts::link(loaded, Kind::Dataset, &e.exposures.dataset)),
            (
                "Initiative",
                parts::links(loaded, Kind::Initiative, e.initiative.as_slice(), "none"),
            ),
            ("In force", force),
        ],
    )
}

fn summary(r: &Readout) -> Markup {
    let srm = match (r.health.srm.p, &r.health.srm.not_estimable) {
        (Some(p), _) => format!("p = {}", format::p_value(p)),
        (None, Some(n)) => n.to_string(),
        (None, None) => "not tested".to_string(),
    };
    html! {
        dl.facts {
            dt { "State" } dd { (super::experiments::status(r.status)) }
            dt { "Split" } dd { @if r.health.srm.broken { (badge("bad", "broken")) } @else { (badge(if r.health.srm.p.is_some() { "good" } else { "" }, if r.health.srm.p.is_some() { "as planned" } else { "untested" })) } " " (srm) }
            @for arm in &r.arms { dt { (arm.label.as_deref().unwrap_or(&arm.variant)) } dd { (format::grouped(arm.units as i64)) " units, " (format::grouped(arm.expected.round() as i64)) " planned" } }
            dt { "Days" } dd { (r.window.first_day.as_deref().unwrap_or("none")) " to " (r.window.last_day.as_deref().unwrap_or("none")) }
            dt { "Level" } dd { (r.alpha) ", " (r.correction) }
            dt { "Engine" } dd { (r.provenance.engine) }
        }
        @for p in &r.health.problems {
            p { (badge(if p.severity == "error" { "bad" } else { "warn" }, &p.code)) " " (p.message) }
        }
    }
}

fn details(loaded: &Loaded, r: &Readout) -> Markup {
    let currency = loaded.context.project.settings.currency.as_deref();
    let relative = |a: &Answer| a.estimate().map(|e| (e.low, e.high));
    let scale = IntervalScale::over(r.metrics.iter().filter_map(|m| relative(&m.relative)));
    let several = r.arms.len() > 2;
    let paths: Vec<&experiments::DailyPath> = r.daily.iter().filter(|p| p.points.len() > 1).collect();
    let (first, rest): (Vec<_>, Vec<_>) = paths
        .into_iter()
        .partition(|p| role(r, &p.metric) == Some(Role::Primary));
    html! {
        h2 #metrics { "Metrics" }
        @if r.metrics.is_empty() { p.soft { "No metric is read." } }
        @else { div.card { div.scroll tabindex="0" role="region" aria-label="Metrics" { table.stack {
            thead { tr { th scope="col" { "Metric" } @if several { th scope="col" { "Variant" } }
                th.num scope="col" { "Control" } th.num scope="col" { "Variant" } th.num scope="col" { "Difference" }
                th.num scope="col" { "Relative lift" } th.forest scope="col" { "Interval" } th.num scope="col" { "p" } } }
            tbody { @for m in &r.metrics { (metric_row(loaded, m, scale, currency, several)) } }
        } } p.note { "Intervals at " (format::percent(1.0 - r.alpha)) "; p of primary metrics adjusted by " (r.correction) ". " (parts::why(&r.provenance.evidence)) } } }
        @if !first.is_empty() { h2 { "Day by day" } div.plots { @for path in first { div.card { (daily(loaded, path)) } } } }
        @if !rest.is_empty() { details.card { summary { "Day by day, secondary metrics and guardrails" } div.plots { @for path in rest { div { (daily(loaded, path)) } } } } }
        @for b in &r.breakdowns { (breakdown(loaded, r, b)) }
    }
}

/// The part that a metric plays.
fn role(r: &Readout, metric: &str) -> Option<Role> {
    r.metrics.iter().find(|m| m.metric == metric).map(|m| m.role)
}

/// A metric's human title.
fn title(loaded: &Loaded, metric: &str) -> String {
    let metrics = &loaded.context.project.metrics;
    let label = metrics.get(metric).and_then(|m| m.meta.label.clone());
    label.unwrap_or_else(|| metric.to_string())
}

fn metric_row(
    loaded: &Loaded,
    m: &MetricReadout,
    scale: IntervalScale,
    currency: Option<&str>,
    several: bool,
) -> Markup {
    // A share of units is read as per cent, whatever unit the metric has as a total.
    let unit = if m.statistic == "proportion" {
        Some("percent")
    } else {
        m.unit.as_deref()
    };
    let point = |a: &Answer| match a.estimate() {
        Some(e) => format::in_unit(e.point, unit, currency),
        None => "not estimable".to_string(),
    };
    let role = match m.role {
        Role::Primary => "primary",
        Role::Secondary => "secondary",
        Role::Guardrail => "guardrail",
    };
    let tone = tone(&m.relative, m.significant, &m.direction);
    let p = m.adjusted_p.or_else(|| m.absolute.estimate().and_then(|e| e.p));
    html! { tr {
        th scope="row" { (parts::link(loaded, Kind::Metric, &m.metric)) br; span.soft { (role) } }
        @if several { td data-l="Variant" { (m.variant) } }
        td.num data-l="Control" { (point(&m.control_value)) }
        td.num data-l="Variant" { (point(&m.variant_value)) }
        td.num data-l="Difference" { @match m.absolute.estimate() {
            Some(e) => { (difference(e.point, unit, currency)) br; span.soft { (difference(e.low, unit, currency)) " to " (difference(e.high, unit, currency)) } },
            None => (parts::answer(&m.absolute, &format::number)),
        } }
        td.num data-l="Relative lift" {
            @match m.relative.estimate() {
                Some(e) => strong class=(format!("{tone}-ink")) { (format::change(e.point)) },
                None => (parts::answer(&m.relative, &format::change)),
            }
            @if let Some(v) = m.variance_reduction {
                br; span.soft title=[m.raw.as_ref().map(|raw| format!("without CUPED {}", parts::answer_text(&raw.relative, &format::change)))] { "CUPED −" (format::percent(v)) " variance" }
            }
        }
        td.forest { @if let Some(e) = m.relative.estimate() {
            (charts::interval(scale, e.point, e.low, e.high, tone, &parts::answer_text(&m.relative, &format::change)))
            span.soft { (format::change(e.low)) " to " (format::change(e.high)) }
        } }
        td.num data-l="p" { (p.map_or("none".to_string(), format::p_value)) }
    } }
}

fn daily(loaded: &Loaded, path: &experiments::DailyPath) -> Markup {
    let title = format!(
        "{}, {}: relative lift as units came in",
        title(loaded, &path.metric),
        path.variant
    );
    let points = path.points.iter().filter_map(|p| {
        let at_us = experiments::moment(&p.day, &jiff::tz::TimeZone::UTC).ok()?;
        let e = p.relative.estimate();
        Some(charts::Point {
            at_us,
            value: e.map_or(f64::NAN, |e| e.point),
            band: e.map(|e| (e.low, e.high)),
        })
    });
    let series = charts::Series {
        name: path.variant.clone(),
        points: points.collect(),
        dashed: false,
    };
    let chart = charts::Line {
        title: title.clone(),
        series: vec![series],
        from_zero: true,
        compact: true,
        ..charts::Line::default()
    };
    let rows: Vec<Vec<String>> = path
        .points
        .iter()
        .map(|p| {
            vec![
                p.day.clone(),
                format::grouped(p.units as i64),
                parts::answer_text(&p.relative, &format::change),
            ]
        })
        .collect();
    charts::figure(
        &title,
        charts::line(&chart, &format::change),
        &["Day".into(), "Units".into(), "Relative lift".into()],
        &rows,
    )
}

/// Primary metrics by a dimension; the others on demand.
fn breakdown(loaded: &Loaded, r: &Readout, b: &experiments::Breakdown) -> Markup {
    let name = b
        .dimension
        .rsplit("__")
        .next()
        .unwrap_or(&b.dimension)
        .replace('_', " ");
    let primary = |metric: &str| role(r, metric) == Some(Role::Primary);
    let others = b.segments.iter().any(|s| s.metrics.iter().any(|m| !primary(&m.metric)));
    html! {
        h2 { "By " (name) }
        @if let Some(problem) = &b.problem { div.card { p { (problem) } } }
        @if !b.segments.is_empty() { div.card {
            (segments(loaded, r, b, &name, true))
            @if others { details.data { summary { "Secondary metrics and guardrails" } (segments(loaded, r, b, &name, false)) } }
            p.note { (if b.exploratory { "Exploratory, asked for afterwards: " } else { "Declared beforehand: " }) "p-values are not corrected for looking at many groups. " (parts::why(&r.provenance.evidence)) }
        } }
    }
}

fn segments(loaded: &Loaded, r: &Readout, b: &experiments::Breakdown, name: &str, primary: bool) -> Markup {
    let shown = |metric: &str| (role(r, metric) == Some(Role::Primary)) == primary;
    let lifts = b.segments.iter().flat_map(|s| &s.metrics).filter(|m| shown(&m.metric));
    let scale = IntervalScale::over(lifts.filter_map(|m| m.relative.estimate().map(|e| (e.low, e.high))));
    let several = r.arms.len() > 2;
    let direction = |metric: &str| {
        let found = r.metrics.iter().find(|m| m.metric == metric);
        found.map_or("increase", |m| m.direction.as_str())
    };
    html! { div.scroll tabindex="0" role="region" aria-label={ "By " (name) @if !primary { ", other metrics" } } { table.stack {
        thead { tr { th scope="col" { (name) } th scope="col" { "Metric" } @if several { th scope="col" { "Variant" } }
            th.num scope="col" { "Units" } th.num scope="col" { "Relative lift" } th.forest scope="col" { "Interval" } } }
        tbody { @for s in &b.segments { @for m in s.metrics.iter().filter(|m| shown(&m.metric)) {
            @let significant = m.absolute.estimate().and_then(|e| e.p).is_some_and(|p| p < r.alpha);
            @let tone = tone(&m.relative, significant, direction(&m.metric));
            tr {
                th scope="row" { (s.value) }
                td data-l="Metric" { (title(loaded, &m.metric)) }
                @if several { td data-l="Variant" { (m.variant) } }
                td.num data-l="Units" { (format::grouped(s.units.values().sum::<u64>() as i64)) }
                td.num data-l="Relative lift" { @match m.relative.estimate() {
                    Some(e) => { span class=(format!("{tone}-ink")) { (format::change(e.point)) } " " span.soft { (format::change(e.low)) " to " (format::change(e.high)) } },
                    None => (parts::answer(&m.relative, &format::change)),
                } }
                td.forest { @if let Some(e) = m.relative.estimate() { (charts::interval(scale, e.point, e.low, e.high, tone, &parts::answer_text(&m.relative, &format::change))) } }
            }
        } } }
    } } }
}

fn decision_form(
    name: &str,
    e: &Experiment,
    broken: bool,
    input: &Input,
    refusal: Option<&str>,
    past: &[Decision],
) -> Markup {
    html! { div.card {
        @if let Some(refusal) = refusal { p.bad-ink role="alert" { (refusal) } }
        @if !past.is_empty() { p.note { "Decided before (" (past.len()) "); a new decision adds to that." } }
        form.sheet method="post" action={ (parts::address(Kind::Experiment, name)) "/decide" } {
            label for="choice" { "Choice" }
            select #choice name="choice" { @for word in ["ship", "stop", "extend"] { option value=(word) selected[input.choice == word] { (word) } } }
            label for="variant" { "Variant, to ship" }
            select #variant name="variant" { option value="" { "as the verdict says" }
                @for v in &e.variants { option value=(v.name) selected[input.variant == v.name] { (v.label.as_deref().unwrap_or(&v.name)) } } }
            label for="reason" { "Reason" }
            textarea #reason name="reason" rows="3" required { (input.reason) }
            label for="actor" { "Decided by (handle)" }
            input #actor name="actor" required value=(input.actor);
            @if broken {
                label for="waiver" { "Waiver: why decide although the split is broken" }
                textarea #waiver name="waiver" rows="2" { (input.waiver) }
            }
            button type="submit" { "Record decision" }
        }
    } }
}

fn csv(r: &Readout) -> String {
    let mut out = format::csv_line([
        "metric",
        "variant",
        "control",
        "role",
        "lift",
        "point",
        "low",
        "high",
        "se",
        "p",
        "n",
        "method",
        "not_estimable",
    ]);
    for m in &r.metrics {
        let role = format!("{:?}", m.role).to_lowercase();
        for (lift, a) in [("absolute", &m.absolute), ("relative", &m.relative)] {
            let mut cells = vec![
                m.metric.clone(),
                m.variant.clone(),
                m.control.clone(),
                role.clone(),
                lift.into(),
            ];
            match a {
                Answer::Estimate(e) => cells.extend([
                    e.point.to_string(),
                    e.low.to_string(),
                    e.high.to_string(),
                    e.se.to_string(),
                    e.p.map_or(String::new(), |p| p.to_string()),
                    e.n.to_string(),
                    e.method.clone(),
                    String::new(),
                ]),
                Answer::Refused { not_estimable } => {
                    cells.extend(std::iter::repeat_n(String::new(), 7));
                    cells.push(not_estimable.to_string());
                }
            }
            out.push_str(&format::csv_line(cells));
        }
    }
    out
}
