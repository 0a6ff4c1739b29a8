//! `/k/experiment/{name}/power`: what an experiment could find, by how long it runs. All choices stand in the address.

use axum::extract::{Path, Query, State as Shared};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use steward_capabilities::CapabilityError;
use steward_capabilities::experiments::{self, MetricPower, PowerOptions, PowerReport, Role};
use steward_definitions::{Experiment, Kind};

use super::title;
use crate::State;
use crate::charts;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;
use crate::ui::layout::{badge, page};
use crate::ui::parts;

/// The choices, as typed: shares as `0.02` or `2%`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    effect: String,
    power: String,
    source: String,
    share: String,
    cluster: String,
    method: String,
    looks: String,
    chance: String,
    plausible: String,
    one_sided: String,
    as_of: String,
}

const METHODS: [&str; 5] = ["fixed", "group-sequential", "confidence-sequence", "msprt", "bayesian"];

fn invalid<T>(what: String) -> Result<T, CapabilityError> {
    Err(CapabilityError::Invalid(what))
}

fn share(name: &str, text: &str) -> Result<Option<f64>, CapabilityError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (number, scale) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(x) if x.is_finite() => Ok(Some(x / scale)),
        _ => invalid(format!("{name} {text:?}: give a share such as 2% or 0.02")),
    }
}

impl Asked {
    fn options(&self, loaded: &Loaded) -> Result<PowerOptions, CapabilityError> {
        let plain = PowerOptions::default();
        let text = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
        let looks = match text(&self.looks) {
            None => plain.looks,
            Some(looks) => match looks.parse() {
                Ok(looks) => looks,
                Err(_) => return invalid(format!("looks {looks:?}: give a number of looks, 1 to 50")),
            },
        };
        Ok(PowerOptions {
            as_of: parts::as_of(loaded, Some(&self.as_of))?,
            effect: share("effect", &self.effect)?,
            power: share("power", &self.power)?.unwrap_or(plain.power),
            source: text(&self.source),
            share: share("share", &self.share)?.unwrap_or(plain.share),
            cluster: text(&self.cluster),
            method: text(&self.method),
            looks,
            chance: share("chance", &self.chance)?.unwrap_or(plain.chance),
            plausible: share("plausible", &self.plausible)?.unwrap_or(plain.plausible),
            one_sided: matches!(self.one_sided.trim(), "true" | "1" | "yes"),
        })
    }

    /// What the form does not ask for, and keeps.
    fn others(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("power", self.power.as_str()),
            ("cluster", &self.cluster),
            ("looks", &self.looks),
            ("chance", &self.chance),
            ("plausible", &self.plausible),
            ("one_sided", &self.one_sided),
            ("as_of", &self.as_of),
        ];
        all.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect()
    }

    fn query(&self) -> String {
        parts::query(&[
            ("effect", &self.effect),
            ("power", &self.power),
            ("source", &self.source),
            ("share", &self.share),
            ("cluster", &self.cluster),
            ("method", &self.method),
            ("looks", &self.looks),
            ("chance", &self.chance),
            ("plausible", &self.plausible),
            ("one_sided", &self.one_sided),
            ("as_of", &self.as_of),
        ])
    }
}

/// The page, JSON or CSV.
pub async fn show(
    Shared(state): Shared<State>,
    Path((name, part)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let Some(definition) = loaded.context.project.experiments.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Experiment, &name).into());
    };
    let form = match part.as_str() {
        "power" => parts::Form::Page,
        "power.json" => parts::Form::Json,
        "power.csv" => parts::Form::Csv,
        other => {
            return Err(CapabilityError::Unknown {
                kind: "page of an experiment".into(),
                name: other.into(),
                near: Some("power".into()),
            }
            .into());
        }
    };
    let options = asked.options(&loaded)?;
    let found = experiments::power(&loaded.context, &name, &options).await;
    match (form, found) {
        (parts::Form::Page, found) => Ok(render(&loaded, definition, &asked, found.map(|f| f.value)).into_response()),
        (parts::Form::Json, Ok(found)) => Ok(parts::json(&found.value)?),
        (_, Ok(found)) => Ok(parts::csv(csv(&found.value))),
        (form, Err(e)) => Ok(parts::problem(form, definition, &e)?),
    }
}

fn render(loaded: &Loaded, e: &Experiment, asked: &Asked, found: Result<PowerReport, CapabilityError>) -> Markup {
    let name = &e.meta.name;
    let address = parts::address(Kind::Experiment, name);
    let label = e.meta.label.as_deref().unwrap_or(name);
    let twin = |suffix: &str| format!("{address}/power.{suffix}{}", asked.query());
    let project = &loaded.context.project;
    let experiments = project
        .experiments
        .keys()
        .filter(|n| *n != name)
        .map(|n| format!("experiment/{n}"));
    let models = project.semantic_models.keys().map(|n| format!("semantic_model/{n}"));
    let sources = experiments.chain(models);
    page(
        loaded,
        "/experiments",
        &format!("Power of {label}"),
        html! {
            div.crumbs { a href="/experiments" { "Experiments" } " / " a href=(address) { (label) } " / power" }
            h1 { "What could it find?" }
            p.note { "Owner " (e.meta.owner) " · also as " a href=(twin("json")) { "JSON" } " and " a href=(twin("csv")) { "CSV" } }
            @match &found {
                Err(problem) => div.card { p { (badge("warn", "no plan")) " " (problem.to_string()) } },
                Ok(report) => {
                    div class={ "card verdict " (match report.underpowered { Some(true) => "warn", Some(false) => "good", None => "" }) } {
                        @match report.underpowered { Some(true) => { (badge("warn", "underpowered")) " " }, Some(false) => { (badge("good", "powered")) " " }, None => {} }
                        (report.summary) " " (parts::why(&report.provenance.evidence))
                    }
                }
            }
            div.card {
                form.asof method="get" {
                    label for="effect" { "Wanted improvement" }
                    input #effect name="effect" value=(asked.effect) placeholder="as planned" size="9" autocomplete="off";
                    label for="method" { "Method" }
                    select #method name="method" { option value="" { "as defined" }
                        @for method in METHODS { option value=(method) selected[asked.method == method] { (method.replace('-', " ")) } } }
                    label for="share" { "Share of traffic" }
                    input #share name="share" value=(asked.share) placeholder="100%" size="5" autocomplete="off";
                    label for="source" { "Units from" }
                    select #source name="source" { option value="" { "its nearest history" }
                        @for source in sources { option value=(source) selected[asked.source == source] { (source) } } }
                    @for (name, value) in asked.others() { input type="hidden" name=(name) value=(value); }
                    button.plain type="submit" { "Show" }
                }
                @if let Ok(report) = &found { p.note {
                    "History: " (report.source.reference) ", " (report.from) " to " (report.to) " (" (report.source.why) "). " (report.sides) " " (report.method.replace('-', " ")) ", level " (report.alpha) ", " (report.correction) ". "
                    @if let Some(from) = &report.effect_from { "Wanted: " (report.effect.map_or(String::new(), format::percent)) ", " (from) ". " }
                    "The address also takes power, cluster, looks, chance, plausible, one_sided and as_of."
                } }
            }
            @if let Ok(report) = &found {
                (together(loaded, report))
                @for m in &report.metrics { (metric(loaded, report, m)) }
            }
        },
    )
}

/// The smallest lift found of every metric, by duration.
fn together(loaded: &Loaded, report: &PowerReport) -> Markup {
    let primary = report.metrics.iter().filter(|m| m.role == Role::Primary);
    let series: Vec<(String, Vec<charts::At>)> = primary
        .map(|m| {
            let points = m.rows.iter().filter_map(|r| {
                let value = r.detectable_relative?;
                Some(charts::At {
                    at: r.days as f64,
                    value,
                    band: r.detectable_relative_range.unwrap_or((value, value)),
                })
            });
            (title(loaded, &m.metric), points.collect())
        })
        .filter(|(_, points): &(String, Vec<charts::At>)| points.len() > 1)
        .collect();
    let days = series.iter().flat_map(|(_, points)| points).map(|p| p.at);
    let last = days.fold(0.0, f64::max);
    if series.is_empty() {
        return html! {};
    }
    let caption = format!(
        "Smallest lift found with {} power, by duration",
        format::percent(report.power)
    );
    let weeks = (last / 7.0).floor() as i64;
    let chart = charts::Curves {
        title: caption.clone(),
        range: (0.0, last),
        marks: (1..=weeks).map(|w| (w as f64 * 7.0, format!("{w} wk"))).collect(),
        here: report
            .planned_days
            .filter(|d| *d as f64 <= last)
            .map(|d| (d as f64, format!("planned, {d} days"))),
        series,
    };
    let rows: Vec<Vec<String>> = report
        .metrics
        .iter()
        .filter(|m| m.role == Role::Primary)
        .flat_map(|m| {
            m.rows
                .iter()
                .map(|r| vec![format!("{}, {} days", title(loaded, &m.metric), r.days), detectable(r)])
        })
        .collect();
    html! { div.card { (charts::figure(&caption, charts::curves(&chart, &format::percent), &["Metric".into(), "Smallest lift".into()], &rows)) } }
}

fn detectable(r: &experiments::PowerRow) -> String {
    match (r.detectable_relative, r.detectable_relative_range) {
        (Some(x), Some((low, high))) => format!(
            "{} [{}, {}]",
            format::percent(x),
            format::percent(low),
            format::percent(high)
        ),
        (Some(x), None) => format::percent(x),
        _ => "none".into(),
    }
}

fn metric(loaded: &Loaded, report: &PowerReport, m: &MetricPower) -> Markup {
    let role = match m.role {
        Role::Primary => "primary",
        Role::Secondary => "secondary",
        Role::Guardrail => "guardrail",
        Role::Exploratory => "exploratory",
    };
    let planned = |days: i64| report.planned_days == Some(days);
    let whole = |x: f64| format::grouped(x.round() as i64);
    html! {
        h2 { (title(loaded, &m.metric)) " " span.soft { (role) } }
        div.card {
            @if let Some(refused) = &m.not_estimable { p { (badge("", "not estimable")) " " (refused.detail) "; " (refused.fix) "." } }
            @else {
                div.scroll tabindex="0" role="region" aria-label={ "Power of " (m.metric) } { table.stack {
                    thead { tr { th scope="col" { "Duration" } th.num scope="col" { "Units" } th.num scope="col" { "Baseline" } th.num scope="col" { "Adjustment" } th.num scope="col" { "Smallest lift" } th.num scope="col" { "Power" } th.num scope="col" { "Units needed" } } }
                    tbody { @for r in &m.rows { tr {
                        th scope="row" { (r.days) @if r.extrapolated { "*" } " days" @if planned(r.days) { " " (badge("", "planned")) } }
                        td.num data-l="Units" { (whole(r.units)) }
                        td.num data-l="Baseline" { (r.baseline.estimate().map_or("none".into(), |e| if m.statistic == "proportion" { format::percent(e.point) } else { format::number(e.point) })) }
                        td.num data-l="Adjustment" { @match r.variance_reduction { Some(v) => { "−" (format::percent(v)) }, None => span.soft { "none" } } }
                        td.num data-l="Smallest lift" { (detectable(r)) }
                        td.num data-l="Power" { @match (r.power, r.power_range) { (Some(p), Some((low, high))) => { (format::percent(p)) " " span.soft { (format::percent(low)) " to " (format::percent(high)) } }, (Some(p), None) => (format::percent(p)), _ => span.soft { "no wanted lift" } } }
                        td.num data-l="Units needed" { @match r.units_needed { Some(n) => (whole(n)), None => span.soft { "no wanted lift" } } }
                    } } }
                } }
                p.note {
                    "Level of one comparison " (format::number(m.alpha)) ". "
                    @if let Some((icc, se)) = m.icc { "Correlation within clusters " (format::number(icc)) " (standard error " (format::number(se)) "), design effect " (m.rows.last().map_or(String::new(), |r| format::number(r.design_effect))) ". " }
                    "* longer than the history. Ranges are 95%. " (parts::why(&report.provenance.evidence))
                }
            }
        }
    }
}

fn csv(report: &PowerReport) -> String {
    let mut out = format::csv_line([
        "metric",
        "role",
        "days",
        "units",
        "extrapolated",
        "baseline",
        "sd",
        "variance_reduction",
        "design_effect",
        "detectable_absolute",
        "detectable_relative",
        "detectable_relative_low",
        "detectable_relative_high",
        "power",
        "units_needed",
        "not_estimable",
    ]);
    let shown = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
    for m in &report.metrics {
        let role = format!("{:?}", m.role).to_lowercase();
        if let Some(refused) = &m.not_estimable {
            let mut cells = vec![m.metric.clone(), role.clone()];
            cells.extend(std::iter::repeat_n(String::new(), 13));
            cells.push(refused.to_string());
            out.push_str(&format::csv_line(cells));
        }
        for r in &m.rows {
            out.push_str(&format::csv_line([
                m.metric.clone(),
                role.clone(),
                r.days.to_string(),
                r.units.to_string(),
                r.extrapolated.to_string(),
                shown(r.baseline.estimate().map(|e| e.point)),
                r.sd.to_string(),
                shown(r.variance_reduction),
                r.design_effect.to_string(),
                r.detectable_absolute.to_string(),
                shown(r.detectable_relative),
                shown(r.detectable_relative_range.map(|x| x.0)),
                shown(r.detectable_relative_range.map(|x| x.1)),
                shown(r.power),
                shown(r.units_needed),
                String::new(),
            ]));
        }
    }
    out
}
