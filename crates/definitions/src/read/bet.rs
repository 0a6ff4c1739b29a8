//! `bets/`: an initiative's business case.

use super::initiative::three_points;
use crate::decode::{Decoder, MapReader, share};
use crate::project::Kind;
use crate::yaml::Node;
use crate::{Bet, Diagnostic, Settings};

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
        cost_minor: read_cost(&mut map, settings),
        kill_criterion: map.text("kill_criterion"),
        experiment: map.name_of("experiment", Kind::Experiment),
        resolve_by: map
            .get("resolve_by")
            .and_then(|node| super::meta::is_day(decoder, node, "`resolve_by`")),
        meta,
    };
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

/// `cost: [20000, 35000]` in whole currency units, or `cost_minor` in minor units; low, then high.
fn read_cost(map: &mut MapReader<'_>, settings: &Settings) -> Option<[i64; 2]> {
    let decoder = map.decoder();
    let major = map.get("cost");
    let minor = map.get("cost_minor");
    if let (Some(_), Some(node)) = (major, minor) {
        decoder.error("bad-value", node.place, "both `cost` and `cost_minor` are given");
        return None;
    }
    let node = major.or(minor)?;
    if settings.currency.is_none() {
        let problem = Diagnostic::error(
            "missing-key",
            decoder.span(node.place),
            "there is a cost, but the project has no currency",
        );
        decoder.report(problem.hint("add `currency:` to `steward.yaml`"));
    }
    // Minor units per unit by ISO 4217.
    let digits = match settings.currency.as_deref() {
        Some("JPY" | "KRW" | "CLP" | "VND" | "ISK" | "XAF" | "XOF" | "XPF" | "UGX" | "PYG" | "RWF") => 0,
        Some("BHD" | "KWD" | "OMR" | "JOD" | "TND" | "IQD" | "LYD") => 3,
        _ => 2,
    };
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
            decoder.bad_value(node, "the cost is not an amount of money", expected);
            None
        }
    }
}

/// A decimal amount as integer minor units, exactly: no way through floating point.
fn minor_units(text: &str, places: usize) -> Option<i64> {
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
