//! `bets/`: an initiative's business case.

use super::initiative::three_points;
use crate::decode::{Decoder, MapReader, Target, share};
use crate::kinds::minor_digits;
use crate::project::Kind;
use crate::yaml::Node;
use crate::{Bet, Diagnostic, Settings, UnitValue};

/// Reads a bet; problems go to the decoder.
pub(super) fn read(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Bet> {
    let mut map = decoder.map(document, "a bet")?;
    let meta = super::meta(&mut map, Kind::Bet, "bet", settings);
    let initiative = map.required_name_of("initiative", Kind::Initiative);
    let metric = map.required_name_of("metric", Kind::Metric);
    let probability = read_probability(&mut map);
    map.required("effect");
    let effect = three_points(&mut map, "effect", None).unwrap_or_default();
    let bet = Bet {
        initiative,
        metric,
        probability,
        effect,
        cost_minor: money(&mut map, "cost", settings),
        kill_criterion: map.text("kill_criterion"),
        experiment: map.name_of("experiment", Kind::Experiment),
        resolve_by: map
            .get("resolve_by")
            .and_then(|node| super::meta::is_day(decoder, node, "`resolve_by`")),
        resolve: map.text("resolve"),
        filter: map.text("filter"),
        value: read_value(&mut map, settings),
        meta,
    };
    if let Some(query) = &bet.resolve {
        map.mention("resolve", Target::Query(query.clone()));
    }
    map.finish();
    Some(bet)
}

fn read_probability(map: &mut MapReader<'_>) -> f64 {
    let Some(node) = map.required("probability") else {
        return 0.0;
    };
    let value = map.decoder().text(node, "`probability`").as_deref().and_then(share);
    match value {
        Some(value) if value > 0.0 && value < 1.0 => value,
        _ => {
            let message = format!("`probability` is {}", node.describe());
            map.decoder()
                .bad_value(node, message, "a chance above 0 and below 1, such as `0.35` or `35%`");
            0.0
        }
    }
}

/// `value: {per_unit: 9.60, margin: 40%, signed_by: mara, version: 1}`.
fn read_value(map: &mut MapReader<'_>, settings: &Settings) -> Option<UnitValue> {
    let mut inner = map.map("value")?;
    inner.rename(format!("the value of {}", map.what()));
    let per_unit_minor = amount(&mut inner, "per_unit", settings);
    if per_unit_minor.is_none() && !inner.has("per_unit") {
        inner.required("per_unit");
    }
    let margin = inner.get("margin").map_or(Some(1.0), |node| {
        let read = inner.decoder().text(node, "`margin`").as_deref().and_then(share);
        let good = read.filter(|m| *m > 0.0 && *m <= 1.0);
        if good.is_none() {
            let message = format!("`margin` is {}", node.describe());
            let expected = "the share that is kept, above 0 and at most 1, such as `0.32` or `32%`";
            inner.decoder().bad_value(node, message, expected);
        }
        good
    });
    let half_life_days = days(&mut inner, "half_life").map(|s| s as f64 / DAY as f64);
    let one_off_days = days(&mut inner, "one_off").map(|s| s.div_ceil(DAY));
    if half_life_days.is_some() && one_off_days.is_some() {
        inner.error(
            "bad-value",
            "one_off",
            "an effect that ends after `one_off` has no `half_life`: keep one of them",
        );
    }
    let signed_by = inner.text("signed_by");
    if let Some(person) = &signed_by {
        let people = &settings.people;
        if !people.is_empty() && !people.iter().any(|p| p.name == *person) {
            let message = format!(
                "{} is signed by `{person}`, who is no person of `steward.yaml`",
                inner.what()
            );
            let near = crate::nearest::nearest(person, people.iter().map(|p| p.name.as_str()));
            let problem = Diagnostic::error("unknown-person", inner.value_span("signed_by"), message);
            inner.decoder().report(
                problem
                    .expected("the handle of one person, who answers for it")
                    .did_you_mean(near),
            );
        }
    }
    let version = inner.count("version").unwrap_or(1).max(1);
    inner.finish();
    Some(UnitValue {
        per_unit_minor: per_unit_minor?,
        margin: margin?,
        half_life_days,
        one_off_days,
        signed_by,
        version,
    })
}

const DAY: u64 = 86_400;

/// A length of time of at least a day, in seconds.
fn days(map: &mut MapReader<'_>, key: &str) -> Option<u64> {
    let seconds = map.duration_seconds(key)?;
    if seconds < DAY {
        map.error("bad-value", key, format!("`{key}` is shorter than a day"));
        return None;
    }
    Some(seconds)
}

/// One amount of money: `KEY` in whole currency units or `KEY_minor` in minor units.
pub(super) fn amount(map: &mut MapReader<'_>, key: &str, settings: &Settings) -> Option<i64> {
    let [low, high] = money(map, key, settings)?;
    if low != high {
        map.error("bad-value", key, format!("`{key}` is one amount, not a range"));
    }
    Some(low)
}

/// `cost: [20000, 35000]` in whole currency units, or `cost_minor` in minor units; low, then high.
pub(super) fn money(map: &mut MapReader<'_>, key: &str, settings: &Settings) -> Option<[i64; 2]> {
    let decoder = map.decoder();
    let in_minor = format!("{key}_minor");
    let major = map.get(key);
    let minor = map.get(&in_minor);
    if let (Some(_), Some(node)) = (major, minor) {
        decoder.error(
            "bad-value",
            node.place,
            format!("both `{key}` and `{in_minor}` are given"),
        );
        return None;
    }
    let node = major.or(minor)?;
    if settings.currency.is_none() {
        let problem = Diagnostic::error(
            "missing-key",
            decoder.span(node.place),
            format!("there is a `{key}`, but the project has no currency"),
        );
        decoder.report(problem.hint("add `currency:` to `steward.yaml`"));
    }
    let digits = minor_digits(settings.currency.as_deref());
    let items = if node.items().is_empty() {
        std::slice::from_ref(node)
    } else {
        node.items()
    };
    let places = if major.is_some() { digits } else { 0 };
    let values: Option<Vec<i64>> = items.iter().map(|n| minor_units(&n.text, places)).collect();
    match values.as_deref() {
        Some(&[value]) => Some([value, value]),
        Some(&[low, high]) if low <= high => Some([low, high]),
        _ => {
            let expected = "an amount, or a low and a high one such as `[20000, 35000]`, not negative";
            decoder.bad_value(node, format!("the {key} is not an amount of money"), expected);
            None
        }
    }
}

/// A decimal amount as integer minor units, exactly: no way through floating point.
pub(super) fn minor_units(text: &str, places: usize) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > places {
        return None;
    }
    format!("{whole}{part:0<places$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::minor_units;

    #[test]
    fn money_is_exact() {
        assert_eq!(minor_units("20000", 2), Some(2_000_000));
        assert_eq!(minor_units("0.29", 2), Some(29));
        assert_eq!(minor_units("1.5", 2), Some(150));
        assert_eq!(minor_units("500", 0), Some(500));
        for bad in ["1.234", "-5", "1e3", "", ".5", "99999999999999999999"] {
            assert_eq!(minor_units(bad, 2), None, "{bad}");
        }
    }
}
