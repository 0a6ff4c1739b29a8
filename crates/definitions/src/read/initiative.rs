//! `initiatives/`: items of the portfolio.

use crate::decode::{Decoder, MapReader, Target, date};
use crate::project::Kind;
use crate::yaml::Node;
use crate::{Diagnostic, Initiative, Settings};

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
    map.finish();
    Some(initiative)
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
