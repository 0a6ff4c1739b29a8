//! Whether units arrived in the configured shares.

use serde_json::json;
use steward_stats::srm;

use super::Method;
use super::kind::{COUNTS, Field, Kind, NUMBERS, Object};

/// Methods of this file.
pub const METHODS: &[Method] = &[Method {
    name: "srm",
    doc: "Sample-ratio mismatch: Pearson's chi-square of units per variant against the configured weights.",
    source: "Fabijan et al. 2019",
    input: &Object::of(
        "Units and weights per variant",
        &[
            Field::required("observed", COUNTS, "Units per variant"),
            Field::required(
                "weights",
                NUMBERS,
                "Configured weight per variant, any positive scale, same order",
            ),
        ],
    ),
    output: &Object::of(
        "The test",
        &[
            Field::optional(
                "chi2",
                Kind::Number,
                "Pearson's statistic; null: infinite, a variant of weight 0 holds units",
            ),
            Field::required(
                "df",
                Kind::Count,
                "Degrees of freedom: variants with a weight above 0, less one",
            ),
            Field::required("p", Kind::Number, "p-value"),
            Field::required("observed", COUNTS, "Units observed"),
            Field::required("expected", NUMBERS, "Units expected"),
        ],
    ),
    compute: |i| {
        let found = srm::sample_ratio(&i.counts("observed")?, &i.numbers("weights")?)?;
        Ok(json!({
            "chi2": found.chi2, "df": found.df, "p": found.p,
            "observed": found.observed, "expected": found.expected,
        }))
    },
}];
