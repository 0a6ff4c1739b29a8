//! Designs other than units split once: factorial, layers, switchback, geo, interleaving.

use serde_json::{Value, json};
use steward_stats::Moments;
use steward_stats::factorial::{Interaction, factorial, layers};
use steward_stats::interleaving::{by_unit, preference};
use steward_stats::matched_markets::{paired, pairs, time_based};
use steward_stats::switchback::{Errors, Period, Plan, switchback};
use steward_stats::synthetic_control::{Match, Panel, Synthetic, placebo_test, synthetic_control};

use super::input::Input;
use super::kind::{COUNTS, Field, Kind, NUMBERS, Object, TABLE};
use super::{ESTIMATE, LEVEL, Method, Problem, either, estimate, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "factorial",
        doc: "Main effects and two-way interactions of a full factorial experiment, Welch contrasts of cell means.",
        source: "Wu & Hamada 2009",
        input: &Object::of(
            "Cells",
            &[
                Field::required("factors", COUNTS, "How many levels each factor has"),
                Field::required(
                    "cells",
                    Kind::List(&Kind::Object(&sample::MEAN)),
                    "Each combination, the last factor running fastest",
                ),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "Effects",
            &[
                Field::required("main", Kind::List(&Kind::Object(&MAIN)), "By factor and level"),
                Field::required("interactions", Kind::List(&Kind::Object(&INTERACTION)), "By pair"),
            ],
        ),
        compute: |i| {
            let levels: Vec<usize> = i.counts("factors")?.into_iter().map(|l| l as usize).collect();
            let found = factorial(&levels, &cells(i)?, 0, i.number("level")?)?;
            let main: Vec<Value> = found
                .main
                .iter()
                .map(|m| json!({ "factor": m.factor, "level": m.level, "effect": either(&m.effect) }))
                .collect();
            Ok(json!({ "main": main, "interactions": interactions(&found.interactions) }))
        },
    },
    Method {
        name: "layer_interaction",
        doc: "Whether two experiments on the same units disturb each other: Wald test of all interactions.",
        source: "Kohavi, Tang & Xu 2020; Wald 1943",
        input: &Object::of(
            "Units by arm of both",
            &[
                Field::required("arms", COUNTS, "Arms of the first and of the second experiment"),
                Field::required(
                    "cells",
                    Kind::List(&Kind::Object(&sample::MEAN)),
                    "Each pair of arms, the second experiment's running fastest; the control is first",
                ),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "Interactions",
            &[
                Field::required("wald", Kind::Number, "Statistic"),
                Field::required("df", Kind::Count, "Degrees of freedom"),
                Field::required("p", Kind::Number, "p of no interaction"),
                Field::required("interactions", Kind::List(&Kind::Object(&INTERACTION)), "Each"),
                Field::required(
                    "within",
                    Kind::List(&Kind::List(&ESTIMATE)),
                    "Effects of the first within each arm of the second",
                ),
            ],
        ),
        compute: |i| {
            let arms = i.counts("arms")?;
            let all = cells(i)?;
            let [first, second] = arms.as_slice() else {
                return Err(i.wrong("arms", "give two numbers").into());
            };
            let (first, second) = (*first as usize, *second as usize);
            if second == 0 || all.len() != first.saturating_mul(second) {
                let message = format!("{} cells for {first} × {second} pairs of arms", all.len());
                return Err(i.wrong("cells", message).into());
            }
            let rows: Vec<Vec<Moments>> = all.chunks(second).map(<[Moments]>::to_vec).collect();
            let found = layers(&rows, 0, i.number("level")?)?;
            let within: Vec<Vec<Value>> = found
                .within
                .iter()
                .map(|row| row.iter().map(either).collect())
                .collect();
            Ok(json!({
                "wald": found.wald, "df": found.df, "p": found.p,
                "interactions": interactions(&found.interactions), "within": within,
            }))
        },
    },
    Method {
        name: "switchback",
        doc: "Effect of a treatment that whole regions switch in time, with burn-in, seasons and a carry-over test.",
        source: "Bojinov, Simchi-Levi & Zhao 2023; Hu & Wager 2022",
        input: &Object::of(
            "Periods",
            &[
                Field::required("regions", COUNTS, "The region of each period, as a number"),
                Field::required(
                    "times",
                    COUNTS,
                    "Position in time of each, a step of 1 apart within a region",
                ),
                Field::required("treated", COUNTS, "0 or 1 per period"),
                Field::required("values", NUMBERS, "The metric per period"),
                Field::default("burn_in", Kind::Count, "0", "Periods left out after each switch"),
                Field::optional("season", Kind::Count, "Periods in a season, as fixed effects"),
                Field::optional(
                    "newey_west_lags",
                    Kind::Count,
                    "Newey–West errors with so many lags; left out: by block, CR2",
                ),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The effect",
            &[
                Field::required("effect", ESTIMATE, "Treated − untreated after burn-in"),
                Field::required("naive", ESTIMATE, "Without burn-in"),
                Field::required("carry_over", ESTIMATE, "Effect of the period before"),
                Field::required("blocks", COUNTS, "Blocks treated and untreated"),
                Field::required("used", Kind::Count, "Periods used"),
                Field::required("left_out", Kind::Count, "Periods left out"),
            ],
        ),
        compute: |i| {
            let values = i.numbers("values")?;
            let n = values.len();
            let regions = i.numbers_like("regions", n, "values")?;
            let times = i.numbers_like("times", n, "values")?;
            let treated = i.numbers_like("treated", n, "values")?;
            let periods: Vec<Period> = (0..n)
                .map(|t| Period {
                    region: regions[t] as u64,
                    time: times[t] as i64,
                    treated: treated[t] != 0.0,
                    value: values[t],
                })
                .collect();
            let errors = match i.maybe_count("newey_west_lags") {
                Some(lags) => Errors::NeweyWest { lags: lags as usize },
                None => Errors::Blocks,
            };
            let plan = Plan {
                burn_in: i.count("burn_in")? as usize,
                season: i.maybe_count("season").and_then(|s| u32::try_from(s).ok()),
                errors,
            };
            let s = switchback(&periods, &plan, i.number("level")?)?;
            Ok(json!({
                "effect": estimate(&s.effect), "naive": either(&s.naive), "carry_over": either(&s.carry_over),
                "blocks": [s.blocks.0, s.blocks.1], "used": s.used, "left_out": s.left_out,
            }))
        },
    },
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
        name: "interleaving",
        doc: "Which of two interleaved rankers sessions prefer: exact sign test, or a t-test over units.",
        source: "Radlinski, Kurup & Joachims 2008; Chapelle et al. 2012",
        input: &Object {
            doc: "Sessions won, or scores of units",
            fields: &[
                Field::optional("wins_a", Kind::Count, "Sessions that preferred A"),
                Field::optional("wins_b", Kind::Count, "Sessions that preferred B"),
                Field::default("ties", Kind::Count, "0", "Sessions that preferred neither"),
                Field::optional(
                    "unit_scores",
                    NUMBERS,
                    "Wins of B − wins of A per unit, for several sessions a unit",
                ),
                LEVEL,
            ],
            forms: &[&["wins_a", "wins_b"], &["unit_scores"]],
        },
        output: &Object::of(
            "The preference",
            &[
                Field::required(
                    "preference",
                    ESTIMATE,
                    "Share of decided sessions that B won; or mean score a unit",
                ),
                Field::optional("delta", Kind::Number, "(wins B + ½ ties) / all − ½"),
            ],
        ),
        compute: |i| {
            let level = i.number("level")?;
            if i.has("unit_scores") {
                return Ok(json!({ "preference": estimate(&by_unit(&i.numbers("unit_scores")?, level)?) }));
            }
            let found = preference(i.count("wins_a")?, i.count("wins_b")?, i.count("ties")?, level)?;
            Ok(json!({ "preference": estimate(&found.share), "delta": found.delta }))
        },
    },
];

const MAIN: Object = Object::of(
    "A main effect",
    &[
        Field::required("factor", Kind::Count, "Factor, from 0"),
        Field::required("level", Kind::Count, "Level, against level 0"),
        Field::required("effect", ESTIMATE, "Averaged over the other factors"),
    ],
);

const INTERACTION: Object = Object::of(
    "An interaction",
    &[
        Field::required("factors", COUNTS, "The two factors"),
        Field::required("levels", COUNTS, "Their levels, against level 0"),
        Field::required("effect", ESTIMATE, "Difference of differences"),
    ],
);

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

fn cells(input: &Input<'_>) -> Result<Vec<Moments>, Problem> {
    input.objects("cells")?.iter().map(sample::mean).collect()
}

fn interactions(all: &[Interaction]) -> Vec<Value> {
    all.iter()
        .map(|x| {
            json!({
                "factors": [x.factors.0, x.factors.1], "levels": [x.levels.0, x.levels.1], "effect": either(&x.effect),
            })
        })
        .collect()
}

fn written(s: &Synthetic) -> Value {
    json!(s)
}
