//! What only the whole project tells about flags.

use crate::decode::one_of;
use crate::nearest::nearest;
use crate::project::Project;
use crate::{Diagnostic, Flag, FlagRule, Serve};

pub(crate) fn check(project: &Project, problems: &mut Vec<Diagnostic>) {
    arms(project, problems);
    bandits(project, problems);
    layers(project, problems);
    keys(project, problems);
    groups(project, problems);
    guards(project, problems);
}

/// What a guard watches is measured by its experiment, and may be looked at again and again.
fn guards(project: &Project, problems: &mut Vec<Diagnostic>) {
    for (flag, rule) in rules(project) {
        let Some(guard) = &rule.guarded_by else { continue };
        let Some(experiment) = project.experiments.get(&guard.experiment) else {
            continue;
        };
        let what = format!("the rule `{}` of the flag `{}`", rule.name, flag.meta.name);
        let of = &experiment.meta.name;
        let known: Vec<&str> = experiment
            .guardrails
            .iter()
            .map(|g| &g.metric)
            .chain(&experiment.primary)
            .chain(&experiment.secondary)
            .map(String::as_str)
            .collect();
        for metric in guard.metrics.iter().filter(|m| !known.contains(&m.as_str())) {
            let message =
                format!("{what} is guarded by the metric `{metric}`, which the experiment `{of}` does not measure");
            let problem = Diagnostic::error("unknown-metric", rule.span.clone(), message);
            problems.push(problem.expected(one_of(&known)));
        }
        if guard.metrics.is_empty() && experiment.guardrails.is_empty() {
            let message = format!("{what} is guarded by the experiment `{of}`, which has no guardrails");
            let problem = Diagnostic::error("bad-value", rule.span.clone(), message);
            problems.push(problem.hint("name `metrics` to watch, or give the experiment guardrails"));
        }
        if experiment.inference.method == crate::InferenceMethod::Fixed {
            let message = format!(
                "{what} is guarded by the experiment `{of}`, which is planned for one look: a guard looks again and again"
            );
            let problem = Diagnostic::warning("fixed-horizon", rule.span.clone(), message);
            problems
                .push(problem.hint("conclude it by `always_valid` or `group_sequential`, or expect more false alarms"));
        }
    }
}

/// `$inGroup` looks into a list: clients find nobody in a segment that is a condition.
fn groups(project: &Project, problems: &mut Vec<Diagnostic>) {
    let of_rules = rules(project).map(|(f, r)| {
        (
            format!("the rule `{}` of the flag `{}`", r.name, f.meta.name),
            &r.span,
            &r.when,
        )
    });
    let of_segments = project
        .segments
        .values()
        .map(|s| (format!("the segment `{}`", s.meta.name), &s.meta.span, &s.when));
    for (what, span, when) in of_rules.chain(of_segments) {
        let Some(condition) = when.as_deref().and_then(|w| serde_json::from_str(w).ok()) else {
            continue;
        };
        let mut named = Vec::new();
        mentioned(&condition, &mut named);
        for name in named {
            if project.segments.get(&name).is_some_and(|s| s.when.is_some()) {
                let message = format!("{what} looks for the segment `{name}` by `$inGroup`, but it is no list");
                let problem = Diagnostic::error("bad-value", span.clone(), message);
                problems.push(
                    problem.hint("name it under `segments:` or `not_segments:` of a rule, or write its condition out"),
                );
            }
        }
    }
}

fn mentioned(condition: &serde_json::Value, named: &mut Vec<String>) {
    match condition {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value.as_str()) {
                    ("$inGroup" | "$notInGroup", Some(name)) => named.push(name.to_owned()),
                    _ => mentioned(value, named),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| mentioned(item, named)),
        _ => {}
    }
}

fn rules(project: &Project) -> impl Iterator<Item = (&Flag, &FlagRule)> {
    project.flags.values().flat_map(|f| f.rules.iter().map(move |r| (f, r)))
}

/// The variants of a split are those of its experiment.
fn arms(project: &Project, problems: &mut Vec<Diagnostic>) {
    for (flag, rule) in rules(project) {
        let Serve::Split(split) = &rule.serve else { continue };
        let Some(experiment) = split.experiment.as_ref().and_then(|e| project.experiments.get(e)) else {
            continue;
        };
        let known: Vec<&str> = experiment.variants.iter().map(|v| v.name.as_str()).collect();
        for arm in split.arms.iter().filter(|a| !known.contains(&a.name.as_str())) {
            let message = format!(
                "the rule `{}` of the flag `{}` assigns the variant `{}`, which the experiment `{}` does not have",
                rule.name, flag.meta.name, arm.name, experiment.meta.name
            );
            let near = nearest(&arm.name, known.iter().copied());
            let problem = Diagnostic::error("unknown-variant", rule.span.clone(), message).did_you_mean(near);
            problems.push(if near.is_none() {
                problem.expected(one_of(&known))
            } else {
                problem
            });
        }
        let total: f64 = experiment.variants.iter().map(|v| v.weight).sum();
        for variant in &experiment.variants {
            let planned = variant.weight / total;
            let given = split
                .arms
                .iter()
                .find(|a| a.name == variant.name)
                .map_or(0.0, |a| a.weight);
            if split.ranges.is_none() && (planned - given).abs() > 0.002 {
                let message = format!(
                    "the flag `{}` assigns {:.1}% to `{}`, but the experiment `{}` plans {:.1}%",
                    flag.meta.name,
                    given * 100.0,
                    variant.name,
                    experiment.meta.name,
                    planned * 100.0
                );
                let problem = Diagnostic::error("weights", rule.span.clone(), message);
                problems.push(problem.hint("the sample ratio is tested against the plan: give both the same weights"));
            }
        }
    }
}

/// The variants of a split that follows a bandit are its arms, all of them.
fn bandits(project: &Project, problems: &mut Vec<Diagnostic>) {
    for (flag, rule) in rules(project) {
        let Serve::Split(split) = &rule.serve else { continue };
        let Some(bandit) = split.bandit.as_ref().and_then(|b| project.bandits.get(b)) else {
            continue;
        };
        let known: Vec<&str> = bandit.arms.iter().map(String::as_str).collect();
        let what = format!("the rule `{}` of the flag `{}`", rule.name, flag.meta.name);
        for arm in split.arms.iter().filter(|a| !known.contains(&a.name.as_str())) {
            let message = format!(
                "{what} serves `{}`, which is no arm of the bandit `{}`",
                arm.name, bandit.meta.name
            );
            let problem = Diagnostic::error("unknown-variant", rule.span.clone(), message);
            problems.push(
                problem
                    .did_you_mean(nearest(&arm.name, known.iter().copied()))
                    .expected(one_of(&known)),
            );
        }
        for arm in known.iter().filter(|k| !split.arms.iter().any(|a| a.name == **k)) {
            let message = format!(
                "{what} does not serve `{arm}`, an arm of the bandit `{}`",
                bandit.meta.name
            );
            let problem = Diagnostic::error("unknown-variant", rule.span.clone(), message);
            problems.push(problem.hint("list every arm under `split:` with its value"));
        }
    }
}

/// Different experiments in one layer may not share units.
fn layers(project: &Project, problems: &mut Vec<Diagnostic>) {
    let slices: Vec<_> = rules(project)
        .filter_map(|(f, r)| {
            let key = match &r.serve {
                Serve::Split(split) => split.key.clone(),
                Serve::Value { .. } => format!("{}/{}", f.meta.name, r.name),
            };
            Some((f, r, r.layer.as_ref()?, key))
        })
        .collect();
    for (at, (flag, rule, slice, key)) in slices.iter().enumerate() {
        for (other, _, before, other_key) in slices.iter().take(at) {
            let apart = slice.range[1] <= before.range[0] || before.range[1] <= slice.range[0];
            if slice.layer == before.layer && key != other_key && !apart {
                let message = format!(
                    "`{key}` (flag `{}`) and `{other_key}` (flag `{}`) overlap in the layer `{}`: [{}, {}] and [{}, {}]",
                    flag.meta.name,
                    other.meta.name,
                    slice.layer,
                    slice.range[0],
                    slice.range[1],
                    before.range[0],
                    before.range[1]
                );
                let problem = Diagnostic::error("layer-overlap", rule.span.clone(), message);
                problems.push(problem.expected("slices that exclude each other"));
            }
        }
    }
}

/// One tracking key means one split: clients deduplicate and bucket by it.
fn keys(project: &Project, problems: &mut Vec<Diagnostic>) {
    let splits: Vec<_> = rules(project)
        .filter_map(|(f, r)| match &r.serve {
            Serve::Split(split) => Some((f, r, split)),
            Serve::Value { .. } => None,
        })
        .collect();
    for (at, (flag, rule, split)) in splits.iter().enumerate() {
        let names = |s: &crate::Split| {
            s.arms
                .iter()
                .map(|a| (a.name.clone(), a.weight.to_bits()))
                .collect::<Vec<_>>()
        };
        let clash = splits
            .iter()
            .take(at)
            .find(|(_, _, s)| s.key == split.key && names(s) != names(split));
        if let Some((other, first, _)) = clash {
            let message = format!(
                "the splits `{}` of the flag `{}` and `{}` of the flag `{}` share the key `{}` but not the variants and weights",
                rule.name, flag.meta.name, first.name, other.meta.name, split.key
            );
            let problem = Diagnostic::error("duplicate-name", rule.span.clone(), message);
            problems.push(problem.hint("give one of them another `key:`"));
        }
    }
}
