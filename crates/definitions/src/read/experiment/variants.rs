//! The variants of an experiment.

use crate::decode::{Decoder, MapReader};
use crate::yaml::{Node, Value};
use crate::{Diagnostic, Variant};

/// Reads the variants, the control first.
pub(super) fn read(map: &mut MapReader<'_>) -> Vec<Variant> {
    if map.required("variants").is_none() {
        return Vec::new();
    }
    let decoder = map.decoder();
    let mut variants: Vec<Variant> = Vec::new();
    let mut marked = Vec::new();
    for node in map.list("variants") {
        let Some((variant, control)) = read_variant(decoder, node) else {
            continue;
        };
        if variants.iter().any(|v| v.name == variant.name) {
            decoder.error(
                "duplicate-name",
                node.place,
                format!("the variant `{}` is listed twice", variant.name),
            );
            continue;
        }
        if control == Some(true) {
            marked.push((variant.name.clone(), node.place));
        }
        variants.push(variant);
    }
    let place = map.node().get("variants").map_or(map.place(), |n| n.place);
    if variants.len() < 2 {
        let problem = Diagnostic::error(
            "too-few-variants",
            decoder.span(place),
            format!(
                "{} has {} variant{}",
                map.what(),
                variants.len(),
                if variants.len() == 1 { "" } else { "s" }
            ),
        );
        decoder.report(problem.expected("at least two; the first is the control"));
    }
    if let [_, second, ..] = marked.as_slice() {
        let problem = Diagnostic::error(
            "control",
            decoder.span(second.1),
            format!("{} has {} controls", map.what(), marked.len()),
        );
        decoder.report(
            problem.expected("exactly one variant with `control: true`, or none: then the first is the control"),
        );
    }
    let control = marked.first().map(|(name, _)| name.clone());
    for (index, variant) in variants.iter_mut().enumerate() {
        variant.control = control.as_ref().map_or(index == 0, |c| *c == variant.name);
    }
    // The control stands first, wherever it is written.
    variants.sort_by_key(|v| !v.control);
    variants
}

fn read_variant(decoder: &Decoder, node: &Node) -> Option<(Variant, Option<bool>)> {
    let Value::Map(_) = node.value else {
        let name = decoder.text(node, "a variant")?;
        return Some((
            Variant {
                name,
                weight: 1.0,
                control: false,
                label: None,
            },
            None,
        ));
    };
    let mut map = decoder.map(node, "a variant")?;
    let name = map.required_text("name");
    map.rename(format!("the variant `{name}`"));
    let mut weight = 1.0;
    if let Some(node) = map.get("weight")
        && let Some(value) = decoder.number(node, "the weight")
    {
        if value > 0.0 {
            weight = value;
        } else {
            decoder.bad_value(
                node,
                format!("the weight of the variant `{name}` is {value}"),
                "a number above 0",
            );
        }
    }
    let control = map.boolean("control");
    let label = map.text("label");
    map.finish();
    (!name.is_empty()).then_some((
        Variant {
            name,
            weight,
            control: false,
            label,
        },
        control,
    ))
}
