//! Which initiatives to fund under capacities and a budget.
//!
//! **Question.** Two hundred ideas, forty skills, one budget: which set is worth most, and what is one more week of a skill
//! worth?
//!
//! **Estimand.** max Σ vᵢxᵢ over x ∈ {0, 1}ⁿ with Σ aᵣᵢxᵢ ≤ bᵣ for each resource r and xᵢ ≤ xⱼ where i needs j; the shadow
//! price of a resource is ∂(optimum of the relaxation x ∈ [0, 1]ⁿ)/∂bᵣ.
//!
//! **Assumptions.** Values add up; needs have no cycle.
//!
//! **Formula.** Branch and bound, depth first, on the linear relaxation: a dual simplex with bounded variables (long steps
//! in the ratio test), warm from the parent node; incumbents by rounding, greedy filling and one-for-one swaps; a node is
//! cut off when its bound is within `gap` of the incumbent. `bound` is what no set exceeds, so that the distance to the
//! optimum is stated, not hoped for.
//!
//! **Reference.** Land & Doig 1960; Lemke 1954; Maros 2003 (bound flipping).
//!
//! **Golden source.** `tests/golden/value.py` (HiGHS through scipy `milp` and `linprog`); enumeration of small programs.

mod search;
mod simplex;

use serde::{Deserialize, Serialize};

use crate::NotEstimable;

/// A resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// How much there is, 0 or more.
    pub capacity: f64,
    /// Item and how much it uses, above 0.
    pub uses: Vec<(usize, f64)>,
}

/// A choice to make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Value of each item; may be negative.
    pub values: Vec<f64>,
    /// Resources that all chosen items share.
    pub resources: Vec<Resource>,
    /// (i, j): item i only with item j.
    pub needs: Vec<(usize, usize)>,
    /// Items that must be in (`true`) or out (`false`).
    pub fixed: Vec<(usize, bool)>,
}

/// How long to search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effort {
    /// Stop where no set is better by more than this share of the best found, e.g. 0.001.
    pub gap: f64,
    /// Stop after so many nodes.
    pub nodes: usize,
}

/// The best set found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// Which items are in.
    pub chosen: Vec<bool>,
    /// Their value.
    pub value: f64,
    /// No set is worth more.
    pub bound: f64,
    /// What one more unit of each resource adds to the relaxation's optimum.
    pub shadow_prices: Vec<f64>,
    /// Nodes searched.
    pub nodes: usize,
}

impl Selection {
    /// Greatest share of the value by which another set could be better.
    pub fn gap(&self) -> f64 {
        let distance = (self.bound - self.value).max(0.0);
        if distance == 0.0 {
            0.0
        } else {
            distance / self.value.abs().max(f64::MIN_POSITIVE)
        }
    }
}

fn refuse<T>(detail: String, fix: &str) -> Result<T, NotEstimable> {
    Err(NotEstimable::out_of_domain(detail, fix))
}

/// Finds the best set. Refused: items that do not exist, capacities or uses that are negative or not finite, needs in a
/// circle, fixed items that fit no set.
pub fn select(choice: &Choice, effort: Effort) -> Result<Selection, NotEstimable> {
    let n = choice.values.len();
    if let Some(v) = choice.values.iter().find(|v| !v.is_finite()) {
        return refuse(format!("a value is {v}"), "give finite values");
    }
    for (r, resource) in choice.resources.iter().enumerate() {
        if !(resource.capacity >= 0.0 && resource.capacity.is_finite()) {
            return refuse(
                format!("resource {r} has capacity {}", resource.capacity),
                "give a capacity of 0 or more",
            );
        }
        if let Some((i, u)) = resource
            .uses
            .iter()
            .find(|(i, u)| *i >= n || !(*u >= 0.0 && u.is_finite()))
        {
            return refuse(
                format!("item {i} uses {u} of resource {r}"),
                "name an item that exists, and uses of 0 or more",
            );
        }
    }
    let pairs = choice.needs.iter().flat_map(|(i, j)| [*i, *j]);
    if let Some(i) = pairs.chain(choice.fixed.iter().map(|f| f.0)).find(|i| *i >= n) {
        return refuse(format!("item {i} does not exist"), "name an item that exists");
    }
    if let Some(i) = circle(n, &choice.needs) {
        return refuse(
            format!("item {i} needs itself, through others"),
            "take one of these needs away",
        );
    }
    search::search(choice, effort)
}

/// An item of a circle of needs.
fn circle(n: usize, needs: &[(usize, usize)]) -> Option<usize> {
    let mut waiting = vec![0usize; n];
    needs.iter().for_each(|(i, _)| waiting[*i] += 1);
    let mut free: Vec<usize> = (0..n).filter(|i| waiting[*i] == 0).collect();
    while let Some(j) = free.pop() {
        for (i, _) in needs.iter().filter(|need| need.1 == j) {
            waiting[*i] -= 1;
            if waiting[*i] == 0 {
                free.push(*i);
            }
        }
    }
    (0..n).find(|i| waiting[*i] > 0)
}
