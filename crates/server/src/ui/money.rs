//! `/money` and the pages of bills, budgets and contracts.

use axum::extract::{Path, Query, State as Shared};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use steward_capabilities::CapabilityError;
use steward_capabilities::finance::{
    self, Advice, Allocation, Anomaly, BudgetStatus, ContractStatus, Figure, ModelStatement,
};
use steward_definitions::Kind;

use super::entities::answer;
use super::layout::{badge, page};
use super::parts::{self, AsOf};
use crate::State;
use crate::charts::{self, Flow, Line, Point, Series};
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// Minor units in words.
fn money(minor: f64, currency: &str) -> String {
    format::in_unit(minor, Some("currency"), Some(currency))
}

/// A figure with its interval, or why there is none.
fn figure(found: &Figure, show: &dyn Fn(f64) -> String) -> Markup {
    match found {
        Figure::Estimate(e) if e.low == e.high => html! { (show(e.point)) },
        Figure::Estimate(e) => html! { (show(e.point)) br; span.soft { "[" (show(e.low)) ", " (show(e.high)) "]" } },
        Figure::Refused { not_estimable } => {
            html! { span.soft.aside title=(not_estimable.fix) { (not_estimable.detail) } }
        }
    }
}

/// What a bill says, or why it cannot be read.
struct Seen {
    name: String,
    found: Result<(Allocation, Vec<ModelStatement>, Vec<Anomaly>), CapabilityError>,
}

async fn look(loaded: &Loaded, name: &str) -> Seen {
    let context = &loaded.context;
    let all = async {
        Ok((
            finance::allocation(context, name).await?,
            finance::models(context, name).await?,
            finance::anomalies(context, name).await?,
        ))
    };
    Seen {
        name: name.to_owned(),
        found: all.await,
    }
}

/// `/money`.
pub async fn show(Shared(state): Shared<State>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let project = &loaded.context.project;
    let mut bills = Vec::new();
    for name in project.bills.keys() {
        bills.push(look(&loaded, name).await);
    }
    let mut budgets = Vec::new();
    for name in project.budgets.keys() {
        budgets.push((name, finance::budget(&loaded.context, name).await));
    }
    let contracts = finance::contracts(&loaded.context).await?;
    Ok(page(
        &loaded,
        "/money",
        "Money",
        html! {
            h1 { "Money" }
            p.lede { "What each model costs, what it is worth, and what was promised to suppliers. Costs are those of complete days before " (format::day(loaded.context.now_us)) "." }
            @if bills.is_empty() { div.card { p { "No bill is defined. Write one in " code { "bills/" } ", then " code { "steward bill import FILE" } " keeps FOCUS exports." } } }
            @for seen in &bills { (bill_section(&loaded, seen)) }
            h2 { "Budgets" }
            @if budgets.is_empty() { p.soft { "No budgets are defined." } }
            div.plots { @for (name, found) in &budgets { (budget_card(&loaded, name, found)) } }
            h2 { "Contracts" }
            (contract_table(&loaded, &contracts))
        },
    ))
}

fn bill_section(loaded: &Loaded, seen: &Seen) -> Markup {
    let (allocation, models, anomalies) = match &seen.found {
        Ok(found) => (&found.0, &found.1, &found.2),
        Err(e) => {
            return html! { section.card aria-label=(seen.name) { h2 { (parts::link(loaded, Kind::Bill, &seen.name)) } p { (badge("bad", "unreadable")) " " (e) } } };
        }
    };
    let currency = allocation.currency.as_str();
    let cash = |v: f64| money(v, currency);
    let share = if allocation.effective_minor == 0 {
        0.0
    } else {
        allocation.unallocated_minor as f64 / allocation.effective_minor as f64
    };
    html! {
        section aria-label=(seen.name) {
            h2 { (parts::link(loaded, Kind::Bill, &seen.name)) " " (parts::why(&allocation.evidence)) }
            @for found in anomalies { (anomaly(found, &cash)) }
            div.grid.apart {
                div.card { p.soft { "Effective cost, whole bill" } p.big { (cash(allocation.effective_minor as f64)) } p.note { (format::grouped(i64::try_from(allocation.charges).unwrap_or(i64::MAX))) " charges; invoiced " (cash(allocation.billed_minor as f64)) } }
                div.card { p.soft { "Borne by nobody known" } p.big { (format::percent(share)) } p.note { (cash(allocation.unallocated_minor as f64)) " unallocated; with the allocated part it is the bill, to the cent" } }
                div.card { p.soft { "Out of line in three months" } p.big { (anomalies.len()) } p.note { (cash(anomalies.iter().map(|a| a.excess_minor).sum::<i64>() as f64)) " more than usual" } }
            }
            div.card { (flows(allocation, models.first().map(|m| m.month.as_str()))) }
            div.card { (statements(loaded, models, currency)) }
        }
    }
}

fn anomaly(found: &Anomaly, cash: &dyn Fn(f64) -> String) -> Markup {
    html! {
        p.card.verdict.bad {
            (badge("bad", if found.orphan { "orphan" } else { "out of line" })) " " strong { (found.name.as_deref().unwrap_or(&found.resource)) }
            " (" (found.vendor) ", " (found.service) ") cost " (cash(found.excess_minor as f64)) " more than usual on " (found.days)
            (if found.days == 1 { " day" } else { " days" }) " from " time { (found.first) } " to " time { (found.last) } ". " (found.words)
        }
    }
}

/// Bill to service to model, for a month.
fn flows(allocation: &Allocation, month: Option<&str>) -> Markup {
    let month = month.unwrap_or_default();
    let cash = |v: f64| money(v, &allocation.currency);
    let mut sums: std::collections::BTreeMap<(String, String, String), i64> = std::collections::BTreeMap::new();
    for line in allocation.lines.iter().filter(|l| l.month == month) {
        let model = line.model.clone().unwrap_or_else(|| "unallocated".into());
        *sums
            .entry((line.vendor.clone(), line.service.clone(), model))
            .or_default() += line.effective_minor;
    }
    let flows: Vec<Flow> = sums
        .iter()
        .map(|((vendor, service, model), value)| Flow {
            path: vec![vendor.clone(), service.clone(), model.clone()],
            value: *value as f64,
        })
        .collect();
    let negative: i64 = sums.values().filter(|v| **v < 0).sum();
    let caption = format!("Where the bill of {month} goes");
    let heads = ["Vendor", "Service", "Model"];
    let rows: Vec<Vec<String>> = sums
        .iter()
        .map(|((vendor, service, model), value)| {
            vec![vendor.clone(), service.clone(), model.clone(), cash(*value as f64)]
        })
        .collect();
    let columns = ["Vendor", "Service", "Model", "Effective cost"].map(str::to_owned);
    html! {
        @if flows.is_empty() { p.soft { "No charges in the last complete month." } }
        @else { (charts::figure(&caption, charts::sankey(&caption, &heads, &flows, &cash), &columns, &rows)) }
        @if negative < 0 { p.note { "Credits and corrections of " (cash(negative as f64)) " are in the table, not in the picture." } }
    }
}

fn statements(loaded: &Loaded, models: &[ModelStatement], currency: &str) -> Markup {
    let cash = |v: f64| money(v, currency);
    let count = |v: f64| format::number(v);
    html! {
        h3 { "Models" @if let Some(first) = models.first() { ", " (first.month) } }
        @if models.is_empty() { p.soft { "The bill names no models." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Models" { table.stack {
                thead { tr { th scope="col" { "Model" } th.num scope="col" { "Cost" } th.num scope="col" { "Benefit" } th.num scope="col" { "Net value a month" } th.num scope="col" { "Per 1,000 predictions" } th.num scope="col" { "Break-even a month" } } }
                tbody { @for m in models { tr {
                    th scope="row" { (m.model) @if let Some(i) = &m.initiative { br; (parts::link(loaded, Kind::Initiative, i)) } @if let Some(team) = &m.team { br; span.soft { "team " (team) } } }
                    td.num data-l="Cost" { (cash(m.cost_minor as f64)) @for (rule, cost) in &m.by_rule { br; span.soft { (rule.word()) " " (format::percent(*cost as f64 / (m.cost_minor as f64).max(1.0))) } } }
                    td.num data-l="Benefit" { (figure(&m.benefit, &cash)) @if let Some((who, when)) = &m.signed { br; span.soft { "signed by " (who) ", " (when) } } }
                    td.num data-l="Net value" { span class=[m.net.estimate().and_then(|e| if e.high < 0.0 { Some("bad-ink") } else if e.low > 0.0 { Some("good-ink") } else { None })] { (figure(&m.net, &cash)) } }
                    td.num data-l="Per 1,000" { (figure(&m.cost_per_thousand, &cash)) }
                    td.num data-l="Break-even" { (figure(&m.break_even, &count)) }
                } } }
            } }
            p.note { "Intervals hold 80% and are the benefit's: costs are counted. Break-even assumes that benefit grows with predictions and cost does not." }
        }
    }
}

fn budget_card(loaded: &Loaded, name: &str, found: &Result<BudgetStatus, CapabilityError>) -> Markup {
    let b = match found {
        Ok(b) => b,
        Err(e) => {
            return html! { div.card { h3 { (parts::link(loaded, Kind::Budget, name)) } p { (badge("bad", "unreadable")) " " (e) } } };
        }
    };
    let cash = |v: f64| money(v, &b.currency);
    let tone = match b.probability {
        Some(p) if p < 0.3 => "bad",
        Some(p) if p < 0.7 => "warn",
        Some(_) => "good",
        None => "",
    };
    html! {
        div.card {
            h3 { (parts::link(loaded, Kind::Budget, name)) " " @if let Some(p) = b.probability { (badge(tone, &format!("{} suffices", format::probability(p)))) } }
            p.note { (cash(b.amount_minor as f64)) " for " (b.covers) ", " (b.start) " to " (b.end) ", owner " (b.owner) }
            (burn(b))
            p { (b.verdict) }
            @if let Figure::Estimate(e) = &b.forecast { p.note { "Expected at the end: " (cash(e.point)) " [" (cash(e.low)) ", " (cash(e.high)) "], 80%: " (e.method) } }
            @if let (Figure::Refused { not_estimable }, None) = (&b.forecast, b.probability) { p.note { "No forecast: " (not_estimable.detail) "; " (not_estimable.fix) } }
        }
    }
}

/// What was spent so far, month by month, and where it leads.
fn burn(b: &BudgetStatus) -> Markup {
    let at = |day: &str| -> i64 {
        let date = day.parse::<jiff::civil::Date>().ok();
        date.and_then(|d| d.in_tz("UTC").ok())
            .map_or(0, |z| z.timestamp().as_microsecond())
    };
    let end_of = |month: &str| -> i64 {
        let first = format!("{month}-01").parse::<jiff::civil::Date>().ok();
        first.map_or(0, |d| at(&d.saturating_add(jiff::Span::new().months(1)).to_string()))
    };
    let cash = |v: f64| money(v, &b.currency);
    let mut sum = 0;
    let mut points = vec![Point {
        at_us: at(&b.start),
        value: 0.0,
        band: None,
    }];
    for (month, cost) in &b.months {
        sum += cost;
        points.push(Point {
            at_us: end_of(month),
            value: sum as f64,
            band: None,
        });
    }
    let mut series = Vec::new();
    let rows: Vec<Vec<String>> = b
        .months
        .iter()
        .scan(0, |all, (month, cost)| {
            *all += cost;
            Some(vec![month.clone(), cash(*cost as f64), cash(*all as f64)])
        })
        .collect();
    if let (Figure::Estimate(e), Some(last)) = (&b.forecast, points.last().copied()) {
        let end = Point {
            at_us: at(&b.end),
            value: e.point,
            band: Some((e.low, e.high)),
        };
        let from = Point {
            band: Some((last.value, last.value)),
            ..last
        };
        series.push(Series {
            name: "Forecast, 80%".into(),
            points: vec![from, end],
            dashed: true,
        });
    }
    series.insert(
        0,
        Series {
            name: "Spent".into(),
            points,
            dashed: false,
        },
    );
    let title = format!("Burn of {}", b.label.as_deref().unwrap_or(&b.budget));
    let chart = Line {
        title: title.clone(),
        series,
        target: Some(b.amount_minor as f64),
        from_zero: true,
        compact: true,
        ..Line::default()
    };
    let columns = ["Month", "Cost", "Spent so far"].map(str::to_owned);
    charts::figure(&title, charts::line(&chart, &cash), &columns, &rows)
}

fn advice_tone(advice: Advice) -> &'static str {
    match advice {
        Advice::Renew => "good",
        Advice::Renegotiate => "warn",
        Advice::Cancel => "bad",
        Advice::NoEvidence => "",
    }
}

fn contract_table(loaded: &Loaded, contracts: &[ContractStatus]) -> Markup {
    let currency = loaded.context.project.settings.currency.as_deref().unwrap_or_default();
    let cash = |v: Option<i64>| v.map_or_else(|| "–".to_owned(), |v| money(v as f64, currency));
    html! {
        @if contracts.is_empty() { p.soft { "No contracts are defined." } } @else {
            div.card {
                div.scroll tabindex="0" role="region" aria-label="Contracts" { table.stack {
                    thead { tr { th scope="col" { "Contract" } th scope="col" { "Notice by" } th scope="col" { "Term" } th.num scope="col" { "A year" } th.num scope="col" { "Used of committed" } th scope="col" { "The numbers say" } th scope="col" { "Owner" } } }
                    tbody { @for c in contracts { tr {
                        th scope="row" { (parts::link(loaded, Kind::Contract, &c.contract)) br; span.soft { (c.supplier) } }
                        td data-l="Notice by" { @match (&c.notice_by, c.days_to_notice) {
                            (Some(day), Some(left)) => { time { (day) } " " @if left <= 60 { (badge(if left <= 14 { "bad" } else { "warn" }, &format!("{left} days"))) } },
                            _ if c.ended => (badge("", "over")),
                            _ => span.soft { "ends by itself" },
                        } }
                        td data-l="Term" { time { (c.term_start) } " to " time { (c.term_end) } @if c.tacit { br; span.soft { "renews itself" } } }
                        td.num data-l="A year" { (cash(c.annual_cost_minor)) }
                        td.num data-l="Used" { @match c.utilisation { Some(u) => { (format::percent(u)) br; span.soft { (cash(c.used_minor)) " of " (cash(c.commitment_minor)) } }, None => span.soft { "not measured" } } }
                        td data-l="Say" { (badge(advice_tone(c.advice), c.advice.words())) " " span.soft { (c.words) } }
                        td data-l="Owner" { (c.owner) }
                    } } }
                } }
                p.note { "Days for your calendar: " a href="/calendar/contracts.ics" { "iCalendar feed" } ". Terms end on the first day after them." }
            }
        }
    }
}

/// The contracts' days as iCalendar.
pub async fn calendar(Shared(state): Shared<State>) -> Result<Response, ErrorPage> {
    let text = finance::calendar(&state.loaded().await.context)?;
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response())
}

/// A bill.
pub async fn bill(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Bill, &segment);
    let Some(b) = loaded.context.project.bills.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Bill, &name).into());
    };
    let models: Vec<&str> = b.models.iter().map(|m| m.model.as_str()).collect();
    let facts = vec![
        ("Charges", parts::link(&loaded, Kind::Dataset, &b.dataset)),
        ("Currency", html! { (b.currency) }),
        ("Tags that name a model", html! { (b.model_tags.join(", ")) }),
        ("Models", html! { (models.join(", ")) }),
        (
            "Meters",
            html! { @for m in &b.meters { (parts::link(&loaded, Kind::Dataset, &m.dataset)) " " } @if b.meters.is_empty() { "none" } },
        ),
        (
            "Declared keys",
            html! { ul { @for k in &b.keys { li { (k.column) " = " (k.value) ": " @for (i, s) in k.shares.iter().enumerate() { @if i > 0 { ", " } (s.model) " " (s.weight) } } } } },
        ),
    ];
    let evidence = html! { p { a href="/money" { "Allocation, models, anomalies" } } };
    answer(&loaded, Kind::Bill, &b.meta, form, &asked, b, facts, evidence).await
}

/// A budget.
pub async fn budget(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Budget, &segment);
    let Some(b) = loaded.context.project.budgets.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Budget, &name).into());
    };
    let currency = loaded.context.project.settings.currency.as_deref().unwrap_or_default();
    let facts = vec![
        ("Amount", html! { (money(b.amount_minor as f64, currency)) }),
        ("Period", html! { (b.start) " to " (b.end) }),
        ("Bill", parts::link(&loaded, Kind::Bill, &b.bill)),
        ("Team", html! { (b.team.as_deref().unwrap_or("all")) }),
        ("Vendor", html! { (b.vendor.as_deref().unwrap_or("all")) }),
        ("Model", html! { (b.model.as_deref().unwrap_or("all")) }),
    ];
    let found = finance::budget(&loaded.context, &name).await;
    let evidence = budget_card(&loaded, &name, &found);
    match (form, found) {
        (parts::Form::Page, _) | (_, Err(_)) => {
            answer(&loaded, Kind::Budget, &b.meta, form, &asked, b, facts, evidence).await
        }
        (_, Ok(status)) => answer(&loaded, Kind::Budget, &b.meta, form, &asked, &status, facts, evidence).await,
    }
}

/// A contract.
pub async fn contract(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Contract, &segment);
    let Some(c) = loaded.context.project.contracts.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Contract, &name).into());
    };
    let status = finance::contract(&loaded.context, &name).await?;
    let currency = loaded.context.project.settings.currency.as_deref().unwrap_or_default();
    let cash = |v: Option<i64>| v.map_or_else(|| "not stated".to_owned(), |v| money(v as f64, currency));
    let facts = vec![
        ("Supplier", html! { (c.supplier) }),
        ("Start", html! { (c.start) }),
        (
            "First term",
            html! { @match c.term_months { Some(m) => { (m) " months" }, None => { "until " (c.end.as_deref().unwrap_or("–")) } } },
        ),
        (
            "Renews itself by",
            html! { @match c.renewal_months { Some(m) => { (m) " months" }, None => "no" } },
        ),
        ("Notice", html! { (c.notice_months) " months before an end" }),
        ("Cost a year", html! { (cash(c.annual_cost_minor)) }),
        ("Commitment a year", html! { (cash(c.commitment_minor)) }),
    ];
    let evidence = html! {
        p { (badge(advice_tone(status.advice), status.advice.words())) " " (status.words) }
        dl.facts {
            dt { "Term that runs" } dd { (status.term_start) " to " (status.term_end) " (first day after)" }
            dt { "Notice by" } dd { (status.notice_by.as_deref().unwrap_or("no notice is due")) }
            dt { "Billed in twelve months" } dd { (cash(status.used_minor)) }
            dt { "Worth of its data a year" } dd { @match &status.value { Some(v) => (figure(v, &|x| money(x, currency))), None => span.soft { "not measured: name an ablation" } } }
        }
        @if let Some(problem) = &status.problem { p.note { (problem) } }
    };
    answer(&loaded, Kind::Contract, &c.meta, form, &asked, &status, facts, evidence).await
}
