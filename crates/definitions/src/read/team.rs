//! `teams/` and `questions/`.

use super::initiative::three_points;
use super::money::{amount, column, day, maybe_column, maybe_day};
use crate::decode::{Decoder, MapReader, Target, share};
use crate::project::Kind;
use crate::yaml::Node;
use crate::{
    Growth, HolidayTable, Learning, Opening, PeopleTable, Question, Remedy, Rung, Settings, SkillDemand, SkillTable,
    Team,
};

/// Stages of an opening, in order.
pub(crate) const STAGES: [&str; 6] = ["approved", "sourcing", "interviews", "offer", "filled", "closed"];
/// Ways to close a gap.
pub(crate) const REMEDIES: [&str; 3] = ["hire", "train", "contract"];

/// Reads a team; problems go to the decoder.
pub(super) fn team(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Team> {
    let mut map = decoder.map(document, "a team")?;
    let meta = super::meta(&mut map, Kind::Team, "team", settings);
    map.required("people");
    let team = Team {
        people: people(&mut map).unwrap_or_default(),
        skills: skills(&mut map),
        holidays: holidays(&mut map),
        ladder: ladder(&mut map),
        able_from: map.count("able_from").unwrap_or(2),
        available: part(&mut map, "available").unwrap_or(0.7),
        demand: demand(&mut map),
        remedies: remedies(&mut map, settings),
        openings: openings(&mut map),
        growth: growth(&mut map),
        learning: learning(&mut map),
        meta,
    };
    map.finish();
    Some(team)
}

fn people(map: &mut MapReader<'_>) -> Option<PeopleTable> {
    let mut inner = map.map("people")?;
    inner.rename("`people`");
    let dataset = inner.required_name_of("dataset", Kind::Dataset);
    let found = PeopleTable {
        person: column(&mut inner, "person", &dataset),
        country: maybe_column(&mut inner, "country", &dataset),
        hours: maybe_column(&mut inner, "hours", &dataset),
        part: maybe_column(&mut inner, "part", &dataset),
        dataset,
    };
    inner.finish();
    Some(found)
}

fn skills(map: &mut MapReader<'_>) -> Option<SkillTable> {
    let mut inner = map.map("skills")?;
    inner.rename("`skills`");
    let dataset = inner.required_name_of("dataset", Kind::Dataset);
    let found = SkillTable {
        person: column(&mut inner, "person", &dataset),
        skill: column(&mut inner, "skill", &dataset),
        level: column(&mut inner, "level", &dataset),
        dataset,
    };
    inner.finish();
    Some(found)
}

fn holidays(map: &mut MapReader<'_>) -> Option<HolidayTable> {
    let mut inner = map.map("holidays")?;
    inner.rename("`holidays`");
    let dataset = inner.required_name_of("dataset", Kind::Dataset);
    let found = HolidayTable {
        date: column(&mut inner, "date", &dataset),
        country: column(&mut inner, "country", &dataset),
        dataset,
    };
    inner.finish();
    Some(found)
}

fn ladder(map: &mut MapReader<'_>) -> Vec<Rung> {
    let mut found: Vec<Rung> = Vec::new();
    for mut inner in map.maps("ladder") {
        inner.rename("a level");
        inner.required("level");
        let rung = Rung {
            level: inner.count("level").unwrap_or_default(),
            name: inner.required_text("name"),
            means: inner.text("means"),
        };
        if found.last().is_some_and(|last| last.level >= rung.level) {
            inner.error("bad-value", "level", "levels stand in ascending order, each once");
        }
        inner.finish();
        found.push(rung);
    }
    found
}

/// A share above 0 and at most 1: `0.6`, `60%`.
fn part(map: &mut MapReader<'_>, key: &str) -> Option<f64> {
    let node = map.get(key)?;
    let value = map
        .decoder()
        .text(node, key)
        .as_deref()
        .and_then(share)
        .filter(|s| *s > 0.0);
    if value.is_none() {
        let message = format!("`{key}` is {}", node.describe());
        map.decoder()
            .bad_value(node, message, "a share above 0 and at most 1, such as `0.6` or `60%`");
    }
    value
}

fn demand(map: &mut MapReader<'_>) -> Vec<SkillDemand> {
    let mut found = Vec::new();
    for mut inner in map.maps("demand") {
        inner.rename("a demand");
        inner.required("share");
        found.push(SkillDemand {
            initiative: inner.required_name_of("initiative", Kind::Initiative),
            skill: inner.required_text("skill"),
            share: part(&mut inner, "share").unwrap_or_default(),
        });
        inner.finish();
    }
    found
}

fn remedies(map: &mut MapReader<'_>, settings: &Settings) -> Vec<Remedy> {
    let mut found = Vec::new();
    for mut inner in map.maps("remedies") {
        inner.required("remedy");
        let remedy = inner.choice("remedy", &REMEDIES).unwrap_or_default();
        inner.rename(format!("the remedy `{remedy}`"));
        inner.required("weeks");
        found.push(Remedy {
            remedy,
            weeks: three_points(&mut inner, "weeks", Some(0.0)).unwrap_or_default(),
            once_minor: amount(&mut inner, "once", settings).unwrap_or_default(),
            weekly_minor: amount(&mut inner, "weekly", settings).unwrap_or_default(),
        });
        inner.finish();
    }
    found
}

fn openings(map: &mut MapReader<'_>) -> Vec<Opening> {
    let mut found = Vec::new();
    for mut inner in map.maps("openings") {
        let opening = inner.required_text("opening");
        inner.rename(format!("the opening `{opening}`"));
        inner.required("stage");
        found.push(Opening {
            opening,
            skills: inner.texts("skills"),
            stage: inner.choice("stage", &STAGES).unwrap_or_default(),
            since: maybe_day(&mut inner, "since"),
            by: maybe_day(&mut inner, "by"),
        });
        inner.finish();
    }
    found
}

fn growth(map: &mut MapReader<'_>) -> Vec<Growth> {
    let mut found = Vec::new();
    for mut inner in map.maps("growth") {
        inner.rename("a growth plan");
        inner.required("level");
        let person = inner.required_text("person");
        if !person.is_empty() {
            inner.mention("person", Target::Owner(person.clone()));
        }
        found.push(Growth {
            person,
            skill: inner.required_text("skill"),
            level: inner.count("level").unwrap_or_default(),
            by: maybe_day(&mut inner, "by"),
            how: inner.text("how"),
        });
        inner.finish();
    }
    found
}

fn learning(map: &mut MapReader<'_>) -> Vec<Learning> {
    let mut found = Vec::new();
    for mut inner in map.maps("learning") {
        let event = inner.required_text("event");
        inner.rename(format!("the event `{event}`"));
        let people = inner.placed_texts("people");
        for (person, place) in &people {
            inner
                .decoder()
                .mention(Target::Owner(person.clone()), *place, inner.what());
        }
        found.push(Learning {
            event,
            date: day(&mut inner, "date"),
            people: people.into_iter().map(|(person, _)| person).collect(),
            skill: inner.text("skill"),
        });
        inner.finish();
    }
    found
}

/// Reads a question; problems go to the decoder.
pub(super) fn question(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Question> {
    let mut map = decoder.map(document, "a question")?;
    let meta = super::meta(&mut map, Kind::Question, "question", settings);
    let question = Question {
        asks: map.required_text("asks"),
        asked_by: map.required_text("asked_by"),
        asked_on: day(&mut map, "asked_on"),
        due: maybe_day(&mut map, "due"),
        decision: map.text("decision"),
        query: map.text("query"),
        expires: maybe_day(&mut map, "expires"),
        meta,
    };
    if let Some(query) = &question.query {
        map.mention("query", Target::Query(query.clone()));
        if question.expires.is_none() && !map.has("expires") {
            let problem = crate::Diagnostic::error(
                "missing-key",
                map.span(),
                format!("the answer of {} never expires", map.what()),
            );
            map.decoder()
                .report(problem.expected("`expires:`, the day from which it must be looked at again"));
        }
    }
    map.finish();
    Some(question)
}
