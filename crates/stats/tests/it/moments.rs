//! Moments: merging in any order, shifts, scales and permutations; stability far from zero.

use proptest::prelude::*;
use steward_stats::Moments;

fn of(rows: &[[f64; 3]]) -> Moments {
    let mut m = Moments::empty(3);
    rows.iter().for_each(|r| m.push(r));
    m
}

/// Equal up to rounding, relative to the size of what was summed.
fn same(a: &Moments, b: &Moments, size: f64) {
    assert_eq!(a.count(), b.count());
    let n = a.count() as f64;
    for i in 0..3 {
        assert!(
            (a.mean(i) - b.mean(i)).abs() <= 1e-12 * size,
            "mean {i}: {} {}",
            a.mean(i),
            b.mean(i)
        );
        for j in i..3 {
            let (x, y) = (a.cross(i, j), b.cross(i, j));
            assert!((x - y).abs() <= 1e-12 * n * size * size, "cross {i} {j}: {x} {y}");
        }
    }
}

fn rows() -> impl Strategy<Value = Vec<[f64; 3]>> {
    prop::collection::vec(prop::array::uniform3(-100.0..100.0f64), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_in_any_order_merges_to_the_same(rows in rows(), cut in 0usize..40, second in 0usize..40) {
        let whole = of(&rows);
        let (a, b) = (cut.min(rows.len()), second.min(rows.len()));
        let (a, b) = (a.min(b), a.max(b));
        let parts = [of(&rows[..a]), of(&rows[a..b]), of(&rows[b..])];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut merged = Moments::empty(3);
            order.iter().for_each(|&i| merged.merge(&parts[i]));
            same(&merged, &whole, 100.0);
        }
    }

    #[test]
    fn permuting_rows_changes_nothing(rows in rows()) {
        let mut backwards = rows.clone();
        backwards.reverse();
        same(&of(&rows), &of(&backwards), 100.0);
    }

    #[test]
    fn shift_moves_means_and_scale_squares_products(rows in rows(), shift in -50.0..50.0f64, scale in 0.1..10.0f64) {
        let moved: Vec<[f64; 3]> = rows.iter().map(|r| r.map(|x| scale * x + shift)).collect();
        let (m, moved) = (of(&rows), of(&moved));
        let expected = Moments::from_parts(
            m.count(),
            (0..3).map(|i| scale * m.mean(i) + shift).collect(),
            [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)].map(|(i, j)| scale * scale * m.cross(i, j)).to_vec(),
        );
        same(&moved, &expected.unwrap(), 1100.0);
    }

    #[test]
    fn the_flat_form_comes_back(rows in rows()) {
        let m = of(&rows);
        prop_assert_eq!(Moments::from_flat(&m.to_flat()).unwrap(), m);
    }
}

#[test]
fn variance_survives_a_mean_of_1e8() {
    // Values 1e8 + {0, 1}: the variance of n/2 zeros and n/2 ones, whatever the offset.
    let mut parts = vec![Moments::empty(1); 10];
    for i in 0..10_000 {
        parts[i % 10].push(&[1e8 + ((i / 10) % 2) as f64]);
    }
    let mut whole = Moments::empty(1);
    parts.iter().for_each(|p| whole.merge(p));
    assert!((whole.cross(0, 0) / 2500.0 - 1.0).abs() < 1e-9, "{}", whole.cross(0, 0));
    assert_eq!(whole.mean(0), 1e8 + 0.5);
}

#[test]
fn flat_forms_that_fit_nothing_are_refused() {
    assert!(Moments::from_flat(&[]).is_none());
    assert!(Moments::from_flat(&[3.0, 1.0]).is_none());
    assert!(Moments::from_flat(&[-1.0, 1.0, 1.0]).is_none());
    assert!(Moments::from_flat(&[f64::NAN, 1.0, 1.0]).is_none());
    assert!(Moments::from_flat(&[2.5, 1.0, 1.0]).is_none());
    assert_eq!(Moments::from_flat(&[2.0, 1.0, 1.0]).unwrap().variance(0), Some(1.0));
    assert!(Moments::from_parts(2, vec![1.0], vec![]).is_none());
}

#[test]
fn selecting_reorders_variables() {
    let m = of(&[[1.0, 5.0, 2.0], [2.0, 3.0, 8.0], [4.0, 4.0, 1.0]]);
    let s = m.select(&[2, 0]);
    assert_eq!((s.mean(0), s.mean(1)), (m.mean(2), m.mean(0)));
    assert_eq!(
        (s.cross(0, 0), s.cross(0, 1), s.cross(1, 1)),
        (m.cross(2, 2), m.cross(0, 2), m.cross(0, 0))
    );
}
