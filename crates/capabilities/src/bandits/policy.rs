//! A candidate policy: shares of arms, by context where it looks at it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_definitions::Bandit;

use super::allocate::named;
use crate::CapabilityError;

/// Shares of arms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Arm → share; arms left out are not played. Sums to 1.
    pub weights: BTreeMap<String, f64>,
    /// Shares in contexts, where they differ.
    #[serde(default)]
    pub cells: Vec<PolicyCell>,
}

/// Shares in one context.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyCell {
    /// Attribute → value; attributes left out may have any.
    pub context: BTreeMap<String, String>,
    /// Arm → share.
    pub weights: BTreeMap<String, f64>,
}

impl Policy {
    /// The same arm for everybody.
    pub fn always(arm: &str) -> Policy {
        Policy {
            weights: BTreeMap::from([(arm.to_owned(), 1.0)]),
            cells: Vec::new(),
        }
    }

    /// Refuses arms, attributes and values that the bandit does not have, and shares that do not sum to 1.
    pub(super) fn check(&self, bandit: &Bandit) -> Result<(), CapabilityError> {
        let all = std::iter::once(&self.weights).chain(self.cells.iter().map(|c| &c.weights));
        for weights in all {
            if let Some(arm) = weights.keys().find(|a| !bandit.arms.contains(a)) {
                return Err(CapabilityError::Unknown {
                    kind: "arm".into(),
                    name: arm.clone(),
                    near: crate::error::nearest(arm, bandit.arms.iter()),
                });
            }
            let sum: f64 = weights.values().sum();
            if weights.values().any(|w| !(0.0..=1.0).contains(w)) || (sum - 1.0).abs() > 1e-6 {
                return Err(CapabilityError::Invalid(format!(
                    "the shares of a policy sum to {sum}: give each arm a share from 0 to 1, together 1"
                )));
            }
        }
        for (attribute, value) in self.cells.iter().flat_map(|c| &c.context) {
            let feature = bandit.context.iter().find(|f| f.attribute == *attribute);
            if !feature.is_some_and(|f| f.values.contains(value)) {
                return Err(CapabilityError::Invalid(format!(
                    "the context of bandit {} has no {attribute} = {value}",
                    bandit.meta.name
                )));
            }
        }
        Ok(())
    }

    /// Share of each arm in a context: that of the first cell that fits.
    pub(super) fn shares(&self, bandit: &Bandit, cell: Option<usize>) -> Vec<f64> {
        let cells = bandit.cells();
        let context = cell.and_then(|c| cells.get(c)).map(|values| named(bandit, values));
        let fits = |c: &&PolicyCell| {
            context
                .as_ref()
                .is_some_and(|known| c.context.iter().all(|(a, v)| known.get(a) == Some(v)))
        };
        let weights = self.cells.iter().find(fits).map_or(&self.weights, |c| &c.weights);
        bandit
            .arms
            .iter()
            .map(|arm| weights.get(arm).copied().unwrap_or(0.0))
            .collect()
    }
}
