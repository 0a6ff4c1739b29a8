//! Other names of methods, where the field has several.

/// Method, and what else it is called. Names are compared in lower case, with `-` and spaces as `_`.
pub const SYNONYMS: &[(&str, &[&str])] = &[
    (
        "welch_t",
        &[
            "t_test",
            "ttest",
            "ttest_ind",
            "welch",
            "welch_t_test",
            "two_sample_t",
            "two_sample_t_test",
            "student_t",
            "difference_in_means",
            "difference_of_means",
            "mean_difference",
            "count",
        ],
    ),
    (
        "proportions_z",
        &[
            "z_test",
            "ztest",
            "proportions_ztest",
            "proportion_z",
            "two_proportions",
            "two_proportion_z",
            "two_proportion_z_test",
            "proportion_difference",
            "conversion",
            "chi_square_proportions",
        ],
    ),
    (
        "ratio_delta",
        &[
            "delta_method",
            "delta",
            "ratio_difference",
            "ratio_metric",
            "delta_method_ratio",
        ],
    ),
    (
        "cuped",
        &["cuped_mean", "cuped_proportion", "variance_reduction", "cupac"],
    ),
    ("cuped_ratio", &["ratio_cuped", "cuped_delta"]),
    (
        "lin",
        &["lin_2013", "lin_regression", "lin_estimator", "interacted_regression"],
    ),
    (
        "regression_adjustment",
        &[
            "regression_adjusted",
            "lin_moments",
            "cuped_multiple",
            "cuped_multivariate",
        ],
    ),
    ("ancova", &["analysis_of_covariance"]),
    (
        "post_stratification",
        &["poststratification", "post_stratified", "stratified", "stratification"],
    ),
    ("quantile", &["median", "percentile", "unit_quantile"]),
    (
        "quantile_difference",
        &[
            "quantile_treatment_effect",
            "qte",
            "unit_quantile_difference",
            "median_difference",
        ],
    ),
    (
        "event_quantile_difference",
        &[
            "clustered_quantile",
            "event_quantile",
            "quantile_clustered",
            "quantile_clustered_difference",
        ],
    ),
    (
        "capped_mean",
        &[
            "capping",
            "winsorised_mean",
            "winsorized_mean",
            "winsorize",
            "winsorise",
            "winsorization",
        ],
    ),
    ("trimmed_mean", &["yuen", "yuen_t", "yuen_test"]),
    ("funnel", &["funnel_conversion", "conversion_funnel"]),
    ("funnel_counts", &["step_conversion", "funnel_steps"]),
    (
        "poisson_rates",
        &[
            "poisson",
            "poisson_test",
            "rate_ratio",
            "poisson_rate_ratio",
            "count_rate",
            "exact_poisson",
        ],
    ),
    (
        "multiple_exposure",
        &["multiple_exposures", "several_variants", "crossovers", "contamination"],
    ),
    ("missing_days", &["missing_day", "missing_data_days", "day_gaps"]),
    (
        "trigger_dilution",
        &["dilution", "diluted_effect", "trigger_analysis", "triggered_effect"],
    ),
    (
        "wild_cluster_bootstrap",
        &["wild_bootstrap", "wcb", "wild_cluster", "boottest"],
    ),
    (
        "geo_power",
        &["placebo_power", "synthetic_control_power", "geo_test_power"],
    ),
    (
        "best_arm_likelihood_ratio",
        &[
            "best_arm_identification",
            "glr",
            "chernoff_stopping",
            "generalised_likelihood_ratio",
            "bai",
        ],
    ),
    ("proportion", &["wilson", "wilson_interval"]),
    (
        "fieller",
        &["relative_lift", "fieller_mean", "fieller_interval", "fieller_theorem"],
    ),
    ("fieller_ratio", &["fieller_ratios"]),
    ("one_sided", &["one_sided_test"]),
    (
        "non_inferiority",
        &["noninferiority", "guardrail", "non_inferiority_test"],
    ),
    (
        "group_sequential_boundaries",
        &[
            "alpha_spending",
            "group_sequential",
            "gst",
            "obf",
            "obrien_fleming",
            "pocock",
            "kim_demets",
            "lan_demets",
            "hwang_shih_decani",
            "spending_boundaries",
        ],
    ),
    (
        "group_sequential_test",
        &["stagewise", "group_sequential_analysis", "repeated_confidence_interval"],
    ),
    (
        "classical_boundaries",
        &[
            "wang_tsiatis",
            "haybittle_peto",
            "pocock_constant",
            "obrien_fleming_constant",
            "pocock_boundaries",
        ],
    ),
    ("futility_boundaries", &["beta_spending", "futility", "futility_bounds"]),
    (
        "confidence_sequence",
        &[
            "asymptotic_confidence_sequence",
            "asympcs",
            "acs",
            "always_valid",
            "anytime_valid",
            "confseq",
            "sequential",
        ],
    ),
    ("msprt", &["mixture_sprt", "mixture_sequential_probability_ratio_test"]),
    ("sequential_srm", &["ssrm", "srm_sequential", "sequential_sample_ratio"]),
    ("srm", &["sample_ratio", "sample_ratio_mismatch", "chi_square_srm"]),
    ("srm_segments", &["srm_segment_search", "segment_search"]),
    (
        "bayes_normal",
        &["bayesian_normal", "gaussian_prior", "bayesian_effect", "normal_normal"],
    ),
    ("bayes_means", &["bayesian_means", "bayesian_t", "bayesian"]),
    ("bayes_ratio", &["bayesian_ratio", "bayes_ratios"]),
    (
        "beta_binomial",
        &[
            "bayesian_proportions",
            "bayes_proportions",
            "bayesian_ab",
            "chance_to_win",
        ],
    ),
    ("holm", &["holm_bonferroni"]),
    ("benjamini_hochberg", &["bh", "fdr", "fdr_bh"]),
    (
        "serial_gatekeeping",
        &["gatekeeping", "hierarchical_gatekeeping", "hierarchical"],
    ),
    (
        "graphical_gatekeeping",
        &["graphical", "graphical_testing", "bretz", "fallback", "fixed_sequence"],
    ),
    ("many_to_one", &["dunnett_from_estimates", "dunnett_proportions"]),
    (
        "adjusted_intervals",
        &["simultaneous_intervals", "corrected_intervals", "fcr_intervals"],
    ),
    (
        "pre_exposure_balance",
        &[
            "pre_exposure_bias",
            "balance",
            "covariate_balance",
            "pre_experiment_bias",
        ],
    ),
    ("novelty", &["primacy", "novelty_effect", "novelty_primacy"]),
    ("outlier_influence", &["outliers", "influence"]),
    (
        "assumptions",
        &[
            "variance_assumptions",
            "skewness",
            "levene",
            "brown_forsythe",
            "normality",
        ],
    ),
    (
        "type_s_m",
        &["underpowered", "type_s", "type_m", "winners_curse", "retrodesign"],
    ),
    ("power", &["power_analysis", "design_power"]),
    ("sample_size", &["required_sample_size", "n_required"]),
    (
        "minimum_detectable_effect",
        &["mde", "minimum_detectable", "minimal_detectable_effect"],
    ),
    ("minimum_detectable_effect_from_se", &["mde_from_se"]),
    ("duration", &["runtime", "days_needed"]),
    ("conditional_power", &["predictive_power", "stochastic_curtailment"]),
    (
        "factorial",
        &["interaction", "interactions", "factorial_design", "two_by_two"],
    ),
    (
        "layer_interaction",
        &[
            "interaction_check",
            "layers",
            "overlapping_layers",
            "experiment_interaction",
        ],
    ),
    (
        "ols",
        &["regression", "linear_regression", "hc2", "hc3", "robust_regression"],
    ),
    (
        "cluster_robust",
        &[
            "clustered",
            "cluster_randomised",
            "cluster_randomized",
            "cr2",
            "crve",
            "bell_mccaffrey",
        ],
    ),
    ("newey_west", &["hac"]),
    ("switchback", &["switchback_experiment", "carry_over"]),
    ("synthetic_control", &["synth", "geo", "abadie"]),
    ("matched_pairs", &["matched_markets", "market_matching"]),
    ("paired_markets", &["paired_t", "geo_pairs", "paired_permutation"]),
    ("time_based_regression", &["tbr", "causal_impact_regression"]),
    ("interleaving", &["team_draft", "team_draft_interleaving", "sign_test"]),
    (
        "thompson_bernoulli",
        &["thompson", "thompson_sampling", "thompson_beta"],
    ),
    (
        "thompson_gaussian",
        &[
            "thompson_normal",
            "chance_to_be_best",
            "probability_best",
            "best_arm",
            "best_arm_stopping",
        ],
    ),
    (
        "adaptive_readout",
        &[
            "ipw",
            "aipw",
            "inverse_propensity_weighting",
            "adaptive_weighting",
            "bandit_readout",
        ],
    ),
    (
        "linear_bandit",
        &["linucb", "linear_thompson", "lin_ucb", "contextual_bandit"],
    ),
    (
        "off_policy",
        &[
            "ips",
            "snips",
            "dr",
            "doubly_robust",
            "off_policy_evaluation",
            "ope",
            "counterfactual_evaluation",
        ],
    ),
    (
        "cochran_q",
        &["heterogeneity", "heterogeneity_test", "i_squared", "breakdown_test"],
    ),
    (
        "meta_analysis",
        &[
            "meta",
            "dersimonian_laird",
            "reml",
            "hksj",
            "hartung_knapp",
            "paule_mandel",
            "random_effects",
            "fixed_effect",
        ],
    ),
    (
        "shrinkage",
        &[
            "empirical_bayes",
            "james_stein",
            "normal_normal_shrinkage",
            "partial_pooling",
        ],
    ),
    ("programme", &["program", "cumulative_impact", "win_rate"]),
];

/// The method that a name stands for, if it is a synonym.
pub fn resolve(name: &str) -> Option<&'static str> {
    SYNONYMS
        .iter()
        .find(|(_, all)| all.contains(&name))
        .map(|(method, _)| *method)
}

/// Other names of a method.
pub fn of(method: &str) -> &'static [&'static str] {
    SYNONYMS
        .iter()
        .find(|(name, _)| *name == method)
        .map_or(&[], |(_, all)| all)
}
