//! Forecasters, realised value, dates and choices: goldens (statsmodels, scipy, HiGHS) and simulated worlds.

use crate::numbers::{agrees, cases, close, flags, load, num, nums, rows};
use steward_stats::brier::{brier, coverage};
use steward_stats::realised::realised;
use steward_stats::recalibration::{FEWEST, recalibrate, shifts};
use steward_stats::selection::{Choice, Effort, Resource, select};
use steward_stats::shrinkage::Prior;
use steward_stats::three_point::ThreePoint;
use steward_stats::throughput::{FEWEST_WEEKS, Week, backtest, finish};
use steward_stats::{Reason, Rng};

#[test]
fn forecasters_as_statsmodels_sees_them() {
    for case in cases(&load("value")["calibration"]) {
        let (p, y) = (nums(&case["probabilities"]), flags(&case["outcomes"]));
        let line = recalibrate(&p, &y, 0.95).unwrap();
        agrees("intercept", &line.intercept, &case["intercept"], 1e-7);
        agrees("slope", &line.slope, &case["slope"], 1e-7);
        close("covariance", line.covariance, num(&case["covariance"]), 1e-6);
        close("p", line.p_calibrated, num(&case["p_calibrated"]), 1e-6);
        let scores = brier(&p, &y, 5, 0.95).unwrap();
        close("score", scores.score.point, num(&case["score"]), 1e-12);
        close("score se", scores.score.se, num(&case["score_se"]), 1e-10);
        close("skill", scores.skill.point, num(&case["skill"]), 1e-12);
        close("skill se", scores.skill.se, num(&case["skill_se"]), 1e-9);
        close("base rate", scores.base_rate, num(&case["base_rate"]), 1e-12);
        assert!(scores.bins.windows(2).all(|b| b[0].stated <= b[1].stated));
        assert_eq!(scores.bins.iter().map(|b| b.happened.n).sum::<u64>(), p.len() as u64);

        let groups: Vec<usize> = nums(&case["groups"]).iter().map(|g| *g as usize).collect();
        let found = shifts(&line, &p, &y, &groups, 0.95).unwrap();
        let raw = (nums(&case["shifts"]), nums(&case["shift_errors"]));
        let again = steward_stats::shrinkage::shrink(&raw.0, &raw.1, Prior::DuMouchel, 0.95).unwrap();
        for (ours, theirs) in found.iter().zip(&again.effects) {
            assert!(
                (ours.point - theirs.point).abs() < 1e-6,
                "{} {}",
                ours.point,
                theirs.point
            );
            assert!(ours.pull > 0.0 && ours.pull < 1.0);
        }
        // The corrected probability lies on the line, inside its interval.
        let (low, middle, high) = line.corrected(0.8);
        assert!((middle - line.correct(0.8, 0.0)).abs() < 1e-12);
        assert!(0.0 < low && low < middle && middle < high && high < 1.0);
        // The whole is calibrated after correction: the mean is the base rate, as logistic regression has it.
        let mean = p.iter().map(|p| line.correct(*p, 0.0)).sum::<f64>() / p.len() as f64;
        close("mean", mean, scores.base_rate, 1e-9);
    }
}

/// Forecasters who state σ(1.6·logit p* + 0.4).
fn bold(n: u64, seed: u64) -> (Vec<f64>, Vec<bool>) {
    let one = |i: u64| {
        let mut rng = Rng::keyed(seed, &[i]);
        let logit = 1.1 * rng.normal() - 0.3;
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        (sigmoid(1.6 * logit + 0.4), rng.bernoulli(sigmoid(logit)))
    };
    (0..n).map(one).unzip()
}

#[test]
fn recalibration_covers_its_truth_and_finds_the_calibrated_calibrated() {
    let (mut slope, mut intercept) = (0, 0);
    for seed in 0..400 {
        let (p, y) = bold(240, seed);
        let line = recalibrate(&p, &y, 0.95).unwrap();
        slope += usize::from(line.slope.low <= 0.625 && 0.625 <= line.slope.high);
        intercept += usize::from(line.intercept.low <= -0.25 && -0.25 <= line.intercept.high);
    }
    // 95% of 400 is 380; three binomial standard deviations are 13.
    assert!((367..=393).contains(&slope), "{slope}");
    assert!((367..=393).contains(&intercept), "{intercept}");
    let mut rejected = 0;
    for seed in 0..400 {
        let (p, _) = bold(60, seed);
        let y: Vec<bool> = p
            .iter()
            .enumerate()
            .map(|(i, p)| Rng::keyed(seed, &[9, i as u64]).bernoulli(*p))
            .collect();
        rejected += usize::from(recalibrate(&p, &y, 0.95).is_ok_and(|line| line.p_calibrated < 0.05));
    }
    assert!(rejected <= 34, "{rejected}");
}

#[test]
fn what_calibration_refuses() {
    let (p, y) = bold(240, 3);
    let few = recalibrate(&p[..FEWEST - 1], &y[..FEWEST - 1], 0.95).unwrap_err();
    assert!(
        few.reason == Reason::TooFew && few.detail.starts_with("insufficient"),
        "{few}"
    );
    assert_eq!(brier(&p[..5], &y[..5], 5, 0.95).unwrap_err().reason, Reason::TooFew);
    assert_eq!(coverage(&[true; 29], 0.95).unwrap_err().reason, Reason::TooFew);
    let mut outside = p.clone();
    outside[7] = 1.0;
    assert_eq!(recalibrate(&outside, &y, 0.95).unwrap_err().reason, Reason::OutOfDomain);
    assert_eq!(
        recalibrate(&p, &vec![true; 240], 0.95).unwrap_err().reason,
        Reason::ZeroVariance
    );
    assert_eq!(
        recalibrate(&vec![0.4; 240], &y, 0.95).unwrap_err().reason,
        Reason::Singular
    );
    // A perfect forecaster separates.
    let perfect: Vec<f64> = y
        .iter()
        .enumerate()
        .map(|(i, y)| if *y { 0.9 } else { 0.1 } + 1e-4 * i as f64)
        .collect();
    assert_eq!(recalibrate(&perfect, &y, 0.95).unwrap_err().reason, Reason::Singular);
}

#[test]
fn a_stated_range_has_its_percentiles() {
    for case in cases(&load("value")["three_point"]) {
        let points = nums(&case["points"]);
        let range = ThreePoint::new(points[0], points[1], points[2]).unwrap();
        for (p, x) in [0.1, 0.5, 0.9].iter().zip(&points) {
            close("percentile", range.quantile(*p), *x, 1e-9);
        }
        for (p, x) in [0.01, 0.25, 0.75, 0.99].iter().zip(nums(&case["quantiles"])) {
            close("quantile", range.quantile(*p), x, 1e-9);
        }
        close("mean", range.mean(), num(&case["mean"]), 1e-8);
    }
    for one_sided in [[0.0, 0.0, 4.0], [1.0, 3.0, 3.0], [2.0, 2.0, 2.0]] {
        let range = ThreePoint::new(one_sided[0], one_sided[1], one_sided[2]).unwrap();
        let n = 20_000;
        let mean = (0..n)
            .map(|i| range.quantile((f64::from(i) + 0.5) / f64::from(n)))
            .sum::<f64>()
            / f64::from(n);
        assert!((mean - range.mean()).abs() < 1e-3, "{mean} {}", range.mean());
        assert_eq!(range.quantile(0.9), one_sided[2]);
    }
    assert_eq!(ThreePoint::new(3.0, 2.0, 4.0).unwrap_err().reason, Reason::OutOfDomain);
    assert_eq!(
        ThreePoint::new(f64::NAN, 2.0, 4.0).unwrap_err().reason,
        Reason::NotFinite
    );
}

#[test]
fn realised_value_against_quadrature() {
    for case in cases(&load("value")["realised"]) {
        let of = |key: &str| nums(&case[key]);
        let counted = flags(&case["counted"]);
        let r = realised(
            &of("effects"),
            &of("errors"),
            &of("weights"),
            &counted,
            Prior::DuMouchel,
            0.8,
        )
        .unwrap();
        agrees("total", &r.total, case, 2e-5);
        close("naive", r.naive.point, num(&case["naive"]), 1e-12);
        let sum: f64 = r.each.iter().zip(&counted).filter(|e| *e.1).map(|e| e.0.point).sum();
        close("parts", sum, r.total.point, 1e-9);
    }
    let nothing = realised(&[0.1; 3], &[0.1; 3], &[1.0; 3], &[false; 3], Prior::DuMouchel, 0.8);
    assert_eq!(nothing.unwrap_err().reason, Reason::TooFew);
    let negative = realised(
        &[0.1; 3],
        &[0.1; 3],
        &[1.0, -1.0, 1.0],
        &[true; 3],
        Prior::DuMouchel,
        0.8,
    );
    assert_eq!(negative.unwrap_err().reason, Reason::OutOfDomain);
}

/// A year of a programme: 24 experiments, of which the significant winners ship; what was truly earned is known.
fn world(seed: u64) -> (Vec<f64>, Vec<f64>, Vec<f64>, Vec<bool>, f64) {
    let mut rng = Rng::keyed(seed, &[77]);
    let (mut y, mut s, mut w, mut shipped, mut truth) = (vec![], vec![], vec![], vec![], 0.0);
    for _ in 0..24 {
        let theta = 0.004 + 0.015 * rng.normal();
        let error = 0.008 + 0.016 * rng.uniform();
        let found = theta + error * rng.normal();
        let weight = 1e6 * (0.5 + rng.uniform());
        let ships = found > 1.645 * error;
        truth += if ships { weight * theta } else { 0.0 };
        y.push(found);
        s.push(error);
        w.push(weight);
        shipped.push(ships);
    }
    (y, s, w, shipped, truth)
}

#[test]
fn the_shrunk_total_covers_what_was_earned_and_the_naive_sum_does_not() {
    let (mut shrunk, mut naive, mut tried, mut ratio) = (0u32, 0u32, 0u32, 0.0);
    for seed in 0..200 {
        let (y, s, w, shipped, truth) = world(seed);
        let Ok(r) = realised(&y, &s, &w, &shipped, Prior::DuMouchel, 0.8) else {
            continue;
        };
        tried += 1;
        shrunk += u32::from(r.total.low <= truth && truth <= r.total.high);
        naive += u32::from(r.naive.low <= truth && truth <= r.naive.high);
        ratio += (r.naive.point - truth) / r.naive.se / 190.0;
    }
    // In the others nothing shipped, and nothing was earned.
    assert!(tried >= 180, "{tried}");
    let (shrunk, naive, ratio) = (
        f64::from(shrunk) / f64::from(tried),
        f64::from(naive) / f64::from(tried),
        ratio,
    );
    // Three binomial standard deviations of 80% over 190 worlds are 9 points.
    assert!((0.71..=0.91).contains(&shrunk), "{shrunk} of {tried}");
    assert!(
        naive < 0.55 && ratio > 0.8,
        "{naive} of {tried}, {ratio} standard errors too high"
    );
}

/// Weeks whose counts are negative binomial (mean 4, k 2), on weekdays.
fn weeks(n: u64, seed: u64) -> Vec<Week> {
    (0..n)
        .map(|w| {
            let mut rng = Rng::keyed(seed, &[w]);
            let rate = rng.gamma(2.0) * 2.0;
            let mut week = [0; 7];
            (0..rng.poisson(rate)).for_each(|_| week[rng.below(5) as usize] += 1);
            week
        })
        .collect()
}

#[test]
fn dates_stated_with_85_percent_hold_in_82_to_88() {
    let (mut held, mut tried) = (0.0, 0.0);
    for seed in 0..30 {
        let found = backtest(&weeks(156, seed), 52, 30, 0.85, 200, seed).unwrap();
        held += found.achieved.point * found.tried as f64;
        tried += found.tried as f64;
    }
    let share = held / tried;
    assert!((0.82..=0.88).contains(&share), "{share} of {tried}");
}

#[test]
fn a_steady_team_is_done_on_the_day_that_arithmetic_says() {
    let steady = vec![[1, 1, 1, 1, 1, 0, 0]; 10];
    let found = finish(&steady, ThreePoint::certain(12.0), 50, 1).unwrap();
    assert!(found.days.iter().all(|d| *d == 16.0), "two weeks and two days");
    assert_eq!((found.quantile(0.85), found.by(15.0), found.by(16.0)), (16.0, 0.0, 1.0));
    assert_eq!(finish(&steady, ThreePoint::certain(0.0), 5, 1).unwrap().days, [0.0; 5]);
    // More work is never done sooner, and a wider range is wider.
    let random = weeks(60, 5);
    let of = |a, b, c| finish(&random, ThreePoint::new(a, b, c).unwrap(), 400, 2).unwrap();
    let (few, many, wide) = (of(20.0, 20.0, 20.0), of(30.0, 30.0, 30.0), of(10.0, 20.0, 45.0));
    assert!(few.quantile(0.5) < many.quantile(0.5));
    assert!(wide.quantile(0.9) - wide.quantile(0.1) > few.quantile(0.9) - few.quantile(0.1));
    assert_eq!(
        finish(&random, ThreePoint::certain(9.0), 30, 4),
        finish(&random, ThreePoint::certain(9.0), 30, 4)
    );

    assert_eq!(
        finish(&steady[..FEWEST_WEEKS - 1], ThreePoint::certain(1.0), 9, 1)
            .unwrap_err()
            .reason,
        Reason::TooFew
    );
    assert_eq!(
        finish(&[[0; 7]; 12], ThreePoint::certain(1.0), 9, 1)
            .unwrap_err()
            .reason,
        Reason::ZeroVariance
    );
    assert_eq!(
        backtest(&steady, 8, 1_000, 0.85, 20, 1).unwrap_err().reason,
        Reason::TooFew
    );
}

const EXACT: Effort = Effort {
    gap: 0.0,
    nodes: 100_000,
};

fn resources(uses: &[Vec<f64>], capacities: &[f64]) -> Vec<Resource> {
    let of = |u: &Vec<f64>| u.iter().copied().enumerate().filter(|u| u.1 > 0.0).collect();
    let pair = |(u, c): (&Vec<f64>, &f64)| Resource {
        capacity: *c,
        uses: of(u),
    };
    uses.iter().zip(capacities).map(pair).collect()
}

#[test]
fn choices_as_highs_makes_them() {
    for case in cases(&load("value")["selection"]) {
        let needs = rows(&case["needs"])
            .iter()
            .map(|n| (n[0] as usize, n[1] as usize))
            .collect();
        let choice = Choice {
            values: nums(&case["values"]),
            resources: resources(&rows(&case["uses"]), &nums(&case["capacities"])),
            needs,
            fixed: vec![],
        };
        let found = select(&choice, EXACT).unwrap();
        close("optimum", found.value, num(&case["optimum"]), 1e-9);
        assert!(found.gap() < 1e-9, "{}", found.gap());
        let prices = nums(&case["prices"]);
        for (ours, theirs) in found.shadow_prices.iter().zip(&prices) {
            assert!(
                (ours - theirs).abs() < 1e-6 * (1.0 + theirs),
                "{:?} {prices:?}",
                found.shadow_prices
            );
        }
        // A wide gap is reached sooner, and what it states holds.
        let rough = select(
            &choice,
            Effort {
                gap: 0.05,
                nodes: 1_000,
            },
        )
        .unwrap();
        assert!(rough.nodes <= found.nodes && rough.gap() <= 0.05 + 1e-9);
        assert!(rough.bound >= found.value - 1e-9 && rough.value <= found.value + 1e-9);
    }
}

#[test]
fn small_choices_by_enumeration() {
    for seed in 0..150 {
        let mut rng = Rng::keyed(seed, &[5]);
        let n = 9;
        let values: Vec<f64> = (0..n).map(|_| (rng.uniform() * 30.0 - 5.0).round()).collect();
        let uses: Vec<Vec<f64>> = (0..3).map(|_| (0..n).map(|_| rng.below(6) as f64).collect()).collect();
        let capacities: Vec<f64> = uses
            .iter()
            .map(|u| (u.iter().sum::<f64>() * rng.uniform()).floor())
            .collect();
        let needs: Vec<(usize, usize)> = (0..3).map(|_| (1 + rng.below(8) as usize, 0)).collect();
        let fixed = vec![(3, rng.bernoulli(0.5))];
        let mut best: Option<f64> = None;
        for set in 0u32..1 << n {
            let has = |i: usize| set >> i & 1 == 1;
            let fits = uses
                .iter()
                .zip(&capacities)
                .all(|(u, c)| (0..n).filter(|i| has(*i)).map(|i| u[i]).sum::<f64>() <= *c);
            if fits && needs.iter().all(|(i, j)| !has(*i) || has(*j)) && has(3) == fixed[0].1 {
                let value = (0..n).filter(|i| has(*i)).map(|i| values[i]).sum::<f64>();
                best = Some(best.map_or(value, |b| b.max(value)));
            }
        }
        let choice = Choice {
            values,
            resources: resources(&uses, &capacities),
            needs,
            fixed,
        };
        match (select(&choice, EXACT), best) {
            (Ok(found), Some(best)) => assert!((found.value - best).abs() < 1e-6, "{seed}: {} {best}", found.value),
            (Err(e), None) => assert!(e.detail.contains("does not fit"), "{e}"),
            (found, best) => panic!("{seed}: {found:?} {best:?}"),
        }
    }
}

#[test]
fn choices_that_make_no_sense() {
    let choice = |capacity: f64, needs: Vec<(usize, usize)>| Choice {
        values: vec![1.0; 3],
        resources: vec![Resource {
            capacity,
            uses: vec![(0, 1.0)],
        }],
        needs,
        fixed: vec![],
    };
    let detail = |c: Choice| select(&c, EXACT).unwrap_err().detail;
    assert!(detail(choice(-1.0, vec![])).contains("capacity -1"));
    assert!(detail(choice(1.0, vec![(0, 1), (1, 2), (2, 0)])).contains("needs itself"));
    assert!(detail(choice(1.0, vec![(0, 7)])).contains("item 7 does not exist"));
    assert_eq!(select(&choice(0.0, vec![]), EXACT).unwrap().value, 2.0);
}
