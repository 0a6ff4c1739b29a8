//! `segments/`, `layers/`, `holdouts/`: who flags are for.

use crate::decode::{Decoder, MapReader, moment, share};
use crate::flags::condition;
use crate::project::Kind;
use crate::yaml::{Node, Value};
use crate::{Diagnostic, Holdout, Layer, Segment, Settings};

/// Reads a segment; problems go to the decoder.
pub(super) fn segment(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Segment> {
    let mut map = decoder.map(document, "a segment")?;
    let meta = super::meta(&mut map, Kind::Segment, "segment", settings);
    let when = map
        .get("when")
        .map(|n| condition::read(decoder, n, &format!("`when` of {}", map.what()), true));
    let attribute = attribute_of(&mut map, "attribute");
    let values = map.get("values").map(|node| {
        for item in decoder.list(node, "`values`") {
            if !matches!(item.value, Value::Str(_) | Value::Int(_) | Value::Float(_)) {
                decoder.wrong_type(item, "an item of `values`", "text or a number");
            }
        }
        condition::json(decoder, node)
    });
    match (&when, &attribute, &values) {
        (Some(_), None, None) | (None, Some(_), Some(_)) => {}
        _ => {
            let problem = Diagnostic::error(
                "missing-key",
                map.span(),
                format!("{} does not say who is in it", map.what()),
            );
            decoder.report(problem.expected("`when` (a condition), or `attribute` and `values` (a list)"));
        }
    }
    map.finish();
    let values = values.unwrap_or_else(|| "[]".to_owned());
    Some(Segment {
        meta,
        when,
        attribute,
        values,
    })
}

/// Reads a layer; problems go to the decoder.
pub(super) fn layer(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Layer> {
    let mut map = decoder.map(document, "a layer")?;
    let meta = super::meta(&mut map, Kind::Layer, "layer", settings);
    let layer = Layer {
        by: attribute_of(&mut map, "by").unwrap_or_else(|| "id".to_owned()),
        seed: map.text("seed").unwrap_or_else(|| meta.name.clone()),
        meta,
    };
    map.finish();
    Some(layer)
}

/// Reads a holdout; problems go to the decoder.
pub(super) fn holdout(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Holdout> {
    let mut map = decoder.map(document, "a holdout")?;
    let meta = super::meta(&mut map, Kind::Holdout, "holdout", settings);
    map.required("share");
    let holdout = Holdout {
        by: attribute_of(&mut map, "by").unwrap_or_else(|| "id".to_owned()),
        seed: map.text("seed").unwrap_or_else(|| meta.name.clone()),
        share: share_of(&mut map, "share").unwrap_or_default(),
        flags: map.names_of("flags", Kind::Flag),
        from: moment_of(&mut map, "from"),
        until: moment_of(&mut map, "until"),
        meta,
    };
    map.finish();
    Some(holdout)
}

fn attribute_of(map: &mut MapReader<'_>, key: &str) -> Option<String> {
    let label = format!("`{key}` of {}", map.what());
    let node = map.get(key)?;
    condition::hashed(map.decoder(), node, &label)
}

/// A share from 0 to 1: `25%` or 0.25.
pub(super) fn share_of(map: &mut MapReader<'_>, key: &str) -> Option<f64> {
    let label = format!("`{key}` of {}", map.what());
    let node = map.get(key)?;
    let text = map.decoder().text(node, &label)?;
    let found = share(&text).filter(|s| (0.0..=1.0).contains(s));
    if found.is_none() {
        let message = format!("{label} is {}", node.describe());
        map.decoder()
            .bad_value(node, message, "a share from 0 to 1, such as `0.25` or `25%`");
    }
    found
}

/// A slice of hash values, `[0, 0.5]`.
pub(super) fn range_of(decoder: &Decoder, node: &Node, what: &str) -> Option<[f64; 2]> {
    let bounds: Vec<f64> = node.items().iter().filter_map(|n| decoder.number(n, what)).collect();
    match bounds.as_slice() {
        [low, high] if *low >= 0.0 && low < high && *high <= 1.0 => Some([*low, *high]),
        _ => {
            decoder.bad_value(
                node,
                format!("{what} is no slice of 0 to 1"),
                "from (inclusive) and to (exclusive), such as `[0, 0.5]`",
            );
            None
        }
    }
}

/// A moment or a day.
pub(super) fn moment_of(map: &mut MapReader<'_>, key: &str) -> Option<String> {
    let label = format!("`{key}` of {}", map.what());
    let node = map.get(key)?;
    let text = map.decoder().text(node, &label)?;
    if moment(&text).is_none() {
        let message = format!("{label} is `{text}`");
        map.decoder().bad_value(
            node,
            message,
            "a day such as `2025-03-01` or a moment such as `2025-03-01T08:00:00Z`",
        );
        return None;
    }
    Some(text)
}
