//! `initiatives/`: items of the portfolio.

use std::collections::BTreeMap;

use crate::decode::{Decoder, MapReader, Target, date, share};
use crate::project::Kind;
use crate::yaml::Node;
use crate::{Diagnostic, Initiative, Interest, Rice, Settings, Work, Wsjf};

/// Reads an initiative; problems go to the decoder.
pub(super) fn read(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Initiative> {
    let mut map = decoder.map(document, "an initiative")?;
    let meta = super::meta(&mut map, Kind::Initiative, "initiative", settings);
    let day = |map: &mut MapReader<'_>, key: &str| {
        map.get(key)
            .and_then(|node| super::meta::is_day(decoder, node, &format!("`{key}`")))
    };
    let initiative = Initiative {
        objectives: map.names_of("objectives", Kind::Objective),
        problem: map.text("problem"),
        decision: map.text("decision"),
        start: day(&mut map, "start"),
        due: day(&mut map, "due"),
        effort_weeks: three_points(&mut map, "effort_weeks", Some(0.0)),
        depends_on: map.names_of("depends_on", Kind::Initiative),
        team: team(&mut map),
        work: match map.choice("work", &["feature", "debt", "spike"]).as_deref() {
            Some("debt") => Work::Debt,
            Some("spike") => Work::Spike,
            _ => Work::Feature,
        },
        skills: skills(&mut map),
        items: three_points(&mut map, "items", Some(0.0)),
        delay_cost_minor: super::bet::amount(&mut map, "delay_cost", settings),
        rice: rice(&mut map),
        wsjf: wsjf(&mut map),
        interest: interest(&mut map, settings),
        informs: map.name_of("informs", Kind::Initiative),
        kill_by: day(&mut map, "kill_by"),
        meta,
    };
    if let (Some(start), Some(due)) = (&initiative.start, &initiative.due)
        && date(start) > date(due)
    {
        let problem = Diagnostic::error(
            "period",
            map.value_span("due"),
            format!("{} is due before it starts", map.what()),
        );
        decoder.report(problem.expected("a `due` on or after `start`"));
    }
    works(&map, &initiative);
    map.finish();
    Some(initiative)
}

/// What only some sorts of work have, and what they must have.
fn works(map: &MapReader<'_>, initiative: &Initiative) {
    let spike = initiative.work == Work::Spike;
    for (key, needed) in [
        ("informs", spike),
        ("kill_by", spike),
        ("interest", initiative.work == Work::Debt),
    ] {
        let what = if key == "interest" { "debt" } else { "spike" };
        if needed && !map.has(key) {
            let problem = Diagnostic::error(
                "missing-key",
                map.span(),
                format!("{} is a {what} without `{key}`", map.what()),
            );
            map.decoder().report(problem.expected(format!("the key `{key}`")));
        }
        if !needed && map.has(key) {
            let message = format!(
                "{} has `{key}`, which has no effect unless it is `work: {what}`",
                map.what()
            );
            map.decoder().report(
                Diagnostic::error("bad-value", map.value_span(key), message).hint(format!("add `work: {what}`")),
            );
        }
    }
}

/// `skills: {modelling: 6, backend: [2, 3, 5]}`.
fn skills(map: &mut MapReader<'_>) -> BTreeMap<String, [f64; 3]> {
    let Some(mut inner) = map.map("skills") else {
        return BTreeMap::new();
    };
    let names: Vec<String> = inner.node().entries().iter().map(|e| e.key.clone()).collect();
    let mut all = BTreeMap::new();
    for name in names {
        let single = inner
            .get(&name)
            .is_some_and(|n| n.items().is_empty() && n.entries().is_empty());
        let range = if single {
            not_negative(&mut inner, &name).map(|x| [x; 3])
        } else {
            three_points(&mut inner, &name, Some(0.0))
        };
        all.extend(range.map(|r| (name, r)));
    }
    all
}

/// A number that is 0 or more.
pub(super) fn not_negative(map: &mut MapReader<'_>, key: &str) -> Option<f64> {
    let value = map.number(key)?;
    if value < 0.0 {
        map.error(
            "bad-value",
            key,
            format!("`{key}` of {} is {value}, below 0", map.what()),
        );
        return None;
    }
    Some(value)
}

fn required_not_negative(map: &mut MapReader<'_>, key: &str) -> Option<f64> {
    map.required(key)?;
    not_negative(map, key)
}

fn rice(map: &mut MapReader<'_>) -> Option<Rice> {
    let mut inner = map.map("rice")?;
    let (reach, impact) = (
        required_not_negative(&mut inner, "reach"),
        required_not_negative(&mut inner, "impact"),
    );
    let confidence = inner.required("confidence").and_then(|node| {
        let read = inner.decoder().text(node, "`confidence`").as_deref().and_then(share);
        let good = read.filter(|c| *c > 0.0 && *c <= 1.0);
        if good.is_none() {
            let message = format!("`confidence` is {}", node.describe());
            inner
                .decoder()
                .bad_value(node, message, "a share above 0 and at most 1, such as `80%`");
        }
        good
    });
    inner.finish();
    Some(Rice {
        reach: reach?,
        impact: impact?,
        confidence: confidence?,
    })
}

fn wsjf(map: &mut MapReader<'_>) -> Option<Wsjf> {
    let mut inner = map.map("wsjf")?;
    let [value, urgency, risk] = ["value", "urgency", "risk"].map(|k| required_not_negative(&mut inner, k));
    inner.finish();
    Some(Wsjf {
        value: value?,
        urgency: urgency?,
        risk: risk?,
    })
}

/// `interest: {incidents: 1.5, incident_cost: 3000, retries: 400, retry_cost: 2, toil_hours: 40, hour_cost: 70}`, a month.
fn interest(map: &mut MapReader<'_>, settings: &Settings) -> Option<Interest> {
    let mut inner = map.map("interest")?;
    let mut pair = |count: &str, cost: &str| {
        let many = not_negative(&mut inner, count).unwrap_or(0.0);
        let each = super::bet::amount(&mut inner, cost, settings);
        if many > 0.0 && each.is_none() && !inner.has(cost) {
            inner.error(
                "missing-key",
                count,
                format!("`{count}` has no `{cost}`: what does one cost?"),
            );
        }
        (many, each.unwrap_or(0))
    };
    let (incidents, incident_minor) = pair("incidents", "incident_cost");
    let (retries, retry_minor) = pair("retries", "retry_cost");
    let (toil_hours, hour_minor) = pair("toil_hours", "hour_cost");
    inner.finish();
    Some(Interest {
        incidents,
        incident_minor,
        retries,
        retry_minor,
        toil_hours,
        hour_minor,
    })
}

fn team(map: &mut MapReader<'_>) -> Vec<String> {
    let people = map.placed_texts("team");
    for (person, place) in &people {
        map.decoder().mention(Target::Owner(person.clone()), *place, map.what());
    }
    people.into_iter().map(|(person, _)| person).collect()
}

/// The 10th, 50th and 90th percentile: `[1, 2, 4]` or `{p10: 1, p50: 2, p90: 4}`, in ascending order, at least `least`.
pub(super) fn three_points(map: &mut MapReader<'_>, key: &str, least: Option<f64>) -> Option<[f64; 3]> {
    let node = map.get(key)?;
    let decoder = map.decoder();
    let what = format!("`{key}` of {}", map.what());
    let expected = format!(
        "three numbers in ascending order{}: the 10th, 50th and 90th percentile",
        if least.is_some() { ", none below 0" } else { "" }
    );
    let values: Vec<f64> = if node.entries().is_empty() {
        decoder
            .list(node, &what)
            .iter()
            .filter_map(|n| decoder.number(n, &what))
            .collect()
    } else {
        let mut inner = map.map(key)?;
        let values = ["p10", "p50", "p90"]
            .iter()
            .filter_map(|k| inner.required_number(k))
            .collect();
        inner.finish();
        values
    };
    match values.as_slice() {
        &[low, middle, high] if low <= middle && middle <= high && least.is_none_or(|l| low >= l) => {
            Some([low, middle, high])
        }
        _ => {
            decoder.bad_value(node, format!("{what} is not a range"), expected);
            None
        }
    }
}
