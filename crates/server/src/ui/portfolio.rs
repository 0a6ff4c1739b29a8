//! `/portfolio`: what to do next, and by when it is done.

use axum::extract::State as Shared;
use jiff::ToSpan;
use jiff::civil::Date;
use maud::{Markup, html};
use steward_capabilities::experiments;
use steward_capabilities::roadmap::{self, Forecast, OptimiseOptions, Portfolio, Priority};
use steward_definitions::Kind;

use super::layout::{badge, page};
use super::parts;
use crate::State;
use crate::charts;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// Draws behind a page: it must be there soon.
const REDRAWS: usize = 100;

/// The page.
pub async fn show(Shared(state): Shared<State>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let context = &loaded.context;
    let priorities = roadmap::priorities(context).await?;
    let asked = OptimiseOptions {
        redraws: REDRAWS,
        frontier: true,
        ..OptimiseOptions::default()
    };
    let own = roadmap::optimise(context, &asked).await;
    let scenarios = roadmap::scenarios(context, 0).await;
    let forecast = roadmap::forecast(context, &[]).await;
    Ok(page(
        &loaded,
        "/portfolio",
        "Portfolio",
        html! {
            h1 { "Portfolio" }
            p.lede { "Each initiative counts at what its stated probability has meant, less its cost; the best set fits the budget and every skill." }
            @match &own {
                Ok(p) => {
                    div.card.verdict { (p.summary) }
                    (items(&loaded, p))
                    h2 { "Capacity" }
                    (heat(&loaded, p))
                    @if !p.frontier.is_empty() { (frontier(p)) }
                },
                Err(e) => div.card.verdict.warn { (e.to_string()) },
            }
            @if let Ok(all) = &scenarios { @if all.len() > 1 { h2 { "Scenarios" } (side_by_side(&loaded, all)) } }
            h2 { "Roadmap" }
            @match &forecast {
                Ok(f) => (dates(&loaded, f)),
                Err(e) => div.card { p { (e.to_string()) } },
            }
            h2 { "Yardsticks side by side" }
            (yardsticks(&loaded, &priorities))
        },
    ))
}

fn money(loaded: &Loaded) -> impl Fn(f64) -> String {
    let currency = loaded.context.project.settings.currency.clone();
    move |x| format::in_unit(x, Some("currency"), currency.as_deref())
}

fn items(loaded: &Loaded, p: &Portfolio) -> Markup {
    let money = money(loaded);
    html! { div.card { div.scroll tabindex="0" role="region" aria-label="Portfolio" { table.stack {
        thead { tr { th scope="col" { "Initiative" } th scope="col" { "Choice" } th scope="col" { "Funded in " (p.redraws) " redraws" } th.num scope="col" { "Net value" } th.num scope="col" { "Cost" } th scope="col" { "Needs" } } }
        tbody {
            @for i in &p.items { tr {
                th scope="row" { (parts::link(loaded, Kind::Initiative, &i.initiative)) }
                td data-l="" { @if i.chosen { (badge("good", "in")) } @else { (badge("", "out")) } }
                td data-l="Funded" { (parts::progress(i.funded, if i.chosen { "good" } else { "" }, "")) }
                td.num data-l="Net value" { (money(i.net)) }
                td.num data-l="Cost" { (money(i.cost)) }
                td data-l="Needs" { (parts::links(loaded, Kind::Initiative, &i.needs, "–")) }
            } }
        }
    } }
    @if !p.left_out.is_empty() { details.data { summary { (p.left_out.len()) " left out" } ul.plain { @for (name, why) in &p.left_out { li { (parts::link(loaded, Kind::Initiative, name)) ": " (why) } } } } }
    } }
}

/// Skills by initiative: how much of each skill goes where.
fn heat(loaded: &Loaded, p: &Portfolio) -> Markup {
    let money = money(loaded);
    let chosen: Vec<&str> = p
        .items
        .iter()
        .filter(|i| i.chosen)
        .map(|i| i.initiative.as_str())
        .collect();
    let shade = |share: f64| {
        format!(
            "background:color-mix(in srgb, var(--s1) {:.0}%, transparent)",
            (60.0 * share).clamp(0.0, 60.0)
        )
    };
    html! { div.card {
        p.note { "Person-weeks of the chosen initiatives; the darker, the more of the skill. Expected efforts." }
        div.scroll tabindex="0" role="region" aria-label="Capacity by skill" { table.dense {
            thead { tr { th scope="col" { "Skill" } @for c in &chosen { th.num scope="col" { (c) } } th.num scope="col" { "Used of" } th.num scope="col" { "All would need" } th.num scope="col" { "One week more adds" } } }
            tbody { @for s in &p.skills { tr {
                th scope="row" { (s.skill) }
                @for c in &chosen { @let weeks = s.by.get(*c).copied().unwrap_or(0.0);
                    td.num style=(shade(weeks / s.capacity.max(1e-9))) { @if weeks > 0.0 { (format!("{weeks:.1}")) } } }
                td.num style=(shade(s.used / s.capacity.max(1e-9))) { (format!("{:.1}", s.used)) " / " (format!("{:.1}", s.capacity)) }
                td.num { (format!("{:.1}", s.wanted)) }
                td.num { (money(s.price)) }
            } } }
        } }
    } }
}

fn frontier(p: &Portfolio) -> Markup {
    let money = |x: f64| format::in_unit(x, Some("currency"), p.currency.as_deref());
    let amounts: Vec<charts::Amount> = p
        .frontier
        .iter()
        .step_by(5)
        .map(|f| charts::Amount {
            name: money(f.budget),
            from: 0.0,
            to: f.value,
            interval: None,
            tone: if Some(f.budget as i64) == p.budget_minor {
                "s3"
            } else {
                "s1"
            },
        })
        .collect();
    let rows: Vec<Vec<String>> = p
        .frontier
        .iter()
        .map(|f| vec![money(f.budget), money(f.value)])
        .collect();
    let title = "Best net value by budget";
    let columns = ["Budget".to_string(), "Net value".into()];
    html! { div.card { (charts::figure(title, charts::waterfall(title, &amounts, &money), &columns, &rows)) } }
}

fn side_by_side(loaded: &Loaded, all: &[Portfolio]) -> Markup {
    let money = money(loaded);
    let names: Vec<&str> = all
        .first()
        .map(|p| p.items.iter().map(|i| i.initiative.as_str()).collect())
        .unwrap_or_default();
    html! { div.card { div.scroll tabindex="0" role="region" aria-label="Scenarios" { table.dense {
        thead { tr { th scope="col" { "Quantity" } @for p in all { th.num scope="col" { (p.scenario.as_deref().unwrap_or("as it is")) } } } }
        tbody {
            tr.strong { th scope="row" { "Net value" } @for p in all { td.num { (money(p.value)) } } }
            tr { th scope="row" { "Spent" } @for p in all { td.num { (money(p.spent)) } } }
            tr { th scope="row" { "Budget" } @for p in all { td.num { (p.budget_minor.map_or("none".into(), |b| money(b as f64))) } } }
            @for n in &names { tr {
                th scope="row" { (parts::link(loaded, Kind::Initiative, n)) }
                @for p in all { td.num { @if p.items.iter().any(|i| i.initiative == *n && i.chosen) { (badge("good", "in")) } @else { span.soft { "–" } } } }
            } }
        }
    } } } }
}

fn dates(loaded: &Loaded, f: &Forecast) -> Markup {
    let at = |day: &str| experiments::moment(day, &jiff::tz::TimeZone::UTC).unwrap_or_default();
    let tone = |p: Option<f64>| match p {
        Some(p) if p >= 0.7 => "good",
        Some(p) if p < 0.3 => "bad",
        _ => "",
    };
    let title_of = |i: &roadmap::DateForecast| i.label.clone().unwrap_or_else(|| i.initiative.clone());
    let rows: Vec<charts::Row> = f
        .initiatives
        .iter()
        .map(|i| charts::Row {
            name: title_of(i),
            done: [at(&i.early), at(&i.half), at(&i.likely), at(&i.late)],
            due: i.due.as_deref().map(at),
            tone: tone(i.by_due),
        })
        .collect();
    let start: Option<Date> = f.from.parse().ok();
    let months: Vec<(i64, String)> = (1..=36)
        .filter_map(|n| {
            let first = start?.first_of_month().saturating_add(n.months());
            (n <= 8 || n % 3 == 0).then(|| (at(&first.to_string()), first.strftime("%b %y").to_string()))
        })
        .collect();
    let data: Vec<Vec<String>> = f
        .initiatives
        .iter()
        .map(|i| {
            vec![
                title_of(i),
                i.early.clone(),
                i.half.clone(),
                i.likely.clone(),
                i.late.clone(),
                i.due.clone().unwrap_or("–".into()),
                i.by_due.map_or("–".into(), format::probability),
            ]
        })
        .collect();
    let columns = ["Initiative", "15%", "50%", "85%", "95%", "Due", "By then"].map(String::from);
    let title = "Done by: from 15% to 85% (thin to 95%), the mark at even odds; dashed is due";
    let money = money(loaded);
    html! { div.card {
        p { (f.summary) }
        @if !rows.is_empty() { (charts::figure(title, charts::roadmap(title, at(&f.from), &rows, &months), &columns, &data)) }
        @if !f.drops.is_empty() { h3 { "Drop one" } ul { @for d in &f.drops { li {
            "Drop " (parts::links(loaded, Kind::Initiative, &d.initiatives, "")) ": " (format!("{:.0}", d.days)) " days sooner, "
            @match d.value { Some(v) if v > 0.0 => { (money(v)) " less value" }, Some(v) => { (money(-v)) " more value" }, None => "of a value that nobody stated" }
        } } } }
        @if !f.undated.is_empty() { p.note { "Without " code { "items" } ", and so without date: " (parts::links(loaded, Kind::Initiative, &f.undated, "")) } }
    } }
}

fn yardsticks(loaded: &Loaded, all: &[Priority]) -> Markup {
    let money = money(loaded);
    let cell = |x: Option<String>, p: &Priority, key: &str| match (x, p.places.get(key)) {
        (Some(x), Some(place)) => html! { (x) " " span.soft { "#" (place) } },
        _ => html! { span.soft { "–" } },
    };
    html! { div.card { div.scroll tabindex="0" role="region" aria-label="Priorities" { table.stack {
        thead { tr { th scope="col" { "Initiative" } th.num scope="col" { "Net value" } th.num scope="col" { "RICE" } th.num scope="col" { "WSJF" } th.num scope="col" { "Delay a week" } th scope="col" { "Because" } } }
        tbody { @for p in all { tr {
            th scope="row" { (parts::link(loaded, Kind::Initiative, &p.initiative)) }
            td.num data-l="Net value" { (cell(p.net.map(&money), p, "net value")) }
            td.num data-l="RICE" { (cell(p.rice.map(|x| format!("{x:.0}")), p, "rice")) }
            td.num data-l="WSJF" { (cell(p.wsjf.map(|x| format!("{x:.2}")), p, "wsjf")) }
            td.num data-l="Delay" { (cell(p.delay_per_week.map(&money), p, "cost of delay")) }
            td data-l="Because" { span.soft { (p.because) } }
        } } }
    } } } }
}
