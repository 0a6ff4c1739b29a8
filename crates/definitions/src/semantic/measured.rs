//! How experiments measure a metric: settings that a metric has under `config.meta.steward`, and that an experiment may
//! say anew where it names the metric.

use super::common;
use crate::decode::{MapReader, Target};
use crate::project::{Kind, Reference};
use crate::yaml::Value;
use crate::{Cap, Funnel, FunnelStep, MetricExperimentSettings, MetricUse, Quantile, Retention};

/// The settings that an experiment may say anew.
pub(crate) fn metric_use(map: &mut MapReader<'_>) -> MetricUse {
    let found = MetricUse {
        window_seconds: some_time(map, "window"),
        delay_seconds: map.duration_seconds("delay"),
        lookback_seconds: some_time(map, "lookback"),
        cap: cap(map, "cap"),
        denominator_cap: cap(map, "denominator_cap"),
        numerator_filter: common::filter_at(map, "numerator_filter"),
        cuped_days: None,
    };
    if found.lookback_seconds.is_some() && (found.window_seconds.is_some() || found.delay_seconds.is_some()) {
        map.error(
            "bad-value",
            "lookback",
            "`lookback` counts facts before exposure, `window` and `delay` those after it: keep one",
        );
    }
    found
}

/// A length of time above 0.
fn some_time(map: &mut MapReader<'_>, key: &str) -> Option<u64> {
    let seconds = map.duration_seconds(key)?;
    if seconds == 0 {
        map.error("bad-value", key, format!("a {key} of no time holds no facts"));
        return None;
    }
    Some(seconds)
}

/// `cuped`: whole days before exposure, or `false` for none.
pub(crate) fn cuped(map: &mut MapReader<'_>) -> Option<u32> {
    if map
        .node()
        .get("cuped")
        .is_some_and(|n| matches!(n.value, Value::Bool(false) | Value::Int(0)))
    {
        map.ignore(&["cuped"]);
        return Some(0);
    }
    let seconds = map.duration_seconds("cuped")?;
    if seconds % 86_400 != 0 {
        map.error("bad-value", "cuped", "the period before exposure is not whole days");
    }
    Some(u32::try_from(seconds / 86_400).unwrap_or(u32::MAX))
}

/// A number, or a map of limits.
fn cap(own: &mut MapReader<'_>, key: &str) -> Option<Cap> {
    let node = own.get(key)?;
    if !matches!(node.value, Value::Map(_)) {
        return own.decoder().number(node, &format!("`{key}`")).map(Cap::at);
    }
    let mut map = own.decoder().map(node, &format!("`{key}`"))?;
    let cap = Cap {
        value: map.number("value"),
        low_value: map.number("low_value"),
        percentile: percentile(&mut map, key, "percentile"),
        low_percentile: percentile(&mut map, key, "low_percentile"),
        ignore_zeros: map.boolean("ignore_zeros").unwrap_or(false),
    };
    let given = ["value", "low_value", "percentile", "low_percentile"].map(|k| map.has(k));
    map.finish();
    let by_value = given[0] || given[1];
    let by_percentile = given[2] || given[3];
    let wrong = |message: String, expected: &str| {
        own.decoder().bad_value(node, message, expected);
        None
    };
    if by_value && by_percentile {
        return wrong(format!("`{key}` has both a value and a percentile"), "one of them");
    }
    if !by_value && !by_percentile {
        return wrong(
            format!("`{key}` has no limit"),
            "`value` or `percentile`, and for small values `low_value` or `low_percentile`",
        );
    }
    if by_value && cap.ignore_zeros {
        return wrong(
            format!("`ignore_zeros` of `{key}` speaks of percentiles, and it has none"),
            "`percentile`, or no `ignore_zeros`",
        );
    }
    for (low, high) in [(cap.low_value, cap.value), (cap.low_percentile, cap.percentile)] {
        if let (Some(low), Some(high)) = (low, high)
            && low >= high
        {
            return wrong(
                format!("the lower limit {low} of `{key}` is not below the upper one, {high}"),
                "a lower limit below the upper one",
            );
        }
    }
    Some(cap)
}

fn percentile(map: &mut MapReader<'_>, cap: &str, key: &str) -> Option<f64> {
    let p = map.number(key)?;
    if p > 0.0 && p < 1.0 {
        return Some(p);
    }
    map.error(
        "bad-value",
        key,
        format!("the percentile {p} of `{cap}` lies outside (0, 1)"),
    );
    None
}

/// What a metric says of its measurement: everything but which way is good.
pub(super) fn settings(own: &mut MapReader<'_>, found: &mut MetricExperimentSettings) {
    found.measured = metric_use(own);
    if let Some(days) = own.count("cuped_days") {
        match u32::try_from(days) {
            Ok(days) if days <= 365 => found.measured.cuped_days = Some(days),
            _ => own.error(
                "bad-value",
                "cuped_days",
                format!("`cuped_days` is {days}; at most 365 days are used"),
            ),
        }
    }
    found.binary = own.boolean("binary").unwrap_or(found.binary);
    found.retention = retention(own);
    found.funnel = funnel(own);
    found.quantile = quantile(own);
    let measured = &found.measured;
    if found.is_share() && measured.cap.is_some() {
        own.error(
            "bad-value",
            "cap",
            "a metric that is `binary`, a `retention` or a `funnel` has no `cap`: its values are 0 and 1",
        );
    }
    let kinds = [
        ("binary", found.binary),
        ("retention", found.retention.is_some()),
        ("funnel", found.funnel.is_some()),
        ("quantile", found.quantile.is_some()),
    ];
    let given: Vec<&str> = kinds.iter().filter(|(_, is)| *is).map(|(key, _)| *key).collect();
    if let [first, second, ..] = given.as_slice() {
        own.error(
            "bad-value",
            second,
            format!("`{first}` and `{second}` each say what is compared: keep one"),
        );
    }
    let no_covariate = if found.funnel.is_some() {
        Some("funnel")
    } else {
        found.quantile.map(|_| "quantile")
    };
    if let Some(kind) = no_covariate
        && measured.cuped_days.is_some_and(|days| days > 0)
    {
        own.error(
            "bad-value",
            "cuped_days",
            format!("a `{kind}` has no covariate of its own: leave out `cuped_days`"),
        );
    }
    let periods = measured
        .window_seconds
        .or(measured.delay_seconds)
        .or(measured.lookback_seconds);
    if found.retention.is_some() && periods.is_some() {
        own.error(
            "bad-value",
            "retention",
            "`retention` says by itself which facts count: leave out `window`, `delay` and `lookback`",
        );
    }
}

fn retention(own: &mut MapReader<'_>) -> Option<Retention> {
    let mut map = own.map("retention")?;
    map.rename("`retention`");
    map.required("from");
    map.required("to");
    let (from, to) = (map.duration_seconds("from"), map.duration_seconds("to"));
    let node = map.node();
    map.finish();
    let (from_seconds, to_seconds) = (from?, to?);
    if from_seconds >= to_seconds {
        own.decoder().bad_value(
            node,
            "`retention` ends before it begins",
            "`from` before `to`, such as {from: 7d, to: 14d} for the second week",
        );
        return None;
    }
    Some(Retention {
        from_seconds,
        to_seconds,
    })
}

/// `funnel: {steps: [views, {metric: carts, within: 1h}, orders], window: 1d}`.
fn funnel(own: &mut MapReader<'_>) -> Option<Funnel> {
    let mut map = own.map("funnel")?;
    map.rename("`funnel`");
    map.required("steps");
    let nodes = map.list("steps");
    let mut steps = Vec::new();
    for node in nodes {
        let (name, place, within) = if matches!(node.value, Value::Map(_)) {
            let Some(mut step) = own.decoder().map(node, "a step of the funnel") else {
                continue;
            };
            let name = step.required_text("metric");
            let within = some_time(&mut step, "within");
            let place = step.get("metric").map_or(node.place, |n| n.place);
            step.finish();
            (name, place, within)
        } else {
            let name = own.decoder().text(node, "a step of the funnel").unwrap_or_default();
            (name, node.place, None)
        };
        if name.is_empty() {
            continue;
        }
        let target = Target::Definition(Reference::new(Kind::Metric, name.as_str()));
        own.decoder().mention(target, place, "the funnel's steps");
        if steps.is_empty() && within.is_some() {
            own.decoder().bad_value(
                node,
                format!("the first step, `{name}`, has `within`, and no step before it"),
                "`within` at the steps after it; for the time since exposure, the metric's `window`",
            );
        }
        steps.push(FunnelStep {
            metric: name,
            within_seconds: within,
        });
    }
    let window_seconds = some_time(&mut map, "window");
    let node = map.node();
    map.finish();
    if steps.len() < 2 {
        if !nodes.is_empty() {
            own.decoder().bad_value(
                node,
                "the funnel has a single step",
                "at least two steps, the last of them this metric; for a single one, `binary: true`",
            );
        }
        return None;
    }
    Some(Funnel { steps, window_seconds })
}

/// `quantile: 0.9`, or `{at: 0.9, ignore_zeros: true}`.
fn quantile(own: &mut MapReader<'_>) -> Option<Quantile> {
    let node = own.get("quantile")?;
    let found = if matches!(node.value, Value::Map(_)) {
        let mut map = own.decoder().map(node, "`quantile`")?;
        map.required("at");
        let at = map.number("at");
        let ignore_zeros = map.boolean("ignore_zeros").unwrap_or(false);
        map.finish();
        Quantile { at: at?, ignore_zeros }
    } else {
        Quantile {
            at: own.decoder().number(node, "`quantile`")?,
            ignore_zeros: false,
        }
    };
    if found.at > 0.0 && found.at < 1.0 {
        return Some(found);
    }
    own.decoder().bad_value(
        node,
        format!("the quantile {} lies outside (0, 1)", found.at),
        "a number such as 0.5 or 0.9",
    );
    None
}
