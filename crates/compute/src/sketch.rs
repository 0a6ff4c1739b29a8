//! Quantiles from counts of logarithmic buckets: DDSketch (Masson, Rim & Lee, VLDB 2019).
//!
//! Counts are integers, so that a sketch is the same whatever the order of rows, partitions and merges,
//! and any SQL engine can fill it with `GROUP BY`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A mergeable quantile sketch with relative accuracy `alpha`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sketch {
    alpha: f64,
    /// Bucket index → count, for positive values.
    positive: BTreeMap<i32, u64>,
    /// Bucket index of |x| → count, for negative values.
    negative: BTreeMap<i32, u64>,
    zeros: u64,
}

impl Sketch {
    /// An empty sketch whose quantiles are within a factor 1 ± `alpha` (0 < alpha < 1) of the exact ones.
    pub fn new(alpha: f64) -> Self {
        Sketch {
            alpha: alpha.clamp(1e-6, 0.5),
            positive: BTreeMap::new(),
            negative: BTreeMap::new(),
            zeros: 0,
        }
    }

    fn gamma(&self) -> f64 {
        (1.0 + self.alpha) / (1.0 - self.alpha)
    }

    /// Adds one value; NaN is ignored.
    pub fn push(&mut self, x: f64) {
        if x.is_nan() {
            return;
        }
        if x == 0.0 {
            self.zeros += 1;
            return;
        }
        let index = (x.abs().ln() / self.gamma().ln()).ceil() as i32;
        self.add(index, x < 0.0, 1);
    }

    /// Adds `count` values of the bucket `index` = ⌈ln|x| / ln γ⌉, as a SQL engine returns them.
    pub fn add(&mut self, index: i32, negative: bool, count: u64) {
        let side = if negative {
            &mut self.negative
        } else {
            &mut self.positive
        };
        *side.entry(index).or_insert(0) += count;
    }

    /// Adds `count` zeros.
    pub fn add_zeros(&mut self, count: u64) {
        self.zeros += count;
    }

    /// Adds another sketch of the same accuracy.
    pub fn merge(&mut self, other: &Sketch) {
        debug_assert_eq!(self.alpha, other.alpha);
        for (&i, &c) in &other.positive {
            self.add(i, false, c);
        }
        for (&i, &c) in &other.negative {
            self.add(i, true, c);
        }
        self.zeros += other.zeros;
    }

    /// Values added.
    pub fn count(&self) -> u64 {
        self.zeros + self.positive.values().sum::<u64>() + self.negative.values().sum::<u64>()
    }

    /// The `q`-quantile (0 ≤ q ≤ 1; lower of the two neighbours); `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let n = self.count();
        if n == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        let rank = (q * (n - 1) as f64).floor() as u64;
        let gamma = self.gamma();
        let middle = |i: i32| 2.0 * gamma.powi(i) / (gamma + 1.0);
        let mut seen = 0;
        for (&i, &c) in self.negative.iter().rev() {
            seen += c;
            if seen > rank {
                return Some(-middle(i));
            }
        }
        seen += self.zeros;
        if seen > rank {
            return Some(0.0);
        }
        for (&i, &c) in &self.positive {
            seen += c;
            if seen > rank {
                return Some(middle(i));
            }
        }
        None
    }

    /// ln γ, for writing the bucket index in SQL.
    pub fn log_gamma(&self) -> f64 {
        self.gamma().ln()
    }
}
