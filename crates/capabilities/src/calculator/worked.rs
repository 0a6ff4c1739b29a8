//! Worked inputs of everything else: shapes, quantiles, regressions, designs, health, many effects.

use serde_json::{Value, json};

/// Method, input, where to look (JSON pointer), what stands there, from what.
pub fn worked() -> Vec<(&'static str, Value, &'static str, f64)> {
    let a = json!([32, 39, 26, 35, 43, 27, 40, 37, 34, 29]);
    let b = json!([36, 44, 47, 42, 49, 39, 46, 31, 33, 48]);
    let schools = json!([28, 8, -3, 7, -1, 1, 18, 12]);
    let errors = json!([15, 10, 16, 11, 9, 11, 10, 18]);
    let cell = |n: u64, mean: f64| json!({ "n": n, "mean": mean, "variance": 4.0 });
    let joint = |shift: f64| {
        let y: Vec<f64> = (0..12)
            .map(|i| shift + f64::from(i * 5 % 7) + 0.5 * f64::from(i))
            .collect();
        json!({ "values": y, "covariates": [(0..12).map(f64::from).collect::<Vec<_>>()] })
    };
    let wave = |phase: f64| (0..8).map(|t| 10.0 + (f64::from(t) + phase).sin()).collect::<Vec<_>>();
    let blocks: Vec<u64> = (0..24).map(|t| u64::from(t / 3 % 2 == 1)).collect();
    let periods: Vec<f64> = (0..24u32)
        .map(|t| 5.0 + f64::from(t * 7 % 5) + f64::from(t / 3 % 2))
        .collect();
    vec![
        // R statpsych, ci.median2.
        (
            "quantile_difference",
            json!({ "control": b, "treatment": a, "error": "price_bonett" }),
            "/absolute/se",
            4.316291,
        ),
        ("quantile", json!({ "values": a }), "/estimate/point", 34.5),
        (
            "event_quantile_difference",
            json!({ "control": { "values": a, "units": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5] },
                    "treatment": { "values": b, "units": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5] }, "level": 0.8 }),
            "/absolute/point",
            8.5,
        ),
        // Anscombe 1973, first set: y = 3 + x/2.
        (
            "ols",
            json!({ "y": [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68],
                    "x": [[10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]], "covariance": "classical" }),
            "/coefficients/1/se",
            0.117_905_5,
        ),
        (
            "cluster_robust",
            json!({ "y": [1, 2, 3, 4, 6, 5], "x": [[0, 0, 0, 1, 1, 1]], "clusters": [1, 2, 3, 4, 5, 6] }),
            "/coefficients/1/df",
            4.0,
        ),
        (
            "newey_west",
            json!({ "y": [1, 2, 3, 4, 6, 5], "x": [[0, 0, 0, 1, 1, 1]], "lags": 1 }),
            "/coefficients/1/point",
            3.0,
        ),
        (
            "lin",
            json!({ "y": [1, 2, 3, 4, 6, 7, 8, 10], "treated": [0, 0, 0, 0, 1, 1, 1, 1],
                    "covariates": [[1, 2, 3, 4, 1, 2, 3, 4]] }),
            "/adjusted/point",
            5.25,
        ),
        (
            "regression_adjustment",
            json!({ "control": joint(0.0), "treatment": joint(2.0) }),
            "/adjusted/point",
            2.0,
        ),
        (
            "ancova",
            json!({ "arms": [joint(0.0), joint(2.0), joint(3.0)] }),
            "/effects/1/point",
            3.0,
        ),
        (
            "post_stratification",
            json!({ "strata": [{ "control": cell(10, 1.0), "treatment": cell(10, 2.0) },
                               { "control": cell(30, 5.0), "treatment": cell(30, 8.0) }] }),
            "/adjusted/point",
            2.5,
        ),
        (
            "capped_mean",
            json!({ "control": a, "treatment": b, "high": 40.0 }),
            "/high",
            40.0,
        ),
        (
            "trimmed_mean",
            json!({ "control": a, "treatment": b, "trim": 0.1 }),
            "/estimate/point",
            7.75,
        ),
        (
            "funnel",
            json!({ "control": [[1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0]], "treatment": [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0]] }),
            "/steps/2/overall/absolute/point",
            0.25,
        ),
        (
            "retention",
            json!({ "control": [{ "observed": 9, "active": [0, 7] }, { "observed": 9, "active": [0] }, { "observed": 3, "active": [0] }],
                    "treatment": [{ "observed": 9, "active": [7] }, { "observed": 9, "active": [] }],
                    "windows": [{ "from": 7, "to": 7 }] }),
            "/windows/0/eligible/0",
            2.0,
        ),
        (
            "srm_segments",
            json!({ "segments": [{ "dimension": "p", "value": "web", "units": [5060, 4980] },
                                 { "dimension": "p", "value": "app", "units": [2400, 2080] }], "weights": [1, 1] }),
            "/suspects/0/units/0",
            2400.0,
        ),
        (
            "pre_exposure_balance",
            json!({ "control": [a], "treatment": [b] }),
            "/df",
            1.0,
        ),
        (
            "novelty",
            json!({ "effects": [3, 2, 1, 0.5], "errors": [0.1, 0.1, 0.1, 0.1], "days": [0, 1, 2, 3] }),
            "/slope/point",
            -0.85,
        ),
        (
            "novelty_panel",
            json!({ "control": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5], [2, 4, 6, 2, 4, 6, 2, 4, 6, 2, 4, 6, 2, 4, 6],
                                [5, 1, 4, 2, 3, 5, 1, 4, 2, 3, 5, 1, 4, 2, 3]],
                    "treatment": [[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3, 4, 5, 6], [3, 5, 7, 3, 5, 7, 3, 5, 7, 3, 5, 7, 3, 5, 7],
                                  [6, 2, 5, 3, 4, 6, 2, 5, 3, 4, 6, 2, 5, 3, 4]],
                    "days": [0, 1, 2] }),
            "/mean/point",
            1.0,
        ),
        (
            "outlier_influence",
            json!({ "control": a, "treatment": b }),
            "/all/point",
            7.3,
        ),
        ("assumptions", json!({ "control": a, "treatment": b }), "/zeros/0", 0.0),
        // Gelman & Carlin 2014.
        ("type_s_m", json!({ "effect": 0.1, "se": 3.28 }), "/type_s", 0.4645),
        // Rubin 1981, eight schools.
        (
            "cochran_q",
            json!({ "effects": schools, "errors": errors }),
            "/q",
            4.707,
        ),
        (
            "meta_analysis",
            json!({ "effects": schools, "errors": errors, "method": "fixed" }),
            "/effect/point",
            7.6856,
        ),
        (
            "shrinkage",
            json!({ "effects": schools, "errors": errors }),
            "/effects/0/point",
            9.80,
        ),
        (
            "programme",
            json!({ "effects": schools, "errors": errors, "alpha": 0.1 }),
            "/naive",
            46.0,
        ),
        (
            "factorial",
            json!({ "factors": [2, 2], "cells": [cell(9, 1.0), cell(9, 2.0), cell(9, 3.0), cell(9, 7.0)] }),
            "/interactions/0/effect/point",
            3.0,
        ),
        (
            "layer_interaction",
            json!({ "arms": [2, 2], "cells": [cell(9, 1.0), cell(9, 2.0), cell(9, 3.0), cell(9, 7.0)] }),
            "/wald",
            5.0625,
        ),
        (
            "switchback",
            json!({ "regions": vec![0; 24], "times": (0..24).collect::<Vec<_>>(), "treated": blocks, "values": periods, "burn_in": 1 }),
            "/left_out",
            7.0,
        ),
        (
            "synthetic_control",
            json!({ "treated": [1.2, 2.1, 3.3, 9], "donors": [[1, 2, 3, 4], [2, 1, 2, 3], [3, 3, 3, 3]], "before": 3 }),
            "/ranked",
            4.0,
        ),
        (
            "matched_pairs",
            json!({ "series": [wave(0.0), wave(2.0), wave(0.1), wave(2.1)] }),
            "/pairs/0/b",
            3.0,
        ),
        (
            "paired_markets",
            json!({ "differences": [1, 2, 3] }),
            "/permutation_p",
            0.25,
        ),
        (
            "time_based_regression",
            json!({ "treated": [2, 4, 6, 8.5, 12], "control": [1, 2, 3, 4, 5], "before": 4 }),
            "/path/0/point",
            1.5,
        ),
        (
            "interleaving",
            json!({ "wins_a": 8, "wins_b": 2 }),
            "/preference/p",
            0.109_375,
        ),
        (
            "geo_power",
            json!({ "market": wave(0.3).repeat(4), "duration": 2, "least_before": 24,
                    "donors": [wave(0.0).repeat(4), wave(0.5).repeat(4), wave(0.9).repeat(4), wave(1.3).repeat(4)],
                    "alpha": 0.2 }),
            "/smallest_p",
            0.2,
        ),
        // Every sign of six clusters: of 64, the data and their mirror are as far out.
        (
            "wild_cluster_bootstrap",
            json!({ "y": [1, 2, 3, 14, 16, 15], "x": [[0, 0, 0, 1, 1, 1]], "clusters": [1, 2, 3, 4, 5, 6],
                    "weights": "rademacher" }),
            "/estimate/p",
            0.031_25,
        ),
        // scipy 1.17.1 binomtest(25, 37, 355.5 / 695.5).
        (
            "poisson_rates",
            json!({ "control": { "events": 12, "exposure": 340 }, "treatment": { "events": 25, "exposure": 355.5 } }),
            "/exact/p",
            0.049_042_500_2,
        ),
        (
            "multiple_exposure",
            json!({ "units": 2000, "multiple": 30 }),
            "/share/point",
            0.015,
        ),
        (
            "missing_days",
            json!({ "units": [[30, 31, 0, 29, 33], [28, 35, 0, 30, 31]] }),
            "/empty/0",
            2.0,
        ),
        (
            "trigger_dilution",
            json!({ "point": 2, "se": 0.5, "triggered_units": 100, "all_units": 400, "overall_mean": -4 }),
            "/relative/point",
            0.125,
        ),
        // 40 of 100 against 30 of 100, then 20 of 40 against 18 of 30.
        (
            "funnel_counts",
            json!({ "control": [100, 30, 18], "treatment": [100, 40, 20] }),
            "/steps/2/from_previous/absolute/point",
            -0.1,
        ),
    ]
}
