//! `/value`: what was promised, what came of it, what it was worth, and whether forecasts can be believed.

use axum::extract::State as Shared;
use axum::response::Response;
use maud::{Markup, html};
use steward_capabilities::value::{self, Advice, BetCase, BetState, Calibration, EarnedBet, FrozenBet, Realised};
use steward_definitions::Kind;
use steward_stats::Estimate;

use super::layout::{badge, page};
use super::parts;
use crate::State;
use crate::charts;
use crate::error::ErrorPage;
use crate::format;
use crate::state::Loaded;

/// The page.
pub async fn show(Shared(state): Shared<State>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let context = &loaded.context;
    let cases = value::bets(context).await?;
    let realised = value::realised(context).await?.value;
    let calibration = value::calibration(context, None).await;
    Ok(page(
        &loaded,
        "/value",
        "Bets and value",
        html! {
            h1 { "Bets and value" }
            p.lede { "A bet is frozen when it is approved and resolved by a query. What it earned is its lift after shrinkage, over what was exposed, at a value per unit that someone signed." }
            div.card.verdict { (realised.summary) " " (parts::why(&realised.evidence)) }
            (waterfall(&realised))
            h2 { "Scale, keep, stop" }
            (earned(&loaded, &realised))
            h2 { "Promises" }
            p.note { "Also as " a href="/value/bets.csv" { "CSV" } "." }
            (promises(&loaded, &cases))
            h2 { "Can forecasts be believed?" }
            @match &calibration {
                Ok(c) => (believed(c)),
                Err(e) => div.card { p { (e.to_string()) } },
            }
        },
    ))
}

fn waterfall(r: &Realised) -> Markup {
    let money = |x: f64| format::in_unit(x, Some("currency"), r.currency.as_deref());
    let Some(shrunk) = &r.shrunk else { return html! {} };
    let mut amounts = vec![charts::Amount {
        name: "plan".into(),
        from: 0.0,
        to: r.plan,
        interval: None,
        tone: "s8",
    }];
    let whole = |name: &str, e: &Estimate, tone| charts::Amount {
        name: name.into(),
        from: 0.0,
        to: e.point,
        interval: Some((e.low, e.high)),
        tone,
    };
    amounts.extend(r.naive.as_ref().map(|e| whole("naive sum", e, "s2")));
    amounts.push(whole("shrunk", shrunk, "s1"));
    amounts.extend(r.leakage.as_ref().map(|l| charts::Amount {
        name: "leakage".into(),
        from: shrunk.point,
        to: shrunk.point - l.point,
        interval: None,
        tone: "s5",
    }));
    amounts.extend(r.holdout.as_ref().map(|e| whole("holdout", e, "s3")));
    let rows: Vec<Vec<String>> = amounts
        .iter()
        .map(|a| {
            let interval = a
                .interval
                .map_or("–".into(), |(l, h)| format!("{} to {}", money(l), money(h)));
            vec![a.name.clone(), money(a.to - a.from), interval]
        })
        .collect();
    let title = "What shipped bets earned so far, with 80% intervals";
    let columns = ["".to_string(), "Amount".into(), "80% interval".into()];
    html! { div.card { (charts::figure(title, charts::waterfall(title, &amounts, &money), &columns, &rows)) } }
}

fn advice(a: Advice) -> Markup {
    let tone = match a {
        Advice::Scale => "good",
        Advice::Keep => "",
        Advice::Stop => "bad",
        Advice::Wait => "warn",
    };
    badge(tone, a.word())
}

fn earned(loaded: &Loaded, r: &Realised) -> Markup {
    let money = |x: f64| format::in_unit(x, Some("currency"), r.currency.as_deref());
    let shown = |e: &Option<Estimate>, show: &dyn Fn(f64) -> String| match e {
        Some(e) => html! { (show(e.point)) br; span.soft { "[" (show(e.low)) ", " (show(e.high)) "]" } },
        None => html! { span.soft { "–" } },
    };
    let row = |b: &EarnedBet| {
        html! { tr {
            th scope="row" { (parts::link(loaded, Kind::Bet, &b.bet)) @if let Some(since) = &b.since { br; span.soft { "since " (since) } } }
            td data-l="Advice" { (advice(b.advice)) br; span.soft { (b.because) } }
            td.num data-l="Plan" { (b.plan.map_or("–".into(), money)) }
            td.num data-l="Naive" { (b.naive.map_or("–".into(), money)) }
            td.num data-l="Earned" { (shown(&b.money, &money)) }
            td.num data-l="Units" { (shown(&b.units, &format::number)) }
        } }
    };
    html! { div.card { div.scroll tabindex="0" role="region" aria-label="Earned by bet" { table.stack {
        thead { tr { th scope="col" { "Bet" } th scope="col" { "Advice" } th.num scope="col" { "Plan" } th.num scope="col" { "Naive" } th.num scope="col" { "Earned, 80%" } th.num scope="col" { "Units" } } }
        tbody { @for b in &r.bets { (row(b)) } }
    } } } }
}

pub(super) fn state(case: &BetCase) -> Markup {
    let tone = match case.state {
        BetState::Succeeded => "good",
        BetState::Failed => "bad",
        BetState::Overdue => "warn",
        BetState::Open | BetState::Draft => "",
    };
    html! { (badge(tone, case.state.word())) @if case.edited { " " (badge("warn", "edited since")) } }
}

fn promises(loaded: &Loaded, cases: &[BetCase]) -> Markup {
    html! { div.card { div.scroll tabindex="0" role="region" aria-label="Bets" { table.stack {
        thead { tr { th scope="col" { "Bet" } th scope="col" { "State" } th.num scope="col" { "Stated" } th.num scope="col" { "Effect" } th scope="col" { "Resolve by" } th.num scope="col" { "Versions" } th.num scope="col" { "Brier" } } }
        tbody { @for c in cases {
            @let bet = c.versions.first().map(|v| &v.bet).or(c.defined.as_ref());
            tr {
                th scope="row" { (parts::link(loaded, Kind::Bet, &c.name)) }
                td data-l="State" { (state(c)) }
                td.num data-l="Stated" { (bet.map_or("–".into(), |b| format::percent(b.probability))) }
                td.num data-l="Effect" { @if let Some(b) = bet { (format::change(b.effect[1])) } }
                td data-l="Resolve by" { (bet.and_then(|b| b.resolve_by.as_deref()).unwrap_or("–")) }
                td.num data-l="Versions" { (c.versions.len()) }
                td.num data-l="Brier" { (c.versions.first().and_then(FrozenBet::brier).map_or("–".into(), |b| format!("{b:.3}"))) }
            }
        } }
    } } } }
}

/// The promises as CSV.
pub async fn csv(Shared(state): Shared<State>) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let mut out = format::csv_line([
        "bet",
        "state",
        "probability",
        "p10",
        "p50",
        "p90",
        "resolve_by",
        "versions",
        "brier",
        "edited",
    ]);
    for c in value::bets(&loaded.context).await? {
        let bet = c.versions.first().map(|v| &v.bet).or(c.defined.as_ref());
        let effect = bet.map(|b| b.effect.map(|e| e.to_string())).unwrap_or_default();
        out.push_str(&format::csv_line([
            c.name.clone(),
            c.state.word().to_string(),
            bet.map_or(String::new(), |b| b.probability.to_string()),
            effect[0].clone(),
            effect[1].clone(),
            effect[2].clone(),
            bet.and_then(|b| b.resolve_by.clone()).unwrap_or_default(),
            c.versions.len().to_string(),
            c.versions
                .first()
                .and_then(FrozenBet::brier)
                .map_or(String::new(), |b| b.to_string()),
            c.edited.to_string(),
        ]));
    }
    Ok(parts::csv(out))
}

fn believed(c: &Calibration) -> Markup {
    let two = |e: &Estimate| format!("{:.2} [{:.2}, {:.2}]", e.point, e.low, e.high);
    let title = "How often it happened, by stated probability";
    let figure = c.all.brier.as_ref().zip(c.all.line.as_ref()).map(|(b, line)| {
        let bins: Vec<_> = b
            .bins
            .iter()
            .map(|bin| (bin.stated, bin.happened.point, bin.happened.low, bin.happened.high))
            .collect();
        let curve: Vec<(f64, f64)> = (1..100)
            .map(|i| f64::from(i) / 100.0)
            .map(|p| (p, line.correct(p, 0.0)))
            .collect();
        let rows: Vec<Vec<String>> = bins
            .iter()
            .zip(&b.bins)
            .map(|((s, h, l, u), bin)| {
                vec![
                    format::percent(*s),
                    format::percent(*h),
                    format!("{} to {}", format::percent(*l), format::percent(*u)),
                    bin.happened.n.to_string(),
                ]
            })
            .collect();
        let columns = [
            "Stated".to_string(),
            "Happened".into(),
            "95% interval".into(),
            "Forecasts".into(),
        ];
        charts::figure(title, charts::reliability(title, &bins, &curve), &columns, &rows)
    });
    html! {
        div.card.verdict { (c.summary) " " (parts::why(&c.evidence)) }
        div.plots {
            @if let Some(figure) = figure { div.card { (figure) } }
            div.card {
                dl.facts {
                    @if let Some(line) = &c.all.line {
                        dt { "Slope" } dd { (two(&line.slope)) " " span.soft { "below 1: too bold" } }
                        dt { "Intercept" } dd { (two(&line.intercept)) " " span.soft { "below 0: too hopeful" } }
                        dt { "Calibrated?" } dd { (format::p_value(line.p_calibrated)) }
                    }
                    @if let Some(b) = &c.all.brier {
                        dt { "Brier score" } dd { (two(&b.score)) }
                        dt { "Skill" } dd { (two(&b.skill)) " " span.soft { "against the base rate" } }
                    }
                    @if let Some(e) = &c.all.refused { dt { "Not told" } dd { (e.detail) "; " (e.fix) } }
                    dt { "Ranges held" } dd { @match &c.ranges { Some(e) => { (format::percent(e.point)) " of " (e.n) ", 80% is right" }, None => { (c.no_ranges.as_ref().map_or(String::new(), ToString::to_string)) } } }
                    dt { "Unresolved" } dd { (c.unresolved) }
                    @if c.left_out > 0 { dt { "Left out" } dd { (c.left_out) " without a probability between 0 and 1" } }
                }
                h3 { "By team" }
                div.scroll tabindex="0" role="region" aria-label="Calibration by team" { table.dense {
                    thead { tr { th scope="col" { "Team" } th.num scope="col" { "Resolved" } th.num scope="col" { "Skill" } th.num scope="col" { "80% has meant" } } }
                    tbody { @for t in &c.teams { tr {
                        th scope="row" { (t.team) }
                        td.num { (t.resolved) }
                        td.num { @match &t.skill { Some(s) => (two(s)), None => span.soft { "insufficient" } } }
                        td.num { (t.eighty.map_or("–".into(), format::percent)) }
                    } } }
                } }
                p.note { "Personal scores are for their owner: " code { "steward value calibration --as PERSON" } "." }
            }
        }
    }
}
