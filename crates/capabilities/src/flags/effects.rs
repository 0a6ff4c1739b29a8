//! What a change of a flag does to the units that its rules apply to.
//!
//! Hash values spread evenly, so that shares follow from the slices of both states: of one hash by where the slices
//! differ, of two different hashes as of independent draws.

use std::collections::BTreeSet;

use serde::Serialize;
use steward_definitions::{Flag, FlagRule, Layer, Project, Serve};

use super::clock::Schedule;
use super::hash::bucket_ranges;
use super::live::{Live, RuleState};

/// What a change does, for whom.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The rule, or nothing where all of the flag is meant.
    pub rule: Option<String>,
    /// What happens, in words.
    pub what: String,
    /// Share of the units that the rule's conditions hold for (and no rule before it takes) that get something else, 0 to
    /// 1; `None` where it hangs on the units' attributes.
    pub share: Option<f64>,
}

/// What changes between two states of a flag.
pub(super) fn effects(before: &Live, after: &Live, name: &str) -> Vec<Effect> {
    let side = |live: &Live| {
        let flag = live.project().flags.get(name).cloned();
        flag.zip(live.flag(name).map(|f| f.states.clone()))
    };
    let (Some((old, old_states)), Some((new, new_states))) = (side(before), side(after)) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut whole = |what: String, share| {
        all.push(Effect {
            rule: None,
            what,
            share,
        });
    };
    match (old.enabled, new.enabled) {
        (true, false) => whole(format!("it is switched off: everyone gets {}", new.default), None),
        (false, true) => whole("it is switched on: its rules apply".into(), None),
        (false, false) => whole(
            format!("it stays switched off: everyone gets {}", new.default),
            Some(0.0),
        ),
        (true, true) => {}
    }
    if old.default != new.default {
        let what = format!(
            "units that no rule serves get {} instead of {}",
            new.default, old.default
        );
        whole(what, None);
    }
    if old.forced != new.forced {
        whole("other testers, or other values for them".into(), None);
    }
    if old.prerequisites != new.prerequisites {
        whole("other prerequisites".into(), None);
    }
    let mut seen = BTreeSet::new();
    for rule in rules(&old).chain(rules(&new)) {
        if !seen.insert(rule) {
            continue;
        }
        let of = |flag: &Flag, states: &[RuleState], live: &Live| {
            let at = flag.rules.iter().position(|r| r.name == rule)?;
            Some(Stand::new(live.project(), flag, flag.rules.get(at)?, states.get(at)?))
        };
        let (a, b) = (of(&old, &old_states, before), of(&new, &new_states, after));
        if let Some((what, share)) = between(a.as_ref(), b.as_ref()) {
            all.push(Effect {
                rule: Some(rule.to_owned()),
                what,
                share,
            });
        }
    }
    all
}

fn rules(flag: &Flag) -> impl Iterator<Item = &str> {
    flag.rules.iter().map(|r| r.name.as_str())
}

/// What a rule serves to which slices of hash values.
struct Stand {
    /// All that tells which hash it is.
    hash: (String, String, u8),
    /// From, to, what.
    slices: Vec<(f64, f64, String)>,
    /// The layer's hash and the slice of it.
    layer: Option<(Layer, [f64; 2])>,
    /// Whom it is for.
    targets: FlagRule,
}

impl Stand {
    fn new(project: &Project, flag: &Flag, rule: &FlagRule, state: &RuleState) -> Stand {
        let live = matches!(state.schedule, Schedule::Live { .. });
        let (seed, slices) = match &rule.serve {
            _ if !live || state.coverage <= 0.0 => (String::new(), Vec::new()),
            Serve::Value { value, range, .. } => {
                let [from, to] = range.unwrap_or([0.0, state.coverage]);
                (flag.meta.name.clone(), vec![(from, to, value.clone())])
            }
            Serve::Split(split) => {
                let weights: Vec<f64> = split.arms.iter().map(|a| a.weight).collect();
                let usual = || bucket_ranges(split.arms.len(), state.coverage, Some(&weights));
                let ranges = split.ranges.clone().unwrap_or_else(usual);
                let told = |a: &steward_definitions::Arm| format!("{} {}", a.name, a.value);
                let slices = ranges.iter().zip(&split.arms).map(|([a, b], arm)| (*a, *b, told(arm)));
                let seed = match split.bucket_version {
                    0 => split.key.clone(),
                    version => format!("{}__{version}", split.key),
                };
                (seed, slices.collect())
            }
        };
        let targets = FlagRule {
            when: rule.when.clone(),
            segments: rule.segments.clone(),
            not_segments: rule.not_segments.clone(),
            prerequisites: rule.prerequisites.clone(),
            ..FlagRule::default()
        };
        let layer = rule
            .layer
            .as_ref()
            .and_then(|s| Some((project.layers.get(&s.layer)?.clone(), s.range)));
        Stand {
            hash: (rule.by.clone(), rule.seed.clone().unwrap_or(seed), rule.hash_version),
            slices,
            layer,
            targets,
        }
    }

    /// What units at a hash value get.
    fn at(&self, n: f64) -> &str {
        let found = self.slices.iter().find(|(from, to, _)| n >= *from && n < *to);
        found.map_or("", |(.., what)| what)
    }

    fn covered(&self) -> f64 {
        self.slices.iter().map(|(from, to, _)| to - from).sum::<f64>()
    }

    fn whole(&self) -> bool {
        self.covered() >= 1.0 - 1e-12
    }

    /// Share of units, by what they get.
    fn share(&self, what: &str) -> f64 {
        match what {
            "" => 1.0 - self.covered(),
            _ => self
                .slices
                .iter()
                .filter(|s| s.2 == what)
                .map(|(from, to, _)| to - from)
                .sum(),
        }
    }
}

/// Share of units inside both layers' slices that get something else.
fn moved(a: &Stand, b: &Stand) -> f64 {
    let one = |s: &Stand| s.slices.len() == 1 && s.whole();
    if a.hash == b.hash || one(a) || one(b) || a.slices.is_empty() || b.slices.is_empty() {
        let mut cuts = vec![0.0, 1.0];
        cuts.extend(a.slices.iter().chain(&b.slices).flat_map(|(from, to, _)| [*from, *to]));
        cuts.sort_by(f64::total_cmp);
        let parts = cuts.windows(2).filter_map(|w| <[f64; 2]>::try_from(w).ok());
        return parts
            .filter(|[from, to]| to > from && a.at(*from) != b.at(*from))
            .map(|[from, to]| to - from)
            .sum();
    }
    let all: BTreeSet<&str> = a
        .slices
        .iter()
        .chain(&b.slices)
        .map(|s| s.2.as_str())
        .chain([""])
        .collect();
    1.0 - all.into_iter().map(|what| a.share(what) * b.share(what)).sum::<f64>()
}

fn between(a: Option<&Stand>, b: Option<&Stand>) -> Option<(String, Option<f64>)> {
    let nothing = |s: &Stand| Stand {
        hash: s.hash.clone(),
        slices: Vec::new(),
        layer: s.layer.clone(),
        targets: s.targets.clone(),
    };
    let (gone, added) = (b.is_none(), a.is_none());
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (Some(a), None) => (a, &nothing(a)),
        (None, Some(b)) => (&nothing(b), b),
        (None, None) => return None,
    };
    if a.targets != b.targets {
        return Some(("it is for other units".into(), None));
    }
    let width = |s: &Stand| s.layer.as_ref().map_or(1.0, |(_, [from, to])| to - from);
    let both = match (&a.layer, &b.layer) {
        (Some((x, [a0, a1])), Some((y, [b0, b1]))) if (&x.by, &x.seed) == (&y.by, &y.seed) => {
            (a1.min(*b1) - a0.max(*b0)).max(0.0)
        }
        _ => width(a) * width(b),
    };
    let share = both * moved(a, b) + (width(a) - both) * a.covered() + (width(b) - both) * b.covered();
    let share = (share * 1e12).round() / 1e12;
    if share == 0.0 && !(gone || added) {
        return None;
    }
    let told = |s: &Stand| {
        let parts: Vec<String> = s
            .slices
            .iter()
            .map(|(from, to, what)| format!("{what} for {}%", ((to - from) * width(s) * 1e6).round() / 1e4))
            .collect();
        if parts.is_empty() {
            "nothing".to_owned()
        } else {
            parts.join(", ")
        }
    };
    let (was, is) = (told(a), told(b));
    let what = match (gone, added) {
        (true, _) => format!("it is taken out; it served {was}"),
        (_, true) => format!("it is new; it serves {is}"),
        _ if was == is => format!("it still serves {is}, but to other units"),
        _ => format!("it serves {is} instead of {was}"),
    };
    Some((what, Some(share)))
}
