//! The interacted regression from sums, against statsmodels on the same rows.

use crate::numbers::{cases, close, load, num, nums};
use steward_stats::adjustment::{Stratum, lin, post_stratified};
use steward_stats::lin::{Interacted, Variance, interacted, with_strata};
use steward_stats::{Lift, Moments, Reason, Rng, Statistic};

/// Units of an arm as the two passes see them.
struct Arm {
    rows: Vec<Vec<f64>>,
}

impl Arm {
    fn moments(&self) -> Moments {
        let mut all = Moments::empty(self.rows.first().map_or(0, Vec::len));
        self.rows.iter().for_each(|r| all.push(r));
        all
    }

    fn scores(&self, fitted: &Interacted, arm: usize, variance: Variance) -> Moments {
        let mut all = Moments::empty(1);
        for row in &self.rows {
            if let Some(score) = fitted.scores()[arm].of(row, variance) {
                all.push(&[score]);
            }
        }
        all
    }
}

fn adjusted(arms: &[Arm; 2], statistic: Statistic, covariates: &[usize], variance: Variance) -> Lift {
    let fitted = interacted(&arms[0].moments(), &arms[1].moments(), statistic, covariates).unwrap();
    let [c, t] = [0, 1].map(|a| arms[a].scores(&fitted, a, variance));
    fitted.lift(&c, &t, 0, variance, 0.95)
}

#[test]
fn as_statsmodels_with_interactions() {
    let all = load("lin");
    let (treated, stratum) = (nums(&all["treated"]), nums(&all["stratum"]));
    let column = |name: &str| nums(&all[name]);
    let mark = |s: f64| {
        stratum
            .iter()
            .map(|v| f64::from(u8::from(*v == s)))
            .collect::<Vec<f64>>()
    };
    let arms = |columns: &[Vec<f64>]| -> [Arm; 2] {
        [0.0, 1.0].map(|arm| {
            let mine = (0..treated.len()).filter(|i| treated[*i] == arm);
            let rows = mine.map(|i| columns.iter().map(|c| c[i]).collect()).collect();
            Arm { rows }
        })
    };
    let mean = Statistic::Mean { y: 0 };
    let ratio = Statistic::Ratio {
        numerator: 0,
        denominator: 1,
    };
    let (y, x1, x2) = (column("y"), column("x1"), column("x2"));
    for case in cases(&all["cases"]) {
        let name = case["name"].as_str().unwrap();
        let variance = match case["variance"].as_str().unwrap() {
            "hc2" => Variance::Hc2,
            _ => Variance::Hc3,
        };
        let (columns, statistic): (Vec<Vec<f64>>, Statistic) = match name {
            "mean" => (vec![y.clone(), x1.clone(), x2.clone()], mean),
            "strata" => (vec![y.clone(), mark(1.0), mark(2.0)], mean),
            "mean with strata" => (vec![y.clone(), x1.clone(), x2.clone(), mark(1.0), mark(2.0)], mean),
            _ => (vec![column("a"), column("b"), x1.clone(), mark(1.0), mark(2.0)], ratio),
        };
        let first = if name == "ratio" { 2 } else { 1 };
        let covariates: Vec<usize> = (first..columns.len()).collect();
        let found = adjusted(&arms(&columns), statistic, &covariates, variance);
        let (e, c) = (found.absolute.unwrap(), found.control.unwrap());
        // A covariate of mean 1e6 costs statsmodels digits, which does not centre.
        for (found, expected) in [
            (e.point, "point"),
            (e.se, "se"),
            (e.low, "low"),
            (e.high, "high"),
            (e.df.unwrap(), "df"),
            (c.point, "control"),
            (c.se, "control_se"),
        ] {
            close(&format!("{name} {expected}"), found, num(&case[expected]), 1e-8);
        }
    }
}

#[test]
fn strata_alone_are_post_stratification_and_their_moments_those_of_rows() {
    let all = load("lin");
    let (treated, stratum, y) = (nums(&all["treated"]), nums(&all["stratum"]), nums(&all["y"]));
    let part = |arm: f64, s: f64| {
        let mut m = Moments::empty(1);
        (0..y.len())
            .filter(|i| treated[*i] == arm && stratum[*i] == s)
            .for_each(|i| m.push(&[y[i]]));
        m
    };
    let strata = [0.0, 1.0, 2.0].map(|s| Stratum {
        control: part(0.0, s),
        treatment: part(1.0, s),
        weight: None,
    });
    let by_hand = post_stratified(&strata, 0, 0.95).unwrap().adjusted;
    close("point", by_hand.point, num(&all["post_stratified"]["point"]), 1e-12);
    close("se", by_hand.se, num(&all["post_stratified"]["se"]), 1e-12);
    let (c, t) = (
        [0.0, 1.0, 2.0].map(|s| part(0.0, s)),
        [0.0, 1.0, 2.0].map(|s| part(1.0, s)),
    );
    let (c, t) = (with_strata(&c), with_strata(&t));
    let rows = |arm: f64| Arm {
        rows: (0..y.len())
            .filter(|i| treated[*i] == arm)
            .map(|i| {
                vec![
                    y[i],
                    f64::from(u8::from(stratum[i] == 1.0)),
                    f64::from(u8::from(stratum[i] == 2.0)),
                ]
            })
            .collect(),
    };
    let arms = [rows(0.0), rows(1.0)];
    for (m, arm) in [(&c, &arms[0]), (&t, &arms[1])] {
        let expected = arm.moments();
        for i in 0..3 {
            close("mean", m.mean(i), expected.mean(i), 1e-12);
            for j in 0..3 {
                close("cross", m.cross(i, j), expected.cross(i, j), 1e-9);
            }
        }
    }
    let fitted = interacted(&c, &t, Statistic::Mean { y: 0 }, &[1, 2]).unwrap();
    let [sc, st] = [0, 1].map(|a| arms[a].scores(&fitted, a, Variance::Hc2));
    let found = fitted.lift(&sc, &st, 0, Variance::Hc2, 0.95).absolute.unwrap();
    close("point", found.point, by_hand.point, 1e-12);
    close("se", found.se, by_hand.se, 1e-12);
}

#[test]
fn as_lin_from_rows_and_what_repeats_is_left_out() {
    let mut rng = Rng::new(7, 0);
    let units: Vec<(bool, f64, f64)> = (0..400)
        .map(|_| {
            let (treated, x) = (rng.uniform() < 0.5, rng.normal());
            (treated, x, 2.0 + x * if treated { 2.0 } else { 1.0 } + rng.normal())
        })
        .collect();
    let y: Vec<f64> = units.iter().map(|u| u.2).collect();
    let treated: Vec<bool> = units.iter().map(|u| u.0).collect();
    let x: Vec<Vec<f64>> = units.iter().map(|u| vec![u.1]).collect();
    let expected = lin(&y, &treated, &x, 0.95).unwrap();
    let arms = [false, true].map(|arm| Arm {
        // A constant, and the covariate twice.
        rows: units
            .iter()
            .filter(|u| u.0 == arm)
            .map(|u| vec![u.2, 5.0, u.1, 2.0 * u.1])
            .collect(),
    });
    let found = adjusted(&arms, Statistic::Mean { y: 0 }, &[1, 2, 3], Variance::Hc2);
    let e = found.absolute.unwrap();
    close("point", e.point, expected.adjusted.point, 1e-10);
    close("se", e.se, expected.adjusted.se, 1e-10);
    close(
        "reduction",
        found.variance_reduction.unwrap(),
        expected.variance_reduction,
        1e-9,
    );
    // One unit alone with a covariate decides its coefficient: there is no HC2.
    let alone = [0usize, 1].map(|arm| Arm {
        rows: (0..50)
            .map(|i| vec![f64::from(i as u8) + arm as f64, f64::from(u8::from(i == 3))])
            .collect(),
    });
    let refused = adjusted(&alone, Statistic::Mean { y: 0 }, &[1], Variance::Hc2)
        .absolute
        .unwrap_err();
    assert_eq!(refused.reason, Reason::Singular);
    let few = interacted(
        &Moments::empty(2),
        &arms[1].moments().select(&[0, 2]),
        Statistic::Mean { y: 0 },
        &[1],
    );
    assert_eq!(few.unwrap_err().reason, Reason::TooFew);
}

/// 1,000 experiments with unlike slopes and arms: the interval covers as often as it says.
#[test]
fn covers_its_effect() {
    const RUNS: u64 = 1000;
    let mut covered = [0u64; 2];
    for run in 0..RUNS {
        let mut rng = Rng::keyed(20_260_101, &[run]);
        let mut arms = [Arm { rows: Vec::new() }, Arm { rows: Vec::new() }];
        let mut effect = 0.0;
        for _ in 0..120 {
            let treated = rng.uniform() < 0.35;
            let x = rng.normal().exp();
            let own = 1.0 + 0.3 * x;
            effect += own / 120.0;
            let y = 1.5 * x + if treated { own } else { 0.0 } + rng.normal() * (0.5 + 0.5 * x);
            arms[usize::from(treated)].rows.push(vec![y, x]);
        }
        for (i, variance) in [Variance::Hc2, Variance::Hc3].into_iter().enumerate() {
            let e = adjusted(&arms, Statistic::Mean { y: 0 }, &[1], variance)
                .absolute
                .unwrap();
            covered[i] += u64::from(e.low <= effect && effect <= e.high);
        }
    }
    let rate = covered.map(|c| c as f64 / RUNS as f64);
    assert!(rate[0] > 0.90 && rate[1] >= rate[0] && rate[1] > 0.92, "{rate:?}");
}
