//! How many units get what of a rule.

use serde::{Deserialize, Serialize};
use steward_definitions::{Flag, FlagRule, Serve};

use super::answer::variant_of;
use super::hash::bucket_ranges;

/// A value of a rule with the share of units that get it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantShare {
    /// Name of the value.
    pub variant: String,
    /// The value, as JSON text.
    pub value: String,
    /// Share of the units that the rule's conditions hold for, 0 to 1.
    pub share: f64,
}

/// Shares of a rule that includes this share of its units, in the order of its variants.
pub(super) fn shares(flag: &Flag, rule: &FlagRule, coverage: f64) -> Vec<VariantShare> {
    let width = |[from, to]: [f64; 2]| (to - from).max(0.0);
    let mut slice = rule.layer.as_ref().map_or(1.0, |l| width(l.range));
    let parts: Vec<(String, String, f64)> = match &rule.serve {
        Serve::Value { value, .. } => {
            let name = variant_of(flag, value).unwrap_or(&rule.name);
            vec![(name.to_owned(), value.clone(), coverage)]
        }
        Serve::Split(split) => {
            if let Some((_, from, to)) = &split.namespace {
                slice *= width([*from, *to]);
            }
            let weights: Vec<f64> = split.arms.iter().map(|a| a.weight).collect();
            let ranges = match &split.ranges {
                Some(ranges) if coverage > 0.0 => ranges.clone(),
                _ => bucket_ranges(split.arms.len(), coverage, Some(&weights)),
            };
            let arms = split.arms.iter().zip(ranges);
            arms.map(|(a, range)| (a.name.clone(), a.value.clone(), width(range)))
                .collect()
        }
    };
    parts
        .into_iter()
        .map(|(variant, value, share)| VariantShare {
            variant,
            value,
            // Sums of shares such as 0.1 + 0.2 are not shown with their rounding.
            share: (share * slice * 1e12).round() / 1e12,
        })
        .collect()
}
