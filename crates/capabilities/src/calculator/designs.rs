//! Designs other than units split once: factorial, layers, switchback, interleaving.

use serde_json::{Value, json};
use steward_stats::Moments;
use steward_stats::factorial::{Interaction, factorial, layers};
use steward_stats::interleaving::{by_unit, preference};
use steward_stats::switchback::{Errors, Period, Plan, switchback};

use super::input::Input;
use super::kind::{COUNTS, Field, Kind, NUMBERS, Object};
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
