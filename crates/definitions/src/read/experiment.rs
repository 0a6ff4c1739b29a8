//! `experiments/`: randomised comparisons.

use crate::decode::{Decoder, MapReader, Target, moment, share};
use crate::project::{Kind, Reference};
use crate::yaml::{Node, Value};
use crate::{Diagnostic, Experiment, Exposures, Guardrail, Settings, Variant};

/// Reads an experiment; problems go to the decoder.
pub(super) fn read(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Experiment> {
    let mut map = decoder.map(document, "an experiment")?;
    let meta = super::meta(&mut map, Kind::Experiment, "experiment", settings);
    let mut experiment = Experiment {
        hypothesis: map.text("hypothesis"),
        exposures: read_exposures(&mut map),
        variants: read_variants(&mut map),
        start: read_moment(&mut map, "start"),
        end: read_moment(&mut map, "end"),
        window_seconds: read_window(&mut map),
        cuped_days: read_cuped(&mut map),
        breakdowns: read_breakdowns(&mut map, &meta.name),
        alpha: read_alpha(&mut map).unwrap_or(settings.alpha),
        correction: map
            .choice("correction", &["holm", "benjamini-hochberg", "none"])
            .unwrap_or_else(|| "holm".to_owned()),
        initiative: map.name_of("initiative", Kind::Initiative),
        meta,
        ..Experiment::default()
    };
    read_metrics(&mut map, &mut experiment);
    check_period(&mut map, &experiment);
    check_repeats(&mut map, "breakdowns", &experiment.breakdowns);
    map.finish();
    Some(experiment)
}

fn read_exposures(map: &mut MapReader<'_>) -> Exposures {
    let Some(_) = map.required("exposures") else {
        return Exposures {
            span: map.span(),
            ..Default::default()
        };
    };
    let Some(mut inner) = map.map("exposures") else {
        return Exposures {
            span: map.span(),
            ..Default::default()
        };
    };
    inner.rename(format!("`exposures` of {}", map.what()));
    let exposures = Exposures {
        dataset: inner.required_name_of("dataset", Kind::Dataset),
        unit: inner.required_text("unit"),
        // Left empty, the cross-checks put in the entity whose key the unit's column is.
        entity: inner.text("entity").unwrap_or_default(),
        variant: inner.required_text("variant"),
        time: inner.text("time"),
        filter: inner.text("filter"),
        span: inner.span(),
    };
    for (key, column) in [
        ("unit", Some(&exposures.unit)),
        ("variant", Some(&exposures.variant)),
        ("time", exposures.time.as_ref()),
    ] {
        // `*` is no column: each row is a unit.
        if let Some(column) = column.filter(|c| !c.is_empty() && (key != "unit" || *c != "*")) {
            inner.mention(
                key,
                Target::Column {
                    dataset: exposures.dataset.clone(),
                    column: column.clone(),
                },
            );
        }
    }
    inner.finish();
    exposures
}

fn read_breakdowns(map: &mut MapReader<'_>, experiment: &str) -> Vec<String> {
    let names = map.placed_texts("breakdowns");
    for (name, place) in &names {
        let target = Target::Breakdown {
            experiment: experiment.to_owned(),
            dimension: name.clone(),
        };
        map.decoder().mention(target, *place, map.what());
    }
    names.into_iter().map(|(name, _)| name).collect()
}

fn read_variants(map: &mut MapReader<'_>) -> Vec<Variant> {
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

fn read_moment(map: &mut MapReader<'_>, key: &str) -> Option<String> {
    let node = map.get(key)?;
    let text = map.decoder().text(node, &format!("`{key}`"))?;
    if moment(&text).is_none() {
        map.decoder().bad_value(
            node,
            format!("`{key}` is `{text}`"),
            "a day such as `2025-03-01` or a moment such as `2025-03-01T08:00:00Z`",
        );
        return None;
    }
    Some(text)
}

fn check_period(map: &mut MapReader<'_>, experiment: &Experiment) {
    let bounds = (
        experiment.start.as_deref().and_then(moment),
        experiment.end.as_deref().and_then(moment),
    );
    if let (Some(start), Some(end)) = bounds
        && start >= end
    {
        let problem = Diagnostic::error(
            "period",
            map.value_span("end"),
            format!("{} ends before it starts", map.what()),
        );
        map.decoder()
            .report(problem.expected("an `end` (exclusive) after `start`"));
    }
    if experiment.exposures.time.is_none() && experiment.exposures.span.line > 0 {
        for (key, given) in [
            ("window", experiment.window_seconds.is_some()),
            ("cuped", experiment.cuped_days > 0),
        ] {
            if given {
                let problem = Diagnostic::error(
                    "needs-time",
                    map.value_span(key),
                    format!("`{key}` needs the time of exposure"),
                );
                map.decoder()
                    .report(problem.hint("name its column as `time:` under `exposures`, or leave this out"));
            }
        }
    }
}

fn read_window(map: &mut MapReader<'_>) -> Option<u64> {
    let seconds = map.duration_seconds("window")?;
    if seconds == 0 {
        map.error("bad-value", "window", "a window of no time holds no facts");
        return None;
    }
    Some(seconds)
}

fn read_cuped(map: &mut MapReader<'_>) -> u32 {
    if map
        .node()
        .get("cuped")
        .is_some_and(|n| matches!(n.value, Value::Bool(false) | Value::Int(0)))
    {
        map.ignore(&["cuped"]);
        return 0;
    }
    let Some(seconds) = map.duration_seconds("cuped") else {
        return 0;
    };
    if seconds % 86_400 != 0 {
        map.error("bad-value", "cuped", "the period before exposure is not whole days");
    }
    u32::try_from(seconds / 86_400).unwrap_or(u32::MAX)
}

fn read_alpha(map: &mut MapReader<'_>) -> Option<f64> {
    let node = map.get("alpha")?;
    let alpha = map.decoder().number(node, "`alpha`")?;
    if alpha > 0.0 && alpha < 1.0 {
        return Some(alpha);
    }
    map.decoder().bad_value(
        node,
        format!("`alpha` is {alpha}"),
        "a number between 0 and 1, such as 0.05",
    );
    None
}

fn read_metrics(map: &mut MapReader<'_>, experiment: &mut Experiment) {
    let Some(node) = map.required("metrics") else { return };
    let decoder = map.decoder();
    // A plain list is the primary metrics.
    if matches!(node.value, Value::Seq(_) | Value::Str(_)) {
        experiment.primary = map.names_of("metrics", Kind::Metric);
        check_repeats(map, "metrics", &experiment.primary);
    } else if let Some(mut inner) = decoder.map(node, "`metrics`") {
        experiment.primary = inner.names_of("primary", Kind::Metric);
        experiment.secondary = inner.names_of("secondary", Kind::Metric);
        experiment.guardrails = items(&mut inner, "guardrails")
            .iter()
            .filter_map(|n| read_guardrail(decoder, n))
            .collect();
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

/// The items of a list, or one value alone.
fn items<'a>(map: &mut MapReader<'a>, key: &str) -> &'a [Node] {
    match map.get(key) {
        Some(node) if matches!(node.value, Value::Seq(_)) => node.items(),
        Some(node) => std::slice::from_ref(node),
        None => &[],
    }
}

fn read_guardrail(decoder: &Decoder, node: &Node) -> Option<Guardrail> {
    if !matches!(node.value, Value::Map(_)) {
        let metric = decoder.text(node, "a guardrail")?;
        decoder.mention(
            Target::Definition(Reference::new(Kind::Metric, metric.as_str())),
            node.place,
            "the experiment's guardrails",
        );
        return Some(Guardrail { metric, margin: 0.0 });
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
    map.finish();
    Some(Guardrail { metric, margin })
}

fn check_repeats(map: &mut MapReader<'_>, key: &str, names: &[String]) {
    let mut seen = std::collections::BTreeSet::new();
    for (name, place) in names.iter().zip(map.placed_texts(key)) {
        if !seen.insert(name) {
            map.decoder()
                .error("listed-twice", place.1, format!("`{name}` is listed twice in `{key}`"));
        }
    }
}
