//! Changes that would move units between the variants of a split. Whether it runs is for those who know the time.

use serde::{Deserialize, Serialize};

use crate::project::{Kind, Project, Reference};
use crate::{Experiment, Flag, FlagRule, Serve, Span, Split};

/// A change that moves units between variants, or changes what the variants are, and does not say that it means to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// The flag or the experiment.
    pub reference: Reference,
    /// Where it is said.
    pub span: Span,
    /// The rule of the flag before the change.
    pub rule: Option<String>,
    /// The experiment that the split assigns for.
    pub experiment: Option<String>,
    /// What happens, in words.
    pub what: String,
    /// What makes it safe.
    pub hint: String,
    /// Moved to later: what was seen before does not count.
    pub start: Option<String>,
}

/// Every such change between the definitions in force and the current ones.
pub fn moves(applied: &Project, current: &Project) -> Vec<Move> {
    let mut all = Vec::new();
    for (name, old) in &applied.flags {
        if let Some(new) = current.flags.get(name) {
            all.extend(of_flag(applied, current, old, new));
        }
    }
    for (name, old) in &applied.experiments {
        if let Some(new) = current.experiments.get(name) {
            all.extend(of_experiment(applied, current, old, new));
        }
    }
    all
}

/// The splits of a flag, each with what became of it: the split for the same experiment, or under the same key.
pub(super) fn pairs<'a>(
    old: &'a Flag,
    new: &'a Flag,
) -> impl Iterator<Item = (&'a FlagRule, &'a Split, Option<(&'a FlagRule, &'a Split)>)> {
    splits(old).map(|(rule, was)| {
        let same = |s: &Split| match (&was.experiment, &s.experiment) {
            (Some(a), Some(b)) => a == b,
            _ => was.key == s.key,
        };
        // Several rules may split for one experiment: the rule's own name tells them apart.
        let named = splits(new).find(|(r, s)| same(s) && r.name == rule.name);
        (rule, was, named.or_else(|| splits(new).find(|(_, s)| same(s))))
    })
}

fn splits(flag: &Flag) -> impl Iterator<Item = (&FlagRule, &Split)> {
    flag.rules.iter().filter_map(|rule| match &rule.serve {
        Serve::Split(split) => Some((rule, split)),
        Serve::Value { .. } => None,
    })
}

/// Moves of a flag's units.
pub(super) fn of_flag(applied: &Project, current: &Project, old: &Flag, new: &Flag) -> Vec<Move> {
    let mut all = Vec::new();
    for (before, was, after) in pairs(old, new) {
        let Some((rule, split)) = after else { continue };
        let Some(changed) = changed((applied, before, was), (current, rule, split)) else {
            continue;
        };
        let kept = changed.kept_by_sticky && was.sticky && split.sticky;
        let anew = split.bucket_version > was.bucket_version && seed(before, was) != seed(rule, split);
        if anew || kept {
            continue;
        }
        let next = was.bucket_version + 1;
        let other = if rule.seed.is_some() {
            ", with another `seed`"
        } else {
            ""
        };
        let sticky = if changed.kept_by_sticky && was.sticky {
            ", or leave `sticky: true`, which keeps every unit's variant"
        } else {
            ""
        };
        all.push(Move {
            reference: Reference::new(Kind::Flag, new.meta.name.as_str()),
            span: rule.span.clone(),
            rule: Some(before.name.clone()),
            experiment: was.experiment.clone(),
            what: format!(
                "units move between the variants of `{}`: {} while it runs",
                was.key, changed.what
            ),
            hint: format!(
                "raise `bucket_version` of the rule `{}` to {next}{other}: every unit is assigned anew, and none keeps a variant \
                 of the old split{sticky}",
                rule.name
            ),
            start: None,
        });
    }
    all
}

/// What is hashed with the unit; a raised version changes it.
fn seed(rule: &FlagRule, split: &Split) -> String {
    match (&rule.seed, split.bucket_version) {
        (Some(seed), _) => seed.clone(),
        (None, 0) => split.key.clone(),
        (None, version) => format!("{}__{version}", split.key),
    }
}

struct Changed {
    what: String,
    /// Units that were assigned keep their variant where clients keep sticky buckets.
    kept_by_sticky: bool,
}

type In<'a> = (&'a Project, &'a FlagRule, &'a Split);

fn changed((applied, before, was): In<'_>, (current, rule, split): In<'_>) -> Option<Changed> {
    let names = |s: &Split| s.arms.iter().map(|a| a.name.clone()).collect::<Vec<_>>();
    let (old, new) = (names(was), names(split));
    if let Some(gone) = old.iter().find(|n| !new.contains(n)) {
        return Some(Changed {
            what: format!("the variant `{gone}` is taken out"),
            kept_by_sticky: false,
        });
    }
    if let Some(arm) = was
        .arms
        .iter()
        .find(|a| split.arms.iter().any(|b| a.name == b.name && a.value != b.value))
    {
        return Some(Changed {
            what: format!("the variant `{}` serves something else", arm.name),
            kept_by_sticky: false,
        });
    }
    let layer = |project: &Project, r: &FlagRule| {
        let slice = r.layer.clone()?;
        let layer = project.layers.get(&slice.layer);
        Some((layer.map(|l| (l.by.clone(), l.seed.clone())), slice))
    };
    let hashed = |project: &Project, r: &FlagRule, s: &Split| {
        (
            r.by.clone(),
            seed(r, s),
            r.hash_version,
            layer(project, r),
            s.namespace.clone(),
        )
    };
    let reweighted = was.arms.iter().zip(&split.arms).find(|(a, b)| a.weight != b.weight);
    let what = if let Some(added) = new.iter().find(|n| !old.contains(n)) {
        format!("the variant `{added}` is added")
    } else if old != new {
        "the variants stand in another order".to_owned()
    } else if was.ranges != split.ranges {
        "the ranges change".to_owned()
    } else if let Some((a, b)) = reweighted {
        let (from, to) = (percent(a.weight), percent(b.weight));
        format!("the weight of `{}` turns from {from} to {to}", a.name)
    } else if hashed(applied, before, was) != hashed(current, rule, split) {
        "what is hashed changes".to_owned()
    } else {
        return None;
    };
    Some(Changed {
        what,
        kept_by_sticky: true,
    })
}

fn percent(share: f64) -> String {
    format!("{}%", (share * 1e6).round() / 1e4)
}

/// Variants and weights of an experiment: what was seen under others cannot be counted with what is seen now.
fn of_experiment(applied: &Project, current: &Project, old: &Experiment, new: &Experiment) -> Option<Move> {
    let name = old.meta.name.as_str();
    let total = |e: &Experiment| e.variants.iter().map(|v| v.weight).sum::<f64>();
    let share = |e: &Experiment, v: &crate::Variant| v.weight / total(e);
    let of = |e: &Experiment, name: &str| e.variants.iter().find(|v| v.name == name).cloned();
    let gone = old.variants.iter().find(|v| of(new, &v.name).is_none());
    let added = new.variants.iter().find(|v| of(old, &v.name).is_none());
    let other = old
        .variants
        .iter()
        .find_map(|v| Some((v, of(new, &v.name)?)).filter(|(a, b)| a.control != b.control));
    let moved = old.variants.iter().find_map(|v| {
        let after = of(new, &v.name)?;
        let (a, b) = (share(old, v), share(new, &after));
        ((a - b).abs() > 1e-9).then(|| (v.name.clone(), a, b))
    });
    let what = match (gone, added, other, moved) {
        (Some(v), ..) => format!("the variant `{}` is taken out", v.name),
        (_, Some(v), ..) => format!("the variant `{}` is added", v.name),
        (_, _, Some((v, _)), _) if v.control => format!("`{}` is no longer the control", v.name),
        (_, _, Some((v, _)), _) => format!("`{}` becomes the control", v.name),
        (_, _, _, Some((v, a, b))) => format!("the weight of `{v}` turns from {} to {}", percent(a), percent(b)),
        _ => return None,
    };
    let for_it = |(_, s): &(&FlagRule, &Split)| s.experiment.as_deref() == Some(name);
    let stale: Vec<String> = current
        .flags
        .values()
        .filter(|flag| {
            let version = |f: &Flag| splits(f).filter(for_it).map(|(_, s)| s.bucket_version).min();
            let before = applied.flags.get(&flag.meta.name).and_then(version);
            matches!((before, version(flag)), (Some(a), Some(b)) if b <= a)
        })
        .map(|flag| {
            format!(
                "`bucket_version` in the flag `{}` ({})",
                flag.meta.name,
                place(&flag.meta.span)
            )
        })
        .collect();
    let start = new.start.clone().filter(|s| old.start.as_ref() != Some(s));
    let raise = if stale.is_empty() {
        String::new()
    } else {
        format!("raise {}, and ", stale.join(" and "))
    };
    Some(Move {
        reference: Reference::new(Kind::Experiment, name),
        span: new.meta.span.clone(),
        rule: None,
        experiment: Some(name.to_owned()),
        what: format!("the experiment changes while it runs: {what}"),
        hint: format!(
            "to begin anew, {raise}move `start` to a moment from now on, so that what was seen under the old variants is \
             not counted; or let it end first"
        ),
        start: start.filter(|_| stale.is_empty()),
    })
}

fn place(span: &Span) -> String {
    format!("{}:{}", span.file, span.line)
}
