//! Worked inputs of inference, planning and bandits.

use serde_json::{Value, json};

/// Method, input, where to look, what stands there (references: see the golden files of steward-stats and the formulas
/// named), and how near.
pub fn worked() -> Vec<(&'static str, Value, &'static str, f64, f64)> {
    let arm = |n: u64, mean: f64| json!({ "n": n, "mean": mean, "sd": 2.0 });
    let even = json!([0.2, 0.4, 0.6, 0.8, 1.0]);
    let plays = json!([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]);
    let contexts = json!([{ "contexts": [[1], [1]], "rewards": [1, 3] }, { "contexts": [[1]], "rewards": [0] }]);
    vec![
        // R's ldbounds, two-sided 0.05.
        (
            "group_sequential_boundaries",
            json!({ "information_fractions": even }),
            "/looks/4/z",
            2.0310,
            1e-4,
        ),
        (
            "group_sequential_test",
            json!({ "information_fractions": [1.0], "effects": [2.0], "ses": [0.8] }),
            "/adjusted/p",
            0.012_419_330_651_552,
            1e-9,
        ),
        // √r·exp(−z²nρ²/2r) with ρ² for 5000 units.
        (
            "confidence_sequence",
            json!({ "point": 0.0, "se": 1.0, "n": 100 }),
            "/estimate/p",
            1.0,
            1e-12,
        ),
        (
            "msprt",
            json!({ "effects": [0.0], "ses": [1.0], "tau": 1.0 }),
            "/log_likelihood_ratio/0",
            -0.5 * 2f64.ln(),
            1e-12,
        ),
        // A uniform alternative: 1/((n + 1)·C(n, k)·2^-n) for 1 of 2 units is ln(2/3).
        (
            "sequential_srm",
            json!({ "looks": [[1, 1]], "weights": [1, 1], "concentration": 2 }),
            "/log_bayes_factor/0",
            (2f64 / 3.0).ln(),
            1e-12,
        ),
        (
            "bayes_normal",
            json!({ "point": 1.0, "se": 1.0, "prior": { "sd": 1.0 } }),
            "/estimate/point",
            0.5,
            1e-12,
        ),
        (
            "bayes_means",
            json!({ "control": arm(100, 5.0), "treatment": arm(100, 5.0), "difference": "absolute" }),
            "/chance_to_win",
            0.5,
            1e-12,
        ),
        (
            "beta_binomial",
            json!({ "control": { "n": 1, "successes": 0 }, "treatment": { "n": 1, "successes": 1 } }),
            "/chance_to_win",
            // P(Beta(2, 1) > Beta(1, 2)) = 5/6.
            5.0 / 6.0,
            1e-9,
        ),
        (
            "fieller",
            json!({ "control": arm(100, 5.0), "treatment": arm(100, 6.0) }),
            "/estimate/point",
            0.2,
            1e-12,
        ),
        (
            "fieller_ratio",
            json!({ "control": { "numerators": [8, 11, 10, 9, 12], "denominators": [4, 5, 5, 4, 6] },
                    "treatment": { "numerators": [9, 12, 10, 9, 14], "denominators": [4, 5, 5, 4, 6] } }),
            "/estimate/point",
            0.08,
            1e-12,
        ),
        (
            "bayes_ratio",
            json!({ "control": { "numerators": [8, 11, 10, 9, 12], "denominators": [4, 5, 5, 4, 6] },
                    "treatment": { "numerators": [8, 11, 10, 9, 12], "denominators": [4, 5, 5, 4, 6] } }),
            "/chance_to_win",
            0.5,
            1e-6,
        ),
        // Jennison & Turnbull, table 2.1.
        (
            "classical_boundaries",
            json!({ "information_fractions": even, "shape": "pocock" }),
            "/constant",
            2.413,
            5e-4,
        ),
        // gsDesign's manual.
        (
            "futility_boundaries",
            json!({ "information_fractions": [1.0 / 3.0, 2.0 / 3.0, 1.0], "power": 0.9,
                    "spending": "hwang_shih_decani", "beta_spending": "hwang_shih_decani", "beta_spending_parameter": -2 }),
            "/looks/1/futility_z",
            0.94,
            5e-3,
        ),
        (
            "one_sided",
            json!({ "point": 1.0, "se": 1.0, "alternative": "less" }),
            "/estimate/p",
            0.841_344_746_068_543,
            1e-12,
        ),
        (
            "non_inferiority",
            json!({ "point": 0.0, "se": 1.0, "margin": 1.0 }),
            "/estimate/p",
            0.158_655_253_931_457,
            1e-12,
        ),
        (
            "serial_gatekeeping",
            json!({ "families": [[0.04], [0.01]] }),
            "/adjusted_p/1/0",
            0.04,
            1e-12,
        ),
        (
            "graphical_gatekeeping",
            json!({ "p": [0.01, 0.03], "weights": [0.5, 0.5], "transitions": [[0, 1], [1, 0]] }),
            "/adjusted_p/1",
            0.03,
            1e-12,
        ),
        // One treatment: Dunnett's is the t test. scipy 1.17.1 ttest_ind(equal_var=True).
        (
            "dunnett",
            json!({ "control": { "values": [1, 2, 3, 4] }, "treatments": [{ "values": [3, 4, 5, 7] }] }),
            "/estimates/0/p",
            0.080_261_326_219,
            1e-6,
        ),
        (
            "many_to_one",
            json!({ "effects": [1.959_963_984_540_054], "ses": [1], "control_variance": 0.5 }),
            "/estimates/0/p",
            0.05,
            1e-8,
        ),
        (
            "adjusted_intervals",
            json!({ "points": [1, 2], "ses": [1, 1] }),
            "/estimates/0/p",
            0.317_310_507_862_914,
            1e-12,
        ),
        // statsmodels 0.15.0, NormalIndPower: 392.443…
        (
            "sample_size",
            json!({ "metric": { "mean": 5, "sd": 1 }, "effect": 0.2, "daily_units": [100] }),
            "/total",
            786.0,
            1e-12,
        ),
        (
            "power",
            json!({ "metric": { "proportion": 0.1 }, "effect": 0.0, "n_total": 1000 }),
            "/power",
            0.05,
            1e-9,
        ),
        (
            "minimum_detectable_effect",
            json!({ "metric": { "mean": 5, "sd": 1 }, "n_control": 392.443_315 }),
            "/absolute",
            0.2,
            1e-5,
        ),
        (
            "duration",
            json!({ "units": 100, "daily_units": [10], "whole_weeks": false }),
            "/days",
            10.0,
            0.0,
        ),
        (
            "conditional_power",
            json!({ "effect": 0.0, "se": 1.0, "information_fraction": 0.5, "alternative": "greater" }),
            "/null",
            // Φ̄(1.6449/√0.5).
            0.010_004_626_859,
            1e-5,
        ),
        (
            "thompson_bernoulli",
            json!({ "successes": [0, 1], "plays": [1, 1] }),
            "/best/1",
            5.0 / 6.0,
            1e-9,
        ),
        (
            "thompson_gaussian",
            json!({ "arms": [arm(9, 1.0), arm(9, 1.0)] }),
            "/allocation/0",
            0.5,
            1e-12,
        ),
        (
            "adaptive_readout",
            json!({ "arms": [0, 1, 0, 1], "rewards": [1, 2, 3, 5], "propensities": plays, "weighting": "ipw" }),
            "/differences/0/point",
            // (2 + 5 − 1 − 3)/0.5/4.
            1.5,
            1e-12,
        ),
        // 400·kl(0.12, m) + 380·kl(0.18, m), in numpy.
        (
            "best_arm_likelihood_ratio",
            json!({ "plays": [400, 380, 120], "successes": [48, 68, 11], "threshold": "stylised" }),
            "/threshold",
            // ln((1 + ln 900)/0.05).
            (7.802_394_763_324_311f64 / 0.05).ln(),
            1e-9,
        ),
        (
            "linear_bandit",
            json!({ "arms": contexts, "context": [1] }),
            "/expected/0",
            4.0 / 3.0,
            1e-12,
        ),
        (
            "off_policy",
            json!({ "rewards": [1, 2, 3], "logging": [0.5, 0.5, 0.5], "target": [1, 0, 1] }),
            "/snips/point",
            2.0,
            1e-12,
        ),
        (
            "welch_t",
            json!({ "control": arm(100, 5.0), "treatment": arm(100, 6.0) }),
            "/absolute/point",
            1.0,
            1e-12,
        ),
        (
            "proportions_z",
            json!({ "control": { "n": 400, "successes": 40 }, "treatment": { "n": 400, "successes": 60 } }),
            "/relative/point",
            0.5,
            1e-12,
        ),
        (
            "ratio_delta",
            json!({ "control": { "numerators": [8, 11, 10, 9, 12], "denominators": [4, 5, 5, 4, 6] },
                    "treatment": { "numerators": [9, 12, 10, 9, 14], "denominators": [4, 5, 5, 4, 6] } }),
            "/relative/point",
            0.08,
            1e-12,
        ),
        (
            "cuped",
            json!({ "control": { "values": [1, 2, 3, 5], "covariates": [[1, 2, 3, 4]] },
                    "treatment": { "values": [2, 3, 5, 6], "covariates": [[1, 2, 3, 4]] } }),
            "/absolute/point",
            1.25,
            1e-12,
        ),
        (
            "cuped_ratio",
            json!({ "control": { "columns": [[8, 11, 10, 9, 12], [4, 5, 5, 4, 6], [7, 10, 11, 9, 11], [4, 5, 5, 4, 5]] },
                    "treatment": { "columns": [[9, 12, 10, 9, 14], [4, 5, 5, 4, 6], [7, 10, 11, 9, 11], [4, 5, 5, 4, 5]] } }),
            "/relative/point",
            0.08,
            1e-9,
        ),
        (
            "fieller_proportions",
            json!({ "control": { "n": 400, "successes": 40 }, "treatment": { "n": 400, "successes": 60 } }),
            "/estimate/point",
            0.5,
            1e-12,
        ),
        (
            "fieller_cuped",
            json!({ "control": { "values": [11, 12, 13, 15], "covariates": [[1, 2, 3, 4]] },
                    "treatment": { "values": [12, 13, 15, 16], "covariates": [[1, 2, 3, 4]] } }),
            "/estimate/point",
            1.25 / 12.75,
            1e-9,
        ),
        (
            "mean",
            json!({ "sample": { "values": [1, 2, 6] } }),
            "/estimate/point",
            3.0,
            1e-12,
        ),
        (
            "proportion",
            json!({ "sample": { "n": 10, "successes": 4 } }),
            "/estimate/point",
            0.4,
            1e-12,
        ),
        (
            "ratio",
            json!({ "sample": { "numerators": [8, 11, 10, 9, 12], "denominators": [4, 5, 5, 4, 7] } }),
            "/estimate/point",
            2.0,
            1e-12,
        ),
        // scipy 1.17.1 chisquare.
        (
            "srm",
            json!({ "observed": [60, 40], "weights": [1, 1] }),
            "/chi2",
            4.0,
            1e-12,
        ),
        ("holm", json!({ "p": [0.01, 0.04] }), "/adjusted_p/0", 0.02, 1e-12),
        ("bonferroni", json!({ "p": [0.01, 0.04] }), "/adjusted_p/1", 0.08, 1e-12),
        (
            "benjamini_hochberg",
            json!({ "p": [0.01, 0.04] }),
            "/adjusted_p/0",
            0.02,
            1e-12,
        ),
        (
            "power_from_se",
            json!({ "effect": 0.0, "se": 1.0 }),
            "/power",
            0.05,
            1e-9,
        ),
        (
            "minimum_detectable_effect_from_se",
            json!({ "se": 1.0 }),
            "/effect",
            2.801_585_218,
            1e-4,
        ),
    ]
}
