//! The metrics of an experiment and the part that each plays.

use std::collections::BTreeMap;

use super::measured;
use crate::decode::{Decoder, MapReader, Target, share};
use crate::project::{Kind, Reference};
use crate::yaml::{Node, Value};
use crate::{Diagnostic, Experiment, Guardrail, MetricUse};

/// Reads the metrics and their parts into the experiment.
pub(super) fn read(map: &mut MapReader<'_>, experiment: &mut Experiment) {
    let Some(node) = map.required("metrics") else { return };
    let decoder = map.decoder();
    // A plain list is the primary metrics.
    if !matches!(node.value, Value::Map(_)) {
        let nodes = items(map, "metrics");
        experiment.primary = read_named(decoder, nodes, map.what(), &mut experiment.uses);
        for (at, name) in experiment.primary.iter().enumerate() {
            if experiment.primary.iter().take(at).any(|known| known == name) {
                let place = nodes.get(at).map_or(node.place, |n| n.place);
                decoder.error("listed-twice", place, format!("`{name}` is listed twice in `metrics`"));
            }
        }
    } else if let Some(mut inner) = decoder.map(node, "`metrics`") {
        let mut named = |inner: &mut MapReader<'_>, role: &str| {
            let nodes = items(inner, role);
            read_named(decoder, nodes, inner.what(), &mut experiment.uses)
        };
        experiment.primary = named(&mut inner, "primary");
        experiment.secondary = named(&mut inner, "secondary");
        for node in items(&mut inner, "guardrails") {
            if let Some((guardrail, used)) = read_guardrail(decoder, node) {
                keep(&mut experiment.uses, &guardrail.metric, used);
                experiment.guardrails.push(guardrail);
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for (role, nodes) in ["primary", "secondary", "guardrails"].map(|r| (r, items(&mut inner, r))) {
            for item in nodes {
                let name = item.get("metric").unwrap_or(item);
                if let Some(text) = name.as_str()
                    && !seen.insert(text.to_owned())
                {
                    let problem = Diagnostic::error(
                        "listed-twice",
                        decoder.span(name.place),
                        format!("the metric `{text}` is listed twice"),
                    );
                    decoder.report(problem.hint(format!("leave it out of `{role}` or of the list above")));
                }
            }
        }
        inner.finish();
    }
    if experiment.primary.is_empty() {
        let problem = Diagnostic::error(
            "missing-key",
            decoder.span(node.place),
            format!("{} has no primary metric", map.what()),
        );
        decoder.report(problem.expected("at least one metric under `primary`: it decides"));
    }
}

/// The names of metrics; what is said anew of their measurement goes to `uses`.
fn read_named(decoder: &Decoder, nodes: &[Node], user: &str, uses: &mut BTreeMap<String, MetricUse>) -> Vec<String> {
    let all = nodes.iter().filter_map(|node| measured::metric(decoder, node, user));
    all.map(|(name, used)| {
        keep(uses, &name, used);
        name
    })
    .collect()
}

fn keep(uses: &mut BTreeMap<String, MetricUse>, metric: &str, used: MetricUse) {
    if used != MetricUse::default() {
        uses.insert(metric.to_owned(), used);
    }
}

/// The items of a list, or one value alone.
fn items<'a>(map: &mut MapReader<'a>, key: &str) -> &'a [Node] {
    match map.get(key) {
        Some(node) if matches!(node.value, Value::Seq(_)) => node.items(),
        Some(node) => std::slice::from_ref(node),
        None => &[],
    }
}

fn read_guardrail(decoder: &Decoder, node: &Node) -> Option<(Guardrail, MetricUse)> {
    if !matches!(node.value, Value::Map(_)) {
        let metric = decoder.text(node, "a guardrail")?;
        decoder.mention(
            Target::Definition(Reference::new(Kind::Metric, metric.as_str())),
            node.place,
            "the experiment's guardrails",
        );
        return Some((Guardrail { metric, margin: 0.0 }, MetricUse::default()));
    }
    let mut map = decoder.map(node, "a guardrail")?;
    map.rename("the guardrails");
    let metric = map.required_name_of("metric", Kind::Metric);
    map.rename(format!("the guardrail `{metric}`"));
    let mut margin = 0.0;
    if let Some(node) = map.get("margin") {
        // `2%` and 0.02 are the same.
        match decoder.text(node, "`margin`").as_deref().map(share) {
            Some(Some(value)) if value < 1.0 => margin = value,
            Some(_) => decoder.bad_value(
                node,
                format!("the margin of `{metric}` is {}", node.describe()),
                "a relative change from 0 to 1, such as `0.02` or `2%`",
            ),
            None => {}
        }
    }
    let used = measured::use_of(&mut map);
    map.finish();
    Some((Guardrail { metric, margin }, used))
}
