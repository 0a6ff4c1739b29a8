//! Rules that follow a bandit: its live weights as shares, in every context that it tells apart.
//!
//! The seed and the attribute of a unit's hash stay as they are when weights change, so that a unit changes its arm only where
//! the bounds between arms pass over its hash; with `sticky` it keeps the first one. A bandit counts units by their first play.

use std::collections::BTreeMap;

use steward_definitions::{FlagRule, Serve, Split};

use super::live::{Holds, LiveRule};
use super::value::Value;
use crate::bandits::Weighing;

type Entry = (Box<str>, Value);

/// The weighing that a split follows, if one was set for its arms.
fn of<'h>(holds: &'h Holds, split: &Split) -> Option<&'h Weighing> {
    let weighing = holds.weights(split.bandit.as_ref()?)?;
    let known = |name: &String| split.arms.iter().any(|a| a.name == *name);
    (weighing.arms.len() == split.arms.len() && weighing.arms.iter().all(known)).then_some(weighing)
}

fn shares(split: &Split, weighing: &Weighing, weights: &[f64]) -> Vec<Value> {
    let share = |name: &str| {
        let at = weighing.arms.iter().position(|a| a == name);
        at.and_then(|at| weights.get(at)).copied().unwrap_or(0.0)
    };
    split.arms.iter().map(|a| Value::Number(share(&a.name))).collect()
}

/// Shares of a split's arms: those of the definition, or the bandit's.
pub(super) fn weights(holds: &Holds, split: &Split) -> Vec<Value> {
    match of(holds, split) {
        Some(weighing) => shares(split, weighing, &weighing.weights),
        None => split.arms.iter().map(|a| Value::Number(a.weight)).collect(),
    }
}

/// A rule as it stands in the payload: before it, one for each context with shares of its own.
pub(super) fn contexts(holds: &Holds, rule: &FlagRule, compiled: (Value, LiveRule)) -> Vec<(Value, LiveRule)> {
    let mut all = Vec::new();
    if let Serve::Split(split) = &rule.serve
        && let Some(weighing) = of(holds, split)
        && let (Value::Map(fields), known) = &compiled
    {
        for cell in &weighing.cells {
            let own = in_context(fields, &cell.context, shares(split, weighing, &cell.weights));
            all.push((Value::Map(own), known.clone()));
        }
    }
    all.push(compiled);
    all
}

fn in_context(fields: &[Entry], context: &BTreeMap<String, String>, weights: Vec<Value>) -> Vec<Entry> {
    let here = Value::Map(
        context
            .iter()
            .map(|(a, v)| (a.as_str().into(), Value::text(v)))
            .collect(),
    );
    let mut own: Vec<Entry> = fields.to_vec();
    match own.iter_mut().find(|(key, _)| &**key == "condition") {
        Some((_, condition)) => {
            let both = vec![condition.clone(), here];
            *condition = Value::Map(vec![("$and".into(), Value::List(both))]);
        }
        None => own.insert(1.min(own.len()), ("condition".into(), here)),
    }
    if let Some((_, shares)) = own.iter_mut().find(|(key, _)| &**key == "weights") {
        *shares = Value::List(weights);
    }
    own
}
