//! Markets: synthetic controls, pairs, time-based regression, and what a test in a market would find.

use serde_json::{Value, json};
use steward_stats::geo::{placebo_interval, placebo_power};
use steward_stats::matched_markets::{paired, pairs, time_based};
use steward_stats::synthetic_control::{Match, Panel, Synthetic, placebo_test, synthetic_control};

use super::kind::{Field, Kind, NUMBERS, Object, TABLE};
use super::{ESTIMATE, LEVEL, Method, POWER, estimate, refusal};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "synthetic_control",
        doc: "One treated market against a weighted mixture of donors; placebo test over all donors if asked.",
        source: "Abadie & Gardeazabal 2003; Abadie, Diamond & Hainmueller 2010",
        input: &Object::of(
            "A panel",
            &[
                Field::required("treated", NUMBERS, "Outcome of the treated market by period"),
                Field::required("donors", TABLE, "One list per donor, same periods"),
                Field::required("before", Kind::Count, "Periods before the treatment"),
                Field::optional(
                    "predictors",
                    NUMBERS,
                    "Predictors of the treated market; left out: match outcomes",
                ),
                Field::optional("donor_predictors", TABLE, "One list per donor, same predictors"),
                Field::optional(
                    "importance",
                    NUMBERS,
                    "Importance of predictors; left out: chosen to fit outcomes",
                ),
                Field::default("placebo", Kind::Flag, "true", "Whether to test against placebos"),
                Field::default(
                    "level",
                    Kind::Number,
                    "0.9",
                    "Coverage of the interval that placebos allow; at least 1/(1 − level) markets are wanted",
                ),
                Field::optional(
                    "worst_fit",
                    Kind::Number,
                    "Leave out placebos that fit so many times worse before",
                ),
            ],
        ),
        output: &Object::of(
            "The synthetic control",
            &[
                Field::required("weights", NUMBERS, "Share of each donor"),
                Field::required("synthetic", NUMBERS, "Outcome of the mixture by period"),
                Field::required("gaps", NUMBERS, "Treated − mixture by period"),
                Field::required("effect", Kind::Number, "Mean gap after the treatment"),
                Field::required("fit_before", Kind::Number, "Root mean squared gap before"),
                Field::optional("ratio", Kind::Number, "Root mean squared gap after over before"),
                Field::optional("importance", NUMBERS, "Importance of predictors used"),
                Field::optional("p", Kind::Number, "Rank of the ratio among markets"),
                Field::optional("ranked", Kind::Count, "Markets ranked"),
                Field::optional("placebo_ratios", NUMBERS, "Ratio of each placebo kept"),
                Field::optional(
                    "interval",
                    ESTIMATE_RANGE,
                    "Mean effects after that placebos allow: those whose ratio to the fit before is not beyond theirs",
                ),
            ],
        ),
        compute: |i| {
            let panel = Panel {
                treated: i.numbers("treated")?,
                donors: i.table("donors")?,
                before: i.count("before")? as usize,
            };
            let matching = if i.has("predictors") {
                let importance = if i.has("importance") {
                    Some(i.numbers("importance")?)
                } else {
                    None
                };
                Match::Predictors {
                    treated: i.numbers("predictors")?,
                    donors: i.table("donor_predictors")?,
                    importance,
                }
            } else {
                Match::Outcomes
            };
            if !i.flag("placebo") {
                return Ok(written(&synthetic_control(&panel, &matching)?));
            }
            let found = placebo_test(&panel, &matching, i.maybe_number("worst_fit"))?;
            let mut out = written(&found.treated);
            out["interval"] = match placebo_interval(&found, i.number("level")?) {
                Ok(interval) => json!(interval),
                Err(e) => refusal(&e),
            };
            out["p"] = json!(found.p);
            out["ranked"] = json!(found.ranked);
            out["placebo_ratios"] = found.placebos.iter().flatten().filter_map(|s| s.ratio).collect();
            Ok(out)
        },
    },
    Method {
        name: "matched_pairs",
        doc: "Markets paired by how alike they moved before a test.",
        source: "Imai, King & Nall 2009",
        input: &Object::of(
            "Markets",
            &[Field::required(
                "series",
                TABLE,
                "One list per market, its outcome by period",
            )],
        ),
        output: &Object::of(
            "Pairs",
            &[Field::required(
                "pairs",
                Kind::List(&Kind::Object(&PAIR)),
                "Closest first",
            )],
        ),
        compute: |i| Ok(json!({ "pairs": pairs(&i.table("series")?)? })),
    },
    Method {
        name: "paired_markets",
        doc: "Effect from pairs of markets of which one was treated by a coin: paired t, and exact permutation.",
        source: "Imai, King & Nall 2009; Fisher 1935",
        input: &Object::of(
            "Pairs",
            &[
                Field::required(
                    "differences",
                    NUMBERS,
                    "Treated − control of each pair, change from before to after",
                ),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The effect",
            &[
                Field::required("effect", ESTIMATE, "Mean difference"),
                Field::optional(
                    "permutation_p",
                    Kind::Number,
                    "Exact p of the coins; null above 20 pairs",
                ),
            ],
        ),
        compute: |i| {
            let found = paired(&i.numbers("differences")?, i.number("level")?)?;
            Ok(json!({ "effect": estimate(&found.effect), "permutation_p": found.permutation_p }))
        },
    },
    Method {
        name: "time_based_regression",
        doc: "Cumulative effect in treated markets beyond what control markets foretell.",
        source: "Kerman, Wang & Vaver 2017",
        input: &Object::of(
            "Two series",
            &[
                Field::required("treated", NUMBERS, "Outcome of the treated markets by period"),
                Field::required("control", NUMBERS, "Outcome of the control markets, same periods"),
                Field::required("before", Kind::Count, "Periods before the test"),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The effect",
            &[
                Field::required("cumulative", ESTIMATE, "Sum over the test"),
                Field::required("path", Kind::List(&ESTIMATE), "The same after each test period"),
                Field::required("slope", Kind::Number, "Slope of treated on control before"),
                Field::required(
                    "r_squared",
                    Kind::Number,
                    "Share of the variance before that it explains",
                ),
            ],
        ),
        compute: |i| {
            let (treated, control) = (i.numbers("treated")?, i.numbers("control")?);
            let found = time_based(&treated, &control, i.count("before")? as usize, i.number("level")?)?;
            let path: Vec<Value> = found.path.iter().map(estimate).collect();
            Ok(json!({
                "cumulative": estimate(&found.cumulative), "path": path,
                "slope": found.slope, "r_squared": found.r_squared,
            }))
        },
    },
    Method {
        name: "geo_power",
        doc: "What a test in one market would find, from past windows without treatment: power, detectable effect, false positives.",
        source: "Abadie, Diamond & Hainmueller 2010; Firpo & Possebom 2018",
        input: &Object::of(
            "Series without treatment",
            &[
                Field::required("market", NUMBERS, "Outcome of the market to be treated, by period"),
                Field::required("donors", TABLE, "One list per donor, same periods"),
                Field::required("duration", Kind::Count, "Periods of the test"),
                Field::optional(
                    "least_before",
                    Kind::Count,
                    "Periods before a window that is tried; half of all when left out",
                ),
                Field::optional(
                    "relative_effect",
                    Kind::Number,
                    "Effect whose power is wanted, such as 0.05",
                ),
                Field::default(
                    "alpha",
                    Kind::Number,
                    "0.1",
                    "False-positive rate; 1/alpha markets are wanted",
                ),
                POWER,
            ],
        ),
        output: &Object::of(
            "What would be found",
            &[
                Field::required("windows", Kind::Count, "Past windows tried"),
                Field::optional("power", Kind::Number, "Share of them that find the effect asked for"),
                Field::required(
                    "false_positives",
                    Kind::Number,
                    "Share of them that find one where there is none",
                ),
                Field::optional(
                    "detectable",
                    Kind::Number,
                    "Smallest relative rise found with the wanted power; null: none",
                ),
                Field::required("smallest_p", Kind::Number, "Smallest p there can be"),
                Field::required(
                    "fit",
                    Kind::Number,
                    "Root mean squared gap before, over the market's mean",
                ),
            ],
        ),
        compute: |i| {
            let market = i.numbers("market")?;
            let least = i.maybe_count("least_before").map_or(market.len() / 2, |l| l as usize);
            let found = placebo_power(
                &market,
                &i.table("donors")?,
                (i.count("duration")? as usize, least),
                i.maybe_number("relative_effect"),
                (i.number("alpha")?, i.number("power")?),
            )?;
            Ok(json!(found))
        },
    },
];

const ESTIMATE_RANGE: Kind = Kind::Object(&Object {
    doc: "An interval, or `not_estimable` where placebos are too few",
    fields: &[
        Field::optional("effect", Kind::Number, "Mean gap after the treatment"),
        Field::optional("low", Kind::Number, "Lower end"),
        Field::optional("high", Kind::Number, "Upper end"),
        Field::optional("level", Kind::Number, "Coverage"),
        Field::optional("p", Kind::Number, "p of no mean effect: its rank among placebos"),
        Field::optional("not_estimable", Kind::Object(&super::REFUSED), "Why there is none"),
    ],
    forms: &[&["effect", "low", "high", "level"], &["not_estimable"]],
});

const PAIR: Object = Object::of(
    "Two markets",
    &[
        Field::required("a", Kind::Count, "Position of one"),
        Field::required("b", Kind::Count, "Position of the other"),
        Field::required(
            "distance",
            Kind::Number,
            "Root mean squared difference of the scaled series",
        ),
    ],
);

fn written(s: &Synthetic) -> Value {
    json!(s)
}
