//! Can a comparison be believed?

use serde_json::{Value, json};
use steward_stats::assumptions::assumptions;
use steward_stats::novelty::{Novelty, from_effects, panel};
use steward_stats::outliers::influence;
use steward_stats::pre_exposure::balance;
use steward_stats::segment_search::{Segment, search};
use steward_stats::underpowered::design;

use super::kind::{COUNTS, Field, Kind, NUMBERS, Object, TABLE};
use super::shapes::columns;
use super::{ALPHA, ESTIMATE, LEVEL, Method, POWER, either, estimate, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "srm_segments",
        doc: "Which segment explains a sample-ratio mismatch: each segment's split, corrected by Holm, and the split without it.",
        source: "Fabijan et al. 2019; Holm 1979",
        input: &Object::of(
            "Units by segment and variant",
            &[
                Field::required("segments", Kind::List(&Kind::Object(&SEGMENT)), "Segments"),
                Field::required("weights", NUMBERS, "Configured weight per variant"),
                Field::default("alpha", Kind::Number, "0.001", "False-positive rate, between 0 and 1"),
            ],
        ),
        output: &Object::of(
            "Segments, the most telling first",
            &[Field::required(
                "suspects",
                Kind::List(&Kind::Object(&SUSPECT)),
                "Segments",
            )],
        ),
        compute: |i| {
            let segments = i
                .objects("segments")?
                .iter()
                .map(|s| {
                    Ok(Segment {
                        dimension: s.text("dimension")?,
                        value: s.text("value")?,
                        units: s.counts("units")?,
                    })
                })
                .collect::<Result<Vec<_>, super::Problem>>()?;
            let found = search(&segments, &i.numbers("weights")?, i.number("alpha")?)?;
            Ok(json!({ "suspects": found }))
        },
    },
    Method {
        name: "pre_exposure_balance",
        doc: "Whether the arms were alike before exposure: one test per variable, corrected by Holm, and a joint Wald test.",
        source: "Holm 1979; Wald 1943",
        input: &Object::of(
            "Two groups with variables from before exposure",
            &[
                Field::required("control", TABLE, "One list per variable, a value per unit each"),
                Field::required("treatment", TABLE, "Same variables"),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "Balance",
            &[
                Field::required(
                    "differences",
                    Kind::List(&ESTIMATE),
                    "Treatment − control of each variable",
                ),
                Field::required(
                    "adjusted_p",
                    Kind::List(&Kind::Maybe(&Kind::Number)),
                    "Corrected p of each; null: not testable",
                ),
                Field::required("wald", Kind::Number, "Joint statistic"),
                Field::required("df", Kind::Count, "Its degrees of freedom"),
                Field::required("p", Kind::Number, "p of no difference at all"),
            ],
        ),
        compute: |i| {
            let b = balance(&columns(i, "control")?, &columns(i, "treatment")?, i.number("level")?)?;
            let differences: Vec<Value> = b.differences.iter().map(either).collect();
            Ok(json!({
                "differences": differences, "adjusted_p": b.adjusted_p, "wald": b.wald, "df": b.df, "p": b.p,
            }))
        },
    },
    Method {
        name: "novelty",
        doc: "Whether the effect fades or grows with days since exposure, from daily effects and standard errors.",
        source: "Generalised least squares, Aitken 1936",
        input: &Object::of(
            "Daily effects",
            &[
                Field::required("effects", NUMBERS, "Effect on each day"),
                Field::required("errors", NUMBERS, "Their standard errors"),
                Field::required("days", NUMBERS, "Days since exposure, rising"),
                Field::default(
                    "correlation",
                    Kind::Number,
                    "0",
                    "Correlation of adjacent days, from 0 to below 1",
                ),
                LEVEL,
            ],
        ),
        output: &NOVELTY,
        compute: |i| {
            let (effects, errors) = (i.numbers("effects")?, i.numbers("errors")?);
            let found = from_effects(
                &effects,
                &errors,
                &i.numbers("days")?,
                i.number("correlation")?,
                i.number("level")?,
            )?;
            Ok(trend(&found))
        },
    },
    Method {
        name: "novelty_panel",
        doc: "Whether the effect fades or grows with days since exposure, from units observed on every day.",
        source: "Generalised least squares, Aitken 1936",
        input: &Object::of(
            "Two groups with a value per unit and day",
            &[
                Field::required("control", TABLE, "One list per day, a value per unit each"),
                Field::required("treatment", TABLE, "Same days"),
                Field::required("days", NUMBERS, "Days since exposure, rising"),
                LEVEL,
            ],
        ),
        output: &NOVELTY,
        compute: |i| {
            let (c, t) = (columns(i, "control")?, columns(i, "treatment")?);
            Ok(trend(&panel(&c, &t, &i.numbers("days")?, i.number("level")?)?))
        },
    },
    Method {
        name: "outlier_influence",
        doc: "How much of a difference of means hangs on the most influential units.",
        source: "Broderick, Giordano & Meager 2020",
        input: &Object::of(
            "Two groups",
            &[
                sample::CONTROL_VALUES,
                sample::TREATMENT_VALUES,
                Field::default("leave_out", COUNTS, "[1, 10]", "Numbers of units to leave out"),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "Influence",
            &[
                Field::required("all", ESTIMATE, "With all units"),
                Field::required("largest_pull", Kind::Number, "Pull of one unit, in standard errors"),
                Field::required("top_share", Kind::Number, "Share of Σ|y| that the largest 1% hold"),
                Field::required(
                    "without",
                    Kind::List(&Kind::Object(&WITHOUT)),
                    "Without the most influential units",
                ),
                Field::optional(
                    "to_overturn",
                    Kind::Count,
                    "Fewest units whose absence ends significance; null: more than 1%",
                ),
            ],
        ),
        compute: |i| {
            let (c, t) = (i.numbers("control")?, i.numbers("treatment")?);
            let found = influence(&c, &t, &i.counts("leave_out")?, i.number("level")?)?;
            let without: Vec<Value> = found
                .without
                .iter()
                .map(|w| json!({ "units": w.units, "lift": either(&w.lift) }))
                .collect();
            Ok(json!({
                "all": estimate(&found.all), "largest_pull": found.largest_pull, "top_share": found.top_share,
                "without": without, "to_overturn": found.to_overturn,
            }))
        },
    },
    Method {
        name: "assumptions",
        doc: "Skewness and the units it asks for, the error of a normal interval, equality of spread.",
        source: "Kohavi, Deng, Longbotham & Xu 2014; Hall 1992; Brown & Forsythe 1974",
        input: &Object::of("Two groups", &[sample::CONTROL_VALUES, sample::TREATMENT_VALUES, LEVEL]),
        output: &Object::of(
            "What was found",
            &[
                Field::required("skewness", NUMBERS, "Of control and treatment"),
                Field::required(
                    "units_wanted",
                    Kind::Number,
                    "Units an arm by Kohavi's rule, 355·skewness²",
                ),
                Field::required(
                    "tail_error",
                    Kind::Number,
                    "How far each tail of the interval is off, as a share",
                ),
                Field::required("zeros", NUMBERS, "Share of zeros in control and treatment"),
                Field::required(
                    "spread_ratio",
                    Kind::Number,
                    "Standard deviation of treatment over control",
                ),
                Field::optional("spread_p", Kind::Number, "p of equal spread"),
                Field::required("doubtful", Kind::Flag, "Whether the normal approximation is doubtful"),
            ],
        ),
        compute: |i| {
            Ok(json!(assumptions(
                &i.numbers("control")?,
                &i.numbers("treatment")?,
                i.number("level")?
            )?))
        },
    },
    Method {
        name: "type_s_m",
        doc: "Power at a plausible effect, chance of a wrong sign and overstatement of significant results.",
        source: "Gelman & Carlin 2014; Lu, Qiu & Deng 2019",
        input: &Object::of(
            "A plausible effect and the standard error",
            &[
                Field::required("effect", Kind::Number, "Plausible true effect, from outside these data"),
                Field::required("se", Kind::Number, "Standard error of the estimate"),
                ALPHA,
                POWER,
            ],
        ),
        output: &Object::of(
            "The design",
            &[
                Field::required("power", Kind::Number, "Chance of a significant result"),
                Field::required(
                    "type_s",
                    Kind::Number,
                    "Chance that a significant result has the wrong sign",
                ),
                Field::required("type_m", Kind::Number, "Mean overstatement of significant results"),
                Field::required("underpowered", Kind::Flag, "Power below the wanted one"),
                Field::required("units_factor", Kind::Number, "Factor on units for the wanted power"),
            ],
        ),
        compute: |i| {
            Ok(json!(design(
                i.number("effect")?,
                i.number("se")?,
                i.number("alpha")?,
                i.number("power")?
            )?))
        },
    },
];

const SEGMENT: Object = Object::of(
    "A segment",
    &[
        Field::required("dimension", Kind::Text, "Such as platform"),
        Field::required("value", Kind::Text, "Such as android"),
        Field::required("units", COUNTS, "Units per variant"),
    ],
);

const SUSPECT: Object = Object::of(
    "A segment and what it does to the split",
    &[
        Field::required("dimension", Kind::Text, "Dimension"),
        Field::required("value", Kind::Text, "Value"),
        Field::required("units", COUNTS, "Units per variant"),
        Field::required("p", Kind::Number, "p of its own split"),
        Field::required("adjusted_p", Kind::Number, "Corrected by Holm over all segments"),
        Field::optional(
            "p_without",
            Kind::Number,
            "p of the split of the dimension's other units",
        ),
        Field::required("chi2_removed", Kind::Number, "Whole chi-square minus that without it"),
        Field::required(
            "explains",
            Kind::Flag,
            "The mismatch lies here and nowhere else in the dimension",
        ),
    ],
);

const NOVELTY: Object = Object::of(
    "The effect over days since exposure",
    &[
        Field::required(
            "pattern",
            Kind::Choice(&["stable", "novelty", "primacy"]),
            "What it looks like",
        ),
        Field::required("slope", ESTIMATE, "Change of the effect a day"),
        Field::required("mean", ESTIMATE, "Mean effect, on the line"),
        Field::required("last", ESTIMATE, "Effect on the last day, on the line"),
        Field::required("late_minus_early", ESTIMATE, "Last third of days minus first third"),
    ],
);

const WITHOUT: Object = Object::of(
    "A lift without its most influential units",
    &[
        Field::required("units", Kind::Count, "Units left out"),
        Field::required("lift", ESTIMATE, "Of the others"),
    ],
);

fn trend(n: &Novelty) -> Value {
    json!({
        "pattern": n.pattern, "slope": estimate(&n.slope), "mean": estimate(&n.level), "last": estimate(&n.last),
        "late_minus_early": estimate(&n.late_minus_early),
    })
}
