//! A forecast that does not know the autocorrelation: a mixture of shifted t distributions.

use crate::dist;

/// The forecast at one autocorrelation.
pub(super) struct Part {
    /// Autocorrelation.
    pub rho: f64,
    /// Logarithm of the weight, up to a constant; the weight itself once in a [`Mixture`].
    pub log_weight: f64,
    /// Forecast.
    pub point: f64,
    /// Its standard error.
    pub se: f64,
    /// Trend per step.
    pub slope: f64,
}

/// Parts with their weights, which sum to 1.
pub(super) struct Mixture {
    parts: Vec<(f64, Part)>,
    df: f64,
}

impl Mixture {
    /// Of parts that are t distributed with `df` degrees of freedom.
    pub fn new(parts: Vec<Part>, df: f64) -> Mixture {
        let top = parts.iter().map(|p| p.log_weight).fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = parts.iter().map(|p| (p.log_weight - top).exp()).sum();
        let parts = parts
            .into_iter()
            .map(|p| ((p.log_weight - top).exp() / total, p))
            .collect();
        Mixture { parts, df }
    }

    /// Weighted mean of something.
    pub fn mean(&self, of: impl Fn(&Part) -> f64) -> f64 {
        self.parts.iter().map(|(weight, part)| weight * of(part)).sum()
    }

    /// Mean of the mixture.
    pub fn point(&self) -> f64 {
        // Around the first part, so that a level of 1e8 costs no digits.
        let origin = self.parts.first().map_or(0.0, |(_, part)| part.point);
        origin + self.mean(|part| part.point - origin)
    }

    /// Spread of the mixture: within the parts and between them.
    pub fn se(&self) -> f64 {
        let point = self.point();
        self.mean(|part| part.se * part.se + (part.point - point).powi(2))
            .sqrt()
    }

    /// Probability of more than `x`.
    pub fn survival(&self, x: f64) -> f64 {
        self.mean(|part| dist::t_sf((x - part.point) / part.se, self.df))
    }

    /// The value that is not exceeded with probability `p` in (0, 1): bisection to the last digit.
    pub fn quantile(&self, p: f64) -> f64 {
        // Each part's own quantile lies on this side or that of the mixture's.
        let reach = dist::t_two_sided_isf(2.0 * p.min(1.0 - p), self.df).copysign(p - 0.5);
        let ends = self.parts.iter().map(|(_, part)| part.point + reach * part.se);
        let (mut low, mut high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), q| (l.min(q), h.max(q)));
        loop {
            let middle = low + 0.5 * (high - low);
            if !(low < middle && middle < high) {
                return middle;
            }
            if self.survival(middle) > 1.0 - p {
                low = middle;
            } else {
                high = middle;
            }
        }
    }
}
