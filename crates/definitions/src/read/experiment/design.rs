//! `design:` of an experiment: what was randomised.

use crate::decode::{MapReader, Target};
use crate::kinds::*;
use crate::yaml::Value;
use crate::{Diagnostic, Experiment};

const KINDS: [&str; 6] = ["units", "factorial", "cluster", "switchback", "holdout", "geo"];

/// Reads the design; units split one by one if there is none.
pub(super) fn read(map: &mut MapReader<'_>, experiment: &Experiment) -> Design {
    let Some(node) = map.get("design") else {
        return Design::Units;
    };
    if node.as_str() == Some("units") {
        return Design::Units;
    }
    let Some(mut inner) = map.decoder().map(node, "`design`") else {
        return Design::Units;
    };
    inner.rename(format!("`design` of {}", map.what()));
    if inner.required("kind").is_none() {
        inner.ignore(&ALL_KEYS);
        return Design::Units;
    }
    let Some(kind) = inner.choice("kind", &KINDS) else {
        // Whatever else stands there belongs to a design that is not known.
        inner.ignore(&ALL_KEYS);
        return Design::Units;
    };
    let design = match kind.as_str() {
        "factorial" => Design::Factorial(factorial(&mut inner, experiment)),
        "cluster" => Design::Cluster(ClusterDesign {
            by: dimension(&mut inner, "by", experiment),
        }),
        "switchback" => Design::Switchback(switchback(&mut inner, experiment)),
        "holdout" => Design::Holdout(holdout(&mut inner, experiment)),
        "geo" => Design::Geo(geo(&mut inner, experiment)),
        _ => Design::Units,
    };
    if matches!(design, Design::Cluster(_) | Design::Switchback(_) | Design::Geo(_))
        && matches!(experiment.inference.method, InferenceMethod::GroupSequential { .. })
    {
        let problem = Diagnostic::error(
            "design",
            inner.span(),
            format!("a {kind} design is concluded once, not by `group_sequential` looks"),
        );
        inner
            .decoder()
            .report(problem.hint("take `method: fixed`, or `always_valid` to look at any time"));
    }
    inner.finish();
    design
}

/// Every key of any design.
const ALL_KEYS: [&str; 10] = [
    "before",
    "factors",
    "cells",
    "by",
    "period",
    "washout",
    "season",
    "spillover",
    "everything",
    "shipped",
];

fn mention(inner: &MapReader<'_>, place: crate::yaml::Place, name: &str, experiment: &Experiment) {
    let target = Target::Breakdown {
        experiment: experiment.meta.name.clone(),
        dimension: name.to_owned(),
    };
    inner.decoder().mention(target, place, inner.what());
}

/// A dimension of the unit that must be named.
fn dimension(inner: &mut MapReader<'_>, key: &str, experiment: &Experiment) -> String {
    let name = inner.required_text(key);
    if !name.is_empty() {
        let place = inner.node().get(key).map_or(inner.place(), |n| n.place);
        mention(inner, place, &name, experiment);
    }
    name
}

/// Demands two variants.
fn pair(inner: &MapReader<'_>, experiment: &Experiment, noun: &str) {
    if experiment.variants.len() > 2 {
        let problem = Diagnostic::error(
            "design",
            inner.span(),
            format!(
                "{noun} compares two variants, and there are {}",
                experiment.variants.len()
            ),
        );
        inner
            .decoder()
            .report(problem.hint("leave one treatment, or run one experiment for each"));
    }
}

/// Demands times of exposure.
fn timed(inner: &MapReader<'_>, experiment: &Experiment, noun: &str) {
    if experiment.exposures.time.is_none() && experiment.exposures.span.line > 0 {
        let problem = Diagnostic::error("needs-time", inner.span(), format!("{noun} needs the time of exposure"));
        inner
            .decoder()
            .report(problem.hint("name its column as `time:` under `exposures`"));
    }
}

fn factorial(inner: &mut MapReader<'_>, experiment: &Experiment) -> FactorialDesign {
    let decoder = inner.decoder();
    let mut design = FactorialDesign::default();
    if let Some(node) = inner.required("factors") {
        if !matches!(node.value, Value::Map(_)) {
            decoder.wrong_type(node, "`factors`", "a map from each factor to its levels");
        }
        for entry in node.entries() {
            let what = format!("the factor `{}`", entry.key);
            let levels: Vec<String> = decoder
                .list(&entry.value, &what)
                .iter()
                .filter_map(|n| decoder.text(n, &format!("a level of {what}")))
                .collect();
            let distinct: std::collections::BTreeSet<&String> = levels.iter().collect();
            if levels.len() < 2 || distinct.len() < levels.len() {
                decoder.bad_value(
                    &entry.value,
                    format!("{what} has the levels {levels:?}"),
                    "at least two different levels; the first is the baseline",
                );
            }
            design.factors.push(Factor {
                name: entry.key.clone(),
                levels,
            });
        }
        if design.factors.len() < 2 && matches!(node.value, Value::Map(_)) {
            decoder.bad_value(
                node,
                format!("a factorial experiment has {} factor(s)", design.factors.len()),
                "at least two; one factor needs no design",
            );
        }
    }
    if let Some(node) = inner.required("cells") {
        for entry in node.entries() {
            let Some(mut cell) = decoder.map(&entry.value, &format!("the cell `{}`", entry.key)) else {
                continue;
            };
            if !experiment.variants.iter().any(|v| v.name == entry.key) {
                let names = experiment.variants.iter().map(|v| v.name.as_str());
                let problem = Diagnostic::error(
                    "design",
                    decoder.span(entry.place),
                    format!("`{}` is no variant of the experiment", entry.key),
                );
                decoder.report(problem.did_you_mean(crate::nearest::nearest(&entry.key, names)));
            }
            let mut levels = Vec::new();
            for factor in &design.factors {
                let words: Vec<&str> = factor.levels.iter().map(String::as_str).collect();
                cell.required(&factor.name);
                if let Some(level) = cell.choice(&factor.name, &words) {
                    levels.extend(factor.levels.iter().position(|l| *l == level));
                }
            }
            cell.finish();
            if levels.len() == design.factors.len() {
                if let Some(same) = design.cells.iter().find(|c| c.levels == levels) {
                    decoder.error(
                        "design",
                        entry.place,
                        format!("`{}` and `{}` are the same combination", same.name, entry.key),
                    );
                }
                design.cells.push(FactorCell {
                    name: entry.key.clone(),
                    levels,
                });
            }
        }
        let wanted: usize = design.factors.iter().map(|f| f.levels.len()).product();
        for variant in &experiment.variants {
            if node.get(&variant.name).is_none() {
                decoder.error(
                    "design",
                    node.place,
                    format!("the variant `{}` has no cell", variant.name),
                );
            }
        }
        if experiment.variants.len() != wanted && design.factors.len() >= 2 {
            let problem = Diagnostic::error(
                "design",
                decoder.span(node.place),
                format!(
                    "the factors have {wanted} combinations, and there are {} variants",
                    experiment.variants.len()
                ),
            );
            decoder.report(problem.hint("give one variant per combination: a full factorial"));
        }
    }
    design
}

fn switchback(inner: &mut MapReader<'_>, experiment: &Experiment) -> SwitchbackDesign {
    pair(inner, experiment, "a switchback");
    timed(inner, experiment, "a switchback");
    let by = dimension(inner, "by", experiment);
    inner.required("period");
    let whole = |inner: &mut MapReader<'_>, key: &str| -> Option<u64> {
        let seconds = inner.duration_seconds(key)?;
        if seconds % 60 != 0 {
            inner.error("bad-value", key, format!("`{key}` is not whole minutes"));
            return None;
        }
        Some(seconds)
    };
    let period = whole(inner, "period");
    if period == Some(0) {
        inner.error("bad-value", "period", "a period must last at least a minute");
    }
    let period_seconds = period.unwrap_or(0);
    let season_seconds = whole(inner, "season");
    if let Some(season) = season_seconds
        && period_seconds > 0
        && (season < 2 * period_seconds || season % period_seconds != 0)
    {
        inner.error("bad-value", "season", "a season is made of at least two whole periods");
    }
    SwitchbackDesign {
        by,
        period_seconds,
        washout_seconds: whole(inner, "washout").unwrap_or(0),
        season_seconds,
        spillover: inner.choice("spillover", &["none", "regions"]).as_deref() == Some("regions"),
    }
}

fn geo(inner: &mut MapReader<'_>, experiment: &Experiment) -> GeoDesign {
    timed(inner, experiment, "a geo design");
    if experiment.start.is_none() {
        inner.decoder().report(
            Diagnostic::error(
                "design",
                inner.span(),
                "a geo design counts periods from the experiment's start",
            )
            .hint("give the experiment a `start`"),
        );
    }
    inner.required("period");
    inner.required("before");
    let period_seconds = inner.duration_seconds("period").unwrap_or(0);
    let before_seconds = inner.duration_seconds("before").unwrap_or(0);
    if period_seconds > 0 && period_seconds % 3600 != 0 {
        inner.error("bad-value", "period", "`period` is not whole hours");
    } else if period_seconds > 0
        && before_seconds > 0
        && (before_seconds < 8 * period_seconds || before_seconds % period_seconds != 0)
    {
        inner.error(
            "bad-value",
            "before",
            "`before` is at least eight whole periods: the mixture must follow something",
        );
    }
    GeoDesign {
        period_seconds: period_seconds.max(3600),
        before_seconds,
    }
}

fn holdout(inner: &mut MapReader<'_>, experiment: &Experiment) -> HoldoutDesign {
    timed(inner, experiment, "a holdout");
    let treatments: Vec<&str> = experiment
        .variants
        .iter()
        .filter(|v| !v.control)
        .map(|v| v.name.as_str())
        .collect();
    let everything = inner.choice("everything", &treatments);
    let shipped = inner.choice("shipped", &treatments);
    if everything.is_some() && everything == shipped {
        inner.error("design", "shipped", "`everything` and `shipped` are the same variant");
    }
    let everything = match (everything, treatments.as_slice()) {
        (Some(named), _) => named,
        (None, [one]) => (*one).to_owned(),
        (None, _) => {
            inner.required("everything");
            String::new()
        }
    };
    HoldoutDesign { everything, shipped }
}
