//! Sums whose rounded result does not depend on the order of the terms.
//!
//! A [`LongSum`] cascades the rounding errors of a sum into two further doubles (SumK with K = 3; Ogita, Rump &
//! Oishi 2005): about 159 significant bits, so that whatever is lost lies some 100 bits below what a result shows.
//! [`exact`] then rounds an expression of such sums once (Shewchuk 1997).

/// Doubles that make up one running sum.
pub(super) const LIMBS: usize = 3;

/// A running sum: its value is the sum of the limbs.
pub(super) type LongSum = [f64; LIMBS];

/// `a + b` and its rounding error (Knuth).
#[inline(always)]
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// `a · b` and its rounding error.
#[inline(always)]
pub(super) fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    (product, a.mul_add(b, -product))
}

/// Adds one double.
#[inline(always)]
pub(super) fn add(sum: &mut LongSum, x: f64) {
    let (high, error) = two_sum(sum[0], x);
    let (middle, error) = two_sum(sum[1], error);
    sum[0] = high;
    sum[1] = middle;
    sum[2] += error;
}

/// Adds another sum. Errors of a sum that overflowed are no numbers and stay out.
#[inline]
pub(super) fn add_all(sum: &mut LongSum, other: &[f64]) {
    let Some((&high, rest)) = other.split_first() else {
        return;
    };
    add(sum, high);
    if high.is_finite() {
        for &limb in rest {
            add(sum, limb);
        }
    }
}

/// The sum as one double.
pub(super) fn round(sum: &LongSum) -> f64 {
    let [high, middle, low] = *sum;
    // One limb alone, as a sum of integers or of one value is; and what overflowed has no error worth the name.
    if !high.is_finite() || (middle == 0.0 && low == 0.0) {
        high
    } else {
        exact(*sum)
    }
}

/// The correctly rounded sum of finite terms: a growing expansion of non-overlapping doubles, then one rounding.
pub(super) fn exact<const N: usize>(terms: [f64; N]) -> f64 {
    // Each term adds at most one part.
    let (mut parts, mut count) = ([0.0; N], 0);
    for mut x in terms {
        let mut kept = 0;
        for i in 0..count {
            let (high, low) = two_sum(x, parts[i]);
            if low != 0.0 {
                parts[kept] = low;
                kept += 1;
            }
            x = high;
        }
        parts[kept] = x;
        count = kept + 1;
    }
    // From the largest down; the first inexact step decides, and a tie is broken by what lies below it.
    let mut parts = parts[..count].iter().rev();
    let mut high = parts.next().copied().unwrap_or(0.0);
    let mut low = 0.0;
    for &next in parts.by_ref() {
        (high, low) = two_sum(high, next);
        if low != 0.0 {
            break;
        }
    }
    if let Some(&below) = parts.next()
        && ((low < 0.0 && below < 0.0) || (low > 0.0 && below > 0.0))
    {
        let doubled = low * 2.0;
        let candidate = high + doubled;
        if candidate - high == doubled {
            return candidate;
        }
    }
    high
}

/// Σxy − ΣxΣy/n for n > 0, rounded once before the division.
pub(super) fn centred(n: f64, xy: &[f64], x: &[f64], y: &[f64]) -> f64 {
    let mut terms = [0.0; 2 * LIMBS + 2 * LIMBS * LIMBS];
    let mut at = 0;
    let mut put = |(high, low): (f64, f64)| {
        terms[at] = high;
        terms[at + 1] = low;
        at += 2;
    };
    for &p in xy {
        put(two_product(n, p));
    }
    for &a in x {
        for &b in y {
            put(two_product(-a, b));
        }
    }
    if terms.iter().any(|t| !t.is_finite()) {
        return f64::NAN;
    }
    exact(terms) / n
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_correct_where_plain_addition_cancels() {
        assert_eq!(exact([1e100, 1.0, -1e100]), 1.0);
        assert_eq!(exact([1.0, 2f64.powi(-53), 2f64.powi(-106)]), 1.0 + f64::EPSILON);
        assert_eq!(exact([0.1; 10]), 1.0);
        assert_eq!(exact([]), 0.0);
    }

    #[test]
    fn the_sum_survives_what_it_cancels() {
        let mut sum = [0.0; LIMBS];
        for x in [1e16, 1.0, -1e16, 1e-16] {
            add(&mut sum, x);
        }
        assert_eq!(round(&sum), 1.0 + 1e-16);
    }

    #[test]
    fn overflow_stays_infinite_through_merges() {
        let mut sum = [0.0; LIMBS];
        add(&mut sum, f64::INFINITY);
        add(&mut sum, 1.0);
        let mut other = [1.0, 0.0, 0.0];
        add_all(&mut other, &sum);
        assert_eq!(round(&other), f64::INFINITY);
    }
}
