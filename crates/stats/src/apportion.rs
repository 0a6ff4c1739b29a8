//! Sharing a whole among parts so that the rounded parts add up to it.
//!
//! **Question.** How are amounts rounded, or a total shared by weights, without losing or inventing a unit?
//!
//! **Estimand.** None: arithmetic on whole numbers.
//!
//! **Assumptions.** None.
//!
//! **Formula.** Each part gets its quota rounded down; the units left over go one by one to the parts with the largest
//! remainders, ties to the earlier part. Works for negative amounts: rounding down is towards −∞, so that remainders are
//! never negative.
//!
//! **Reference.** Hamilton's method (largest remainder); Balinski & Young 2001, Fair Representation.
//!
//! **Golden source.** Properties in the tests: the parts sum to the total, none is off its quota by a unit or more.

/// Rounds `parts`, in units of which `unit` make one, so that they sum to their rounded total (half away from zero).
/// `unit` below 1 counts as 1.
pub fn round_together(parts: &[i128], unit: i128) -> Vec<i128> {
    let unit = unit.max(1);
    let total = rounded(parts.iter().sum(), unit);
    let floors = parts.iter().map(|p| p.div_euclid(unit)).collect();
    let remainders: Vec<i128> = parts.iter().map(|p| p.rem_euclid(unit)).collect();
    hand_out(total, floors, &remainders)
}

/// Shares `total` in proportion to `weights`; `None` if no weight is above 0.
pub fn share(total: i128, weights: &[u64]) -> Option<Vec<i128>> {
    let all: i128 = weights.iter().map(|w| i128::from(*w)).sum();
    if all == 0 {
        return None;
    }
    // A total in minor units times a weight of 64 bits stays inside 128 bits up to 10^19 minor units.
    let quota = |w: &u64| total.checked_mul(i128::from(*w));
    let products: Vec<i128> = weights.iter().map(quota).collect::<Option<_>>()?;
    let floors = products.iter().map(|p| p.div_euclid(all)).collect();
    let remainders: Vec<i128> = products.iter().map(|p| p.rem_euclid(all)).collect();
    Some(hand_out(total, floors, &remainders))
}

/// `amount / unit`, half away from zero.
pub fn rounded(amount: i128, unit: i128) -> i128 {
    let unit = unit.max(1);
    let (whole, rest) = (amount.abs() / unit, amount.abs() % unit);
    let size = whole + i128::from(2 * rest >= unit);
    if amount < 0 { -size } else { size }
}

fn hand_out(total: i128, mut floors: Vec<i128>, remainders: &[i128]) -> Vec<i128> {
    let mut left = total - floors.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..floors.len()).collect();
    order.sort_by(|a, b| remainders[*b].cmp(&remainders[*a]).then(a.cmp(b)));
    for index in order {
        if left <= 0 {
            break;
        }
        floors[index] += 1;
        left -= 1;
    }
    floors
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cent_goes_to_the_largest_remainder() {
        assert_eq!(share(100, &[1, 1, 1]), Some(vec![34, 33, 33]));
        assert_eq!(share(-100, &[1, 1, 1]), Some(vec![-33, -33, -34]));
        assert_eq!(share(7, &[0, 5, 2]), Some(vec![0, 5, 2]));
        assert_eq!(share(7, &[0, 0]), None);
        assert_eq!(round_together(&[149, 149, 149], 100), [2, 1, 1]);
        assert_eq!((rounded(-150, 100), rounded(149, 100), rounded(150, 100)), (-2, 1, 2));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(total in -10_000_000_000_i128..10_000_000_000, weights in prop::collection::vec(0_u64..1_000_000, 1..40)) {
            let all: u64 = weights.iter().sum();
            match share(total, &weights) {
                None => prop_assert_eq!(all, 0),
                Some(parts) => {
                    prop_assert_eq!(parts.iter().sum::<i128>(), total);
                    for (part, weight) in parts.iter().zip(&weights) {
                        let exact = total as f64 * *weight as f64 / all as f64;
                        prop_assert!((*part as f64 - exact).abs() < 1.0 + 1e-6 * exact.abs());
                        if *weight == 0 { prop_assert_eq!(*part, 0); }
                    }
                }
            }
        }

        #[test]
        fn rounded_parts_sum_to_the_rounded_total(parts in prop::collection::vec(-10_000_000_000_i128..10_000_000_000, 0..60)) {
            let unit = 100_000_000;
            let shares = round_together(&parts, unit);
            prop_assert_eq!(shares.iter().sum::<i128>(), rounded(parts.iter().sum(), unit));
            for (share, part) in shares.iter().zip(&parts) {
                prop_assert!((share * unit - part).abs() <= unit);
            }
        }
    }
}
