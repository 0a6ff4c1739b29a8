//! Binomial tails, for order statistics and sign tests.

use crate::dist::ln_beta;

/// P(B = k) for B ~ Binomial(n, p), 0 < p < 1.
pub(crate) fn pmf(k: u64, n: u64, p: f64) -> f64 {
    if k > n {
        return 0.0;
    }
    let (k, n) = (k as f64, n as f64);
    // ln C(n, k) through ln B keeps its digits where three log-gammas of a large n cancel.
    (-(n + 1.0).ln() - ln_beta(n - k + 1.0, k + 1.0) + k * p.ln() + (n - k) * (-p).ln_1p()).exp()
}

/// P(B ≤ k), from the side of the mode where it is a short sum of falling terms.
pub(crate) fn cdf(k: i64, n: u64, p: f64) -> f64 {
    if k < 0 {
        return 0.0;
    }
    if k as u64 >= n {
        return 1.0;
    }
    let k = k as u64;
    if (k as f64) < (n as f64) * p {
        lower(k, n, p)
    } else {
        1.0 - lower(n - k - 1, n, 1.0 - p)
    }
}

/// P(B ≥ k).
pub(crate) fn upper(k: i64, n: u64, p: f64) -> f64 {
    if k <= 0 {
        return 1.0;
    }
    if k as u64 > n {
        return 0.0;
    }
    cdf(n as i64 - k, n, 1.0 - p)
}

/// P(B ≤ k) by summing down from k until terms no longer count.
fn lower(k: u64, n: u64, p: f64) -> f64 {
    let odds = (1.0 - p) / p;
    let mut term = pmf(k, n, p);
    let mut sum = 0.0;
    let mut j = k;
    loop {
        sum += term;
        if j == 0 || term < sum * 1e-17 {
            return sum;
        }
        term *= j as f64 / (n - j + 1) as f64 * odds;
        j -= 1;
    }
}

/// Smallest k with P(B ≤ k) ≥ probability.
pub(crate) fn quantile(probability: f64, n: u64, p: f64) -> u64 {
    let (mut low, mut high) = (-1i64, n as i64);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if cdf(middle, n, p) >= probability {
            high = middle;
        } else {
            low = middle;
        }
    }
    high as u64
}

/// Smallest k with P(B > k) ≤ probability.
pub(crate) fn upper_quantile(probability: f64, n: u64, p: f64) -> u64 {
    let (mut low, mut high) = (-1i64, n as i64);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if upper(middle + 1, n, p) <= probability {
            high = middle;
        } else {
            low = middle;
        }
    }
    high as u64
}

/// Two-sided exact test of `k` of `n` against p = ½: twice the smaller tail, at most 1.
pub(crate) fn sign_test(k: u64, n: u64) -> f64 {
    (2.0 * cdf(k.min(n - k) as i64, n, 0.5)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17.1 `binom`.
    #[test]
    fn tails() {
        let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-12, "{a:e} is not {b:e}");
        close(cdf(3, 10, 0.5), 0.171_875);
        close(cdf(8, 10, 0.5), 0.989_257_812_5);
        close(upper(9, 10, 0.5), 0.010_742_187_5);
        close(sign_test(2, 10), 0.109_375);
        assert_eq!(quantile(0.025, 100, 0.5), 40);
        assert_eq!(upper_quantile(0.025, 100, 0.5), 60);
    }
}
