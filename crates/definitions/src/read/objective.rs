//! `objectives/`: what is wanted, by when, measured by governed metrics.

use crate::decode::{Decoder, MapReader, date};
use crate::project::Kind;
use crate::yaml::{Node, Value};
use crate::{Diagnostic, KeyResult, Objective, Settings};

/// Reads an objective; problems go to the decoder.
pub(super) fn read(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Objective> {
    let mut map = decoder.map(document, "an objective")?;
    let meta = super::meta(&mut map, Kind::Objective, "objective", settings);
    let (start, end) = read_period(&mut map);
    let parent = map.name_of("parent", Kind::Objective);
    let key_results = read_key_results(&mut map);
    map.finish();
    Some(Objective {
        meta,
        parent,
        start,
        end,
        key_results,
    })
}

/// First and last day under `period`.
pub(super) fn read_period(map: &mut MapReader<'_>) -> (String, String) {
    let decoder = map.decoder();
    let nothing = (String::new(), String::new());
    let Some(node) = map.required("period") else {
        return nothing;
    };
    if matches!(node.value, Value::Map(_)) {
        let Some(mut inner) = map.map("period") else {
            return nothing;
        };
        inner.rename("`period`");
        let day = |inner: &mut MapReader<'_>, key: &str| {
            let node = inner.required(key)?;
            super::meta::is_day(decoder, node, &format!("`{key}`"))
        };
        let (start, end) = (day(&mut inner, "start"), day(&mut inner, "end"));
        if let (Some(start), Some(end)) = (&start, &end)
            && date(start) >= date(end)
        {
            let problem = Diagnostic::error(
                "period",
                inner.value_span("end"),
                format!("{} ends before it starts", map.what()),
            );
            decoder.report(problem.expected("an `end` (its last day) after `start`"));
        }
        inner.finish();
        return (start.unwrap_or_default(), end.unwrap_or_default());
    }
    let Some(text) = decoder.text(node, "`period`") else {
        return nothing;
    };
    match named_period(&text) {
        Some(period) => period,
        None => {
            decoder.bad_value(
                node,
                format!("`period` is `{text}`"),
                "`2025`, `2025-H1`, `2025-Q4`, `2025-10` or `{start: DAY, end: DAY}`",
            );
            nothing
        }
    }
}

/// First and last day of `2025`, `2025-H1`, `2025-Q4` or `2025-10`.
fn named_period(text: &str) -> Option<(String, String)> {
    let (year, part) = text.split_once('-').map_or((text, ""), |(y, p)| (y, p));
    if year.len() != 4 || !year.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let number = |text: &str| text.parse::<i8>().ok();
    if text.ends_with('-') {
        return None;
    }
    let (first, months) = match (part.get(..1), part.get(1..)) {
        _ if part.is_empty() => (1, 12),
        (Some("H"), Some(half)) => (number(half).filter(|h| (1..=2).contains(h))? * 6 - 5, 6),
        (Some("Q"), Some(quarter)) => (number(quarter).filter(|q| (1..=4).contains(q))? * 3 - 2, 3),
        _ if part.len() == 2 => (number(part).filter(|m| (1..=12).contains(m))?, 1),
        _ => return None,
    };
    let start = jiff::civil::Date::new(year.parse().ok()?, first, 1).ok()?;
    let last = jiff::civil::Date::new(year.parse().ok()?, first + months - 1, 1)
        .ok()?
        .last_of_month();
    Some((start.to_string(), last.to_string()))
}

fn read_key_results(map: &mut MapReader<'_>) -> Vec<KeyResult> {
    let decoder = map.decoder();
    // An objective may be measured by those below it alone.
    let mut results: Vec<KeyResult> = Vec::new();
    for mut inner in map.maps("key_results") {
        let metric = inner.required_name_of("metric", Kind::Metric);
        let name = inner.text("name").unwrap_or_else(|| metric.clone());
        inner.rename(format!("the key result `{name}`"));
        let result = KeyResult {
            filter: inner.text("filter"),
            grain: inner
                .choice("grain", &["day", "week", "month"])
                .unwrap_or_else(|| "week".to_owned()),
            baseline: inner.number("baseline"),
            target: inner.required_number("target").unwrap_or_default(),
            span: inner.span(),
            name,
            metric,
        };
        inner.ignore(&["label", "description", "owner"]);
        if results.iter().any(|r| r.name == result.name) {
            let problem = Diagnostic::error(
                "duplicate-name",
                inner.span(),
                format!("the key result `{}` is given twice", result.name),
            );
            decoder.report(problem.hint("give each its own `name:`"));
        }
        if result.baseline == Some(result.target) {
            let problem = Diagnostic::error(
                "bad-value",
                inner.value_span("target"),
                format!("the target of `{}` equals its baseline", result.name),
            );
            decoder
                .report(problem.expected("a target that differs from the baseline: progress is the way between them"));
        }
        inner.finish();
        results.push(result);
    }
    results
}

#[cfg(test)]
mod tests {
    use super::named_period;

    #[test]
    fn periods_by_name() {
        let of = |text: &str| named_period(text).map(|(a, b)| format!("{a}..{b}"));
        assert_eq!(of("2025-Q4").as_deref(), Some("2025-10-01..2025-12-31"));
        assert_eq!(of("2024-02").as_deref(), Some("2024-02-01..2024-02-29"));
        assert_eq!(of("2025-H1").as_deref(), Some("2025-01-01..2025-06-30"));
        assert_eq!(of("2025").as_deref(), Some("2025-01-01..2025-12-31"));
        for bad in ["2025-Q5", "2025-13", "25", "2025-", "Q4 2025", "2025-Ω1"] {
            assert!(of(bad).is_none(), "{bad}");
        }
    }
}
