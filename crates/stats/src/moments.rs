//! Count, means and centred cross-products of k variables: mergeable, stable at mean 1e8.

use serde::{Deserialize, Serialize};

/// Sufficient statistics of k jointly observed variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: u64,
    means: Vec<f64>,
    /// Centred cross-products Σ(xᵢ−x̄ᵢ)(xⱼ−x̄ⱼ), upper triangle by rows: (0,0),(0,1)…(0,k−1),(1,1)….
    cross: Vec<f64>,
}

impl Moments {
    /// No observations of `k` variables.
    pub fn empty(k: usize) -> Self {
        Moments {
            count: 0,
            means: vec![0.0; k],
            cross: vec![0.0; k * (k + 1) / 2],
        }
    }

    /// From its parts; `cross` is the upper triangle by rows. `None` if lengths disagree.
    pub fn from_parts(count: u64, means: Vec<f64>, cross: Vec<f64>) -> Option<Self> {
        (cross.len() == means.len() * (means.len() + 1) / 2).then_some(Moments { count, means, cross })
    }

    /// From the flat form `[count, means…, cross…]` that engines return. `None` if the length fits no k or the count is no
    /// whole number of observations.
    pub fn from_flat(flat: &[f64]) -> Option<Self> {
        let k = (0..).find(|k| 1 + k + k * (k + 1) / 2 >= flat.len())?;
        if 1 + k + k * (k + 1) / 2 != flat.len() || !(flat[0] >= 0.0 && flat[0].is_finite() && flat[0].fract() == 0.0) {
            return None;
        }
        Moments::from_parts(flat[0] as u64, flat[1..=k].to_vec(), flat[k + 1..].to_vec())
    }

    /// The flat form `[count, means…, cross…]`, the inverse of [`Moments::from_flat`].
    pub fn to_flat(&self) -> Vec<f64> {
        let mut flat = Vec::with_capacity(1 + self.means.len() + self.cross.len());
        flat.push(self.count as f64);
        flat.extend_from_slice(&self.means);
        flat.extend_from_slice(&self.cross);
        flat
    }

    /// Adds one observation of all variables. Panics never; extra or missing values are a caller's bug (debug assert).
    pub fn push(&mut self, x: &[f64]) {
        debug_assert_eq!(x.len(), self.means.len());
        self.count += 1;
        let n = self.count as f64;
        let weight = (n - 1.0) / n;
        let mut cross = self.cross.iter_mut();
        for (i, (xi, mi)) in x.iter().zip(&self.means).enumerate() {
            for ((xj, mj), sum) in x.iter().zip(&self.means).skip(i).zip(&mut cross) {
                *sum += (xi - mi) * (xj - mj) * weight;
            }
        }
        for (mean, x) in self.means.iter_mut().zip(x) {
            *mean += (x - *mean) / n;
        }
    }

    /// Adds another sample of the same variables (Chan, Golub & LeVeque 1983).
    pub fn merge(&mut self, other: &Moments) {
        debug_assert_eq!(other.means.len(), self.means.len());
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            self.clone_from(other);
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let k = self.means.len();
        let mut at = 0;
        for i in 0..k {
            let di = other.means[i] - self.means[i];
            for j in i..k {
                let dj = other.means[j] - self.means[j];
                self.cross[at] += other.cross[at] + di * dj * (a * b / (a + b));
                at += 1;
            }
        }
        for i in 0..k {
            self.means[i] += (other.means[i] - self.means[i]) * (b / (a + b));
        }
        self.count += other.count;
    }

    /// Observations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Variables.
    pub fn dimension(&self) -> usize {
        self.means.len()
    }

    /// Mean of variable `i`; 0 for an empty sample.
    pub fn mean(&self, i: usize) -> f64 {
        self.means[i]
    }

    /// Sum of variable `i`.
    pub fn sum(&self, i: usize) -> f64 {
        self.means[i] * self.count as f64
    }

    /// Centred cross-product of variables `i` and `j`.
    pub fn cross(&self, i: usize, j: usize) -> f64 {
        let (i, j) = if i <= j { (i, j) } else { (j, i) };
        let k = self.means.len();
        // Rows before i hold k + (k−1) + … + (k−i+1) entries.
        self.cross[i * (2 * k + 1 - i) / 2 + (j - i)]
    }

    /// Sample covariance (divisor n − 1); `None` under two observations.
    pub fn covariance(&self, i: usize, j: usize) -> Option<f64> {
        (self.count > 1).then(|| self.cross(i, j) / (self.count - 1) as f64)
    }

    /// Sample variance (divisor n − 1); `None` under two observations.
    pub fn variance(&self, i: usize) -> Option<f64> {
        self.covariance(i, i)
    }

    /// Only the variables named, in that order.
    pub fn select(&self, indices: &[usize]) -> Moments {
        let means = indices.iter().map(|&i| self.means[i]).collect();
        let mut cross = Vec::with_capacity(indices.len() * (indices.len() + 1) / 2);
        for (a, &i) in indices.iter().enumerate() {
            cross.extend(indices[a..].iter().map(|&j| self.cross(i, j)));
        }
        Moments {
            count: self.count,
            means,
            cross,
        }
    }
}
