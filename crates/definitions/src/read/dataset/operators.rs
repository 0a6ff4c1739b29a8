//! `mustBe…`: the standard's comparisons as a [`Bound`].

use super::Contract;
use crate::Bound;
use crate::decode::MapReader;

/// The comparisons of a rule.
pub(super) enum Comparison {
    /// None is given, or it was reported.
    Absent,
    /// As a bound.
    Bound(Bound),
    /// One that a bound cannot say; it was warned of.
    NotTested,
}

pub(super) fn read(contract: &Contract<'_>, map: &mut MapReader<'_>) -> Comparison {
    let mut low: Option<(f64, bool)> = None;
    let mut high: Option<(f64, bool)> = None;
    let mut given = false;
    let number = |map: &mut MapReader<'_>, key: &str| map.number(key);
    if let Some(value) = number(map, "mustBe") {
        (low, high, given) = (Some((value, false)), Some((value, false)), true);
    }
    for (key, exclusive) in [("mustBeGreaterThan", true), ("mustBeGreaterOrEqualTo", false)] {
        if let Some(value) = number(map, key) {
            (low, given) = (Some((value, exclusive)), true);
        }
    }
    for (key, exclusive) in [("mustBeLessThan", true), ("mustBeLessOrEqualTo", false)] {
        if let Some(value) = number(map, key) {
            (high, given) = (Some((value, exclusive)), true);
        }
    }
    if let Some(node) = map.get("mustBeBetween") {
        let values: Vec<f64> = contract
            .decoder
            .list(node, "`mustBeBetween`")
            .iter()
            .filter_map(|n| contract.decoder.number(n, "a bound"))
            .collect();
        match values.as_slice() {
            &[first, second] if first <= second => {
                (low, high, given) = (Some((first, false)), Some((second, false)), true)
            }
            _ => contract
                .decoder
                .bad_value(node, "`mustBeBetween` is no range", "two numbers, the smaller first"),
        }
    }
    for key in ["mustNotBe", "mustNotBeBetween"] {
        if let Some(node) = map.get(key) {
            contract.not_checked(
                node,
                format!("`{key}` is not tested"),
                "write the rule with `type: sql`, so that the query counts what fails",
            );
            return Comparison::NotTested;
        }
    }
    if !given {
        return Comparison::Absent;
    }
    if let (Some((least, _)), Some((most, _))) = (low, high)
        && least > most
    {
        contract.decoder.error(
            "bad-value",
            map.place(),
            format!("nothing lies between {least} and {most}"),
        );
        return Comparison::Absent;
    }
    // One flag holds for both bounds: where they differ, the strict one moves to the next number.
    let strict = |bound: Option<(f64, bool)>| bound.is_none_or(|(_, exclusive)| exclusive);
    let exclusive = strict(low) && strict(high);
    let min = low.map(|(v, e)| if e && !exclusive { v.next_up() } else { v });
    let max = high.map(|(v, e)| if e && !exclusive { v.next_down() } else { v });
    Comparison::Bound(Bound { min, max, exclusive })
}
