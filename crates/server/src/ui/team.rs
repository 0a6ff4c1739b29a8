//! `/team` and the pages of teams and questions.

use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use maud::{Markup, html};
use steward_capabilities::CapabilityError;
use steward_capabilities::people::{self, QuestionState, QuestionStatus, SkillStatus, TeamStatus};
use steward_compute::Value;
use steward_definitions::Kind;

use super::entities::answer;
use super::layout::{badge, page};
use super::parts::{self, AsOf};
use crate::State;
use crate::charts;
use crate::error::ErrorPage;
use crate::format;
use crate::pack::values::plain;
use crate::state::Loaded;

/// `/team`.
pub async fn show(Shared(state): Shared<State>) -> Result<Markup, ErrorPage> {
    let loaded = state.loaded().await;
    let mut teams = Vec::new();
    for name in loaded.context.project.teams.keys() {
        teams.push((name, people::team(&loaded.context, name, people::HORIZON_WEEKS).await));
    }
    let questions = people::questions(&loaded.context)?;
    Ok(page(
        &loaded,
        "/team",
        "Team",
        html! {
            h1 { "Team" }
            p.lede { "Who can do what, whether that will be enough, and who grows into what. Skills and capacity, never a score of a person." }
            @if teams.is_empty() { div.card { p { "No team is defined. Write one in " code { "teams/" } "." } } }
            @for (name, found) in &teams { (section(&loaded, name, found)) }
            h2 #questions { "Questions asked of us" }
            (queue(&loaded, &questions))
        },
    ))
}

fn section(loaded: &Loaded, name: &str, found: &Result<TeamStatus, CapabilityError>) -> Markup {
    let t = match found {
        Ok(t) => t,
        Err(e) => {
            return html! { div.card { h2 { (parts::link(loaded, Kind::Team, name)) } p { (badge("bad", "unreadable")) " " (e) } } };
        }
    };
    let alone: Vec<&SkillStatus> = t.skills.iter().filter(|s| s.bus_factor <= 1).collect();
    let [low, middle, high] = t.demand_weeks;
    html! {
        section aria-label=(name) {
            h2 { (parts::link(loaded, Kind::Team, name)) }
            div.grid.apart {
                div.card { p.soft { "Capacity to " (t.until) } p.big { (format::number(t.supply_weeks)) " weeks" } p.note { (t.members.len()) " people, holidays taken out" } }
                div.card { p.soft { "Asked by initiatives" } p.big { (format::number(middle)) " weeks" } p.note { "80% between " (format::number(low)) " and " (format::number(high)) "; more than there is with probability " (format::probability(t.shortage)) } }
                div.card { p.soft { "Skills that hang on one person or nobody" } p.big { (alone.len()) " of " (t.skills.len()) } p.note { @for (i, s) in alone.iter().enumerate() { @if i > 0 { ", " } (s.skill) } } }
            }
            div.card { (skills_map(t)) }
            div.card { (coverage(loaded, t)) }
            div.nouns {
                section.card aria-label="Openings" { h2 { "Openings" } (openings(t)) }
                section.card aria-label="Growth" { h2 { "Growth" } (growth(t)) }
                section.card aria-label="Learning" { h2 { "Learning" } (learning(t)) }
            }
            @if !t.gaps.is_empty() { details.data { summary { "Not taken into account: " (t.gaps.len()) } ul { @for g in &t.gaps { li { (g) } } } } }
        }
    }
}

fn skills_map(t: &TeamStatus) -> Markup {
    let mut skills: Vec<String> = t.skills.iter().map(|s| s.skill.clone()).collect();
    skills.sort();
    let people: Vec<String> = t.members.iter().map(|m| m.person.clone()).collect();
    let level = |row: usize, column: usize| {
        let member = t.members.get(row);
        let found = member.and_then(|m| m.skills.iter().find(|(s, _)| Some(s) == skills.get(column)));
        found.map_or(0, |(_, level)| *level)
    };
    let rows: Vec<Vec<String>> = t
        .members
        .iter()
        .map(|m| {
            vec![
                m.person.clone(),
                m.skills
                    .iter()
                    .map(|(s, l)| format!("{s} {l}"))
                    .collect::<Vec<_>>()
                    .join(", "),
            ]
        })
        .collect();
    let columns = ["Person", "Skills with their level"].map(str::to_owned);
    charts::figure(
        "Skills",
        charts::heatmap("Skills by person and level", &people, &skills, &level),
        &columns,
        &rows,
    )
}

fn coverage(loaded: &Loaded, t: &TeamStatus) -> Markup {
    let currency = loaded.context.project.settings.currency.as_deref();
    let cash = |minor: i64| format::in_unit(minor as f64, Some("currency"), currency);
    html! {
        h3 { "Coverage, scarcest first" }
        div.scroll tabindex="0" role="region" aria-label="Coverage" { table.stack {
            thead { tr { th scope="col" { "Skill" } th scope="col" { "Relied upon" } th.num scope="col" { "Weeks there" } th.num scope="col" { "Weeks asked, 80%" } th.num scope="col" { "Shortage" } th scope="col" { "What would close it" } } }
            tbody { @for s in &t.skills { tr {
                th scope="row" { (s.skill) }
                td data-l="Relied upon" { @if s.bus_factor <= 1 { (badge(if s.bus_factor == 0 { "bad" } else { "warn" }, if s.bus_factor == 0 { "nobody" } else { "one person" })) " " } (s.able.join(", ")) }
                td.num data-l="There" { (format::number(s.supply_weeks)) }
                td.num data-l="Asked" { @if s.shortage.is_some() { (format::number(s.demand_weeks[1])) br; span.soft { "[" (format::number(s.demand_weeks[0])) ", " (format::number(s.demand_weeks[2])) "]" } } @else { span.soft { "nothing" } } }
                td.num data-l="Shortage" { @match s.shortage { Some(p) => (format::probability(p)), None => span.soft { "–" } } }
                td data-l="Remedies" { @for (i, r) in s.remedies.iter().enumerate() { @if i > 0 { br; } (r.remedy) ": shortage " (format::probability(r.shortage)) ", " (cash(r.cost_minor)) } }
            } } }
        } }
        p.note { "Who is able in several skills gives each the share of their time that is asked of it. A remedy is one more person who helps after its waiting time." }
    }
}

fn openings(t: &TeamStatus) -> Markup {
    html! {
        @if t.openings.is_empty() { p.soft { "Nothing is open." } }
        ul.plain { @for o in &t.openings { li {
            strong { (o.opening) } " " (badge(if o.late { "bad" } else { "" }, &o.stage))
            br; span.soft { (o.skills.join(", ")) @if let Some(d) = o.days { ", open for " (d) " days" } @if let Some(by) = &o.by { ", wanted by " (by) } }
        } } }
    }
}

fn growth(t: &TeamStatus) -> Markup {
    html! {
        @if t.growth.is_empty() { p.soft { "No growth plans." } }
        ul.plain { @for g in &t.growth { li {
            strong { (g.person) } ": " (g.skill) " to " (g.name.clone().unwrap_or_else(|| g.level.to_string())) " "
            @if g.reached { (badge("good", "reached")) }
            br; span.soft { @match g.now { Some(n) => { "level " (n) " now" }, None => "not on record now" } @if let Some(by) = &g.by { ", by " (by) } @if let Some(how) = &g.how { ", " (how) } }
        } } }
    }
}

fn learning(t: &TeamStatus) -> Markup {
    html! {
        @if t.learning.is_empty() { p.soft { "Nothing is planned." } }
        ul.plain { @for l in &t.learning { li {
            strong { (l.event) } ", " time { (l.date) } br; span.soft { (l.people.join(", ")) @if let Some(s) = &l.skill { ": " (s) } }
        } } }
    }
}

fn tone(state: QuestionState) -> &'static str {
    match state {
        QuestionState::Overdue => "bad",
        QuestionState::Expired => "warn",
        QuestionState::Open => "",
        QuestionState::Answered => "good",
    }
}

fn queue(loaded: &Loaded, questions: &[QuestionStatus]) -> Markup {
    html! {
        @if questions.is_empty() { p.soft { "No questions. They are files in " code { "questions/" } "." } } @else {
            div.card { div.scroll tabindex="0" role="region" aria-label="Questions" { table.stack {
                thead { tr { th scope="col" { "Question" } th scope="col" { "State" } th scope="col" { "Asked by" } th scope="col" { "Owner" } th scope="col" { "Due or expires" } } }
                tbody { @for q in questions { tr {
                    th scope="row" { (parts::link(loaded, Kind::Question, &q.question)) br; span.soft { (q.asks) } }
                    td data-l="State" { (badge(tone(q.state), q.state.word())) @if let Some(days) = q.waits { " " span.soft { (days) " days" } } }
                    td data-l="Asked by" { (q.asked_by) ", " time { (q.asked_on) } }
                    td data-l="Owner" { (q.owner) }
                    td data-l="Due" { @match (&q.expires, &q.due) { (Some(e), _) => { "expires " time { (e) } }, (None, Some(d)) => { "due " time { (d) } }, _ => span.soft { "–" } } }
                } } }
            } } }
        }
    }
}

/// A team.
pub async fn team(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Team, &segment);
    let Some(t) = loaded.context.project.teams.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Team, &name).into());
    };
    let facts = vec![
        ("People", parts::link(&loaded, Kind::Dataset, &t.people.dataset)),
        (
            "Skills",
            html! { @match &t.skills { Some(s) => (parts::link(&loaded, Kind::Dataset, &s.dataset)), None => "not named" } },
        ),
        (
            "Holidays",
            html! { @match &t.holidays { Some(h) => (parts::link(&loaded, Kind::Dataset, &h.dataset)), None => "not named" } },
        ),
        ("Relied upon from", html! { "level " (t.able_from) }),
        ("Time for initiatives", html! { (format::percent(t.available)) }),
        (
            "Ladder",
            html! { ol { @for r in &t.ladder { li value=(r.level) { strong { (r.name) } @if let Some(m) = &r.means { ": " (m) } } } } },
        ),
    ];
    let found = people::team(&loaded.context, &name, people::HORIZON_WEEKS).await;
    let evidence = html! {
        @match &found {
            Ok(status) => {
                p { (status.members.len()) " people, " (format::number(status.supply_weeks)) " weeks to " (status.until) "; " (format::number(status.demand_weeks[1])) " asked." }
                p { a href="/team" { "Skills, coverage, growth" } }
            },
            Err(e) => p { (badge("bad", "unreadable")) " " (e) },
        }
    };
    match (form, found) {
        (parts::Form::Page, _) | (_, Err(_)) => {
            answer(&loaded, Kind::Team, &t.meta, form, &asked, t, facts, evidence).await
        }
        (_, Ok(status)) => answer(&loaded, Kind::Team, &t.meta, form, &asked, &status, facts, evidence).await,
    }
}

/// A question.
pub async fn question(
    Shared(state): Shared<State>,
    Path(segment): Path<String>,
    Query(asked): Query<AsOf>,
) -> Result<Response, ErrorPage> {
    let loaded = state.loaded().await;
    let (name, form) = parts::form(&loaded, Kind::Question, &segment);
    let Some(q) = loaded.context.project.questions.get(&name) else {
        return Err(parts::unknown(&loaded, Kind::Question, &name).into());
    };
    let status = people::questions(&loaded.context)?
        .into_iter()
        .find(|s| s.question == name);
    let facts = vec![
        ("Asks", html! { (q.asks) }),
        ("Asked by", html! { (q.asked_by) ", " (q.asked_on) }),
        (
            "Decision it changes",
            html! { (q.decision.as_deref().unwrap_or("not stated")) },
        ),
        (
            "State",
            html! { @if let Some(s) = &status { (badge(tone(s.state), s.state.word())) } },
        ),
        ("Expires", html! { (q.expires.as_deref().unwrap_or("–")) }),
        (
            "Saved query",
            html! { @match &q.query { Some(sql) => pre tabindex="0" { (sql) }, None => span.soft { "none yet" } } },
        ),
    ];
    let evidence = match q.query.as_ref() {
        None => html! { p.soft { "Nobody has answered yet." } },
        Some(_) => match people::answer(&loaded.context, &name).await {
            Err(e) => html! { p { (badge("bad", "fails")) " " (e) } },
            Ok(found) => html! {
                div.scroll tabindex="0" role="region" aria-label="Answer" { table {
                    thead { tr { @for c in &found.value.columns { th scope="col" { (c) } } } }
                    tbody { @for row in found.value.rows.iter().take(20) { tr { @for v in row { td.num[matches!(v, Value::Integer(_) | Value::Number(_))] { (plain(v)) } } } } }
                } }
                p.note { (found.value.rows.len()) " rows " (parts::why(&found.evidence.id)) }
            },
        },
    };
    match (form, status) {
        (parts::Form::Page, _) | (_, None) => {
            answer(&loaded, Kind::Question, &q.meta, form, &asked, q, facts, evidence).await
        }
        (_, Some(status)) => answer(&loaded, Kind::Question, &q.meta, form, &asked, &status, facts, evidence).await,
    }
}
