//! Many effects: whether they differ, what they share, how great the best is, what they add up to.

use serde_json::json;
use steward_stats::meta::{Between, combine, heterogeneity};
use steward_stats::programme::programme;
use steward_stats::shrinkage::{Prior, shrink};

use super::input::Input;
use super::kind::{COUNTS, Field, Kind, NUMBERS, Object};
use super::{ALPHA, ESTIMATE, LEVEL, Method, Problem, estimate};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "cochran_q",
        doc: "Whether effects (of segments, of experiments) are all equal: the interaction test of a breakdown.",
        source: "Cochran 1954; Higgins & Thompson 2002",
        input: &Object::of("Effects", &[EFFECTS, ERRORS]),
        output: &HETEROGENEITY,
        compute: |i| {
            let (effects, errors) = pairs(i)?;
            Ok(json!(heterogeneity(&effects, &errors)?))
        },
    },
    Method {
        name: "meta_analysis",
        doc: "Effects combined: fixed, DerSimonian–Laird, Paule–Mandel, REML or maximum likelihood, with Hartung–Knapp (HKSJ) intervals if asked.",
        source: "DerSimonian & Laird 1986; Paule & Mandel 1982; Viechtbauer 2005; Hartung & Knapp 2001",
        input: &Object::of(
            "Effects",
            &[
                EFFECTS,
                ERRORS,
                Field::default(
                    "method",
                    Kind::Choice(&[
                        "fixed",
                        "dersimonian_laird",
                        "paule_mandel",
                        "reml",
                        "maximum_likelihood",
                    ]),
                    "\"paule_mandel\"",
                    "How the variance between effects is found",
                ),
                Field::default(
                    "hartung_knapp",
                    Kind::Flag,
                    "false",
                    "t interval, honest with few effects",
                ),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The mean effect",
            &[
                Field::required("effect", ESTIMATE, "Mean effect"),
                Field::required("tau2", Kind::Number, "Variance between effects"),
                Field::required("heterogeneity", Kind::Object(&HETEROGENEITY), "Whether effects differ"),
                Field::required("weights", NUMBERS, "Share of each"),
                Field::optional("prediction", NUMBERS, "Interval of a further effect: low, high"),
            ],
        ),
        compute: |i| {
            let (effects, errors) = pairs(i)?;
            let method = between(&i.text("method")?);
            let m = combine(&effects, &errors, method, i.flag("hartung_knapp"), i.number("level")?)?;
            Ok(json!({
                "effect": estimate(&m.effect), "tau2": m.tau2, "heterogeneity": m.heterogeneity,
                "weights": m.weights, "prediction": m.prediction,
            }))
        },
    },
    Method {
        name: "shrinkage",
        doc: "Each effect pulled towards the common mean as far as its noise says (empirical Bayes).",
        source: "Morris 1983; DuMouchel 1994; Röver 2020",
        input: &Object::of("Effects", &[EFFECTS, ERRORS, PRIOR, PRIOR_MEAN, PRIOR_SD, LEVEL]),
        output: &Object::of(
            "Effects after shrinkage",
            &[
                Field::required("effects", Kind::List(&Kind::Object(&SHRUNK)), "In the order given"),
                Field::required("mean", Kind::Number, "Common mean"),
                Field::required("mean_sd", Kind::Number, "Its standard deviation"),
                Field::required("tau", Kind::Number, "Spread between effects"),
            ],
        ),
        compute: |i| {
            let (effects, errors) = pairs(i)?;
            Ok(json!(shrink(&effects, &errors, prior(i)?, i.number("level")?)?))
        },
    },
    Method {
        name: "programme",
        doc: "What the winners of many experiments added up to after shrinkage, win rate, power reached.",
        source: "Efron 2011; Azevedo et al. 2020; Lee & Shen 2018",
        input: &Object::of(
            "All experiments of the programme",
            &[
                EFFECTS,
                ERRORS,
                Field::optional(
                    "counted",
                    COUNTS,
                    "0 or 1 per experiment; left out: those significantly positive",
                ),
                PRIOR,
                PRIOR_MEAN,
                PRIOR_SD,
                ALPHA,
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The programme",
            &[
                Field::required("naive", Kind::Number, "Sum of the counted estimates"),
                Field::optional(
                    "cumulative",
                    ESTIMATE,
                    "Sum of their shrunk effects; null: none counted",
                ),
                Field::optional("overstatement", Kind::Number, "Naive over shrunk"),
                Field::required("counted", Kind::Count, "Experiments counted"),
                Field::required("win_rate", Kind::Number, "Share significantly positive"),
                Field::required("loss_rate", Kind::Number, "Share significantly negative"),
                Field::required("positive_rate", Kind::Number, "Share truly positive, by the posterior"),
                Field::required("mean_power", Kind::Number, "Mean power on effects of this kind"),
                Field::required("mean", Kind::Number, "Mean of the population of effects"),
                Field::required("tau", Kind::Number, "Its spread"),
                Field::required(
                    "effects",
                    Kind::List(&Kind::Object(&SHRUNK)),
                    "After shrinkage, in the order given",
                ),
            ],
        ),
        compute: |i| {
            let (effects, errors) = pairs(i)?;
            let counted = match i.has("counted") {
                true => Some(i.numbers_like("counted", effects.len(), "effects")?),
                false => None,
            };
            let counted: Option<Vec<bool>> = counted.map(|c| c.iter().map(|x| *x != 0.0).collect());
            let level = i.number("level")?;
            let p = programme(
                &effects,
                &errors,
                counted.as_deref(),
                prior(i)?,
                i.number("alpha")?,
                level,
            )?;
            Ok(json!(p))
        },
    },
];

const EFFECTS: Field = Field::required("effects", NUMBERS, "Estimates, in one unit");
const ERRORS: Field = Field::required("errors", NUMBERS, "Their standard errors");
const PRIOR: Field = Field::default(
    "prior",
    Kind::Choice(&[
        "dumouchel",
        "paule_mandel",
        "dersimonian_laird",
        "reml",
        "maximum_likelihood",
    ]),
    "\"dumouchel\"",
    "What is known of the spread between effects: averaged over it, or one estimate of it; the mean is estimated",
);
const PRIOR_MEAN: Field = Field::default(
    "prior_mean",
    Kind::Number,
    "0",
    "Mean of the population of effects where it is known, with prior_sd",
);
const PRIOR_SD: Field = Field::optional(
    "prior_sd",
    Kind::Number,
    "Standard deviation of the population of effects where it is known: stands in for `prior`",
);

const HETEROGENEITY: Object = Object::of(
    "Heterogeneity",
    &[
        Field::required("q", Kind::Number, "Cochran's Q"),
        Field::required("df", Kind::Count, "Degrees of freedom"),
        Field::required("p", Kind::Number, "p of all effects being equal"),
        Field::required("i2", Kind::Number, "Share of the variation that is not noise"),
    ],
);

const SHRUNK: Object = Object::of(
    "An effect after shrinkage",
    &[
        Field::required("point", Kind::Number, "Posterior mean"),
        Field::required("sd", Kind::Number, "Posterior standard deviation"),
        Field::required("low", Kind::Number, "Lower end of the credible interval"),
        Field::required("high", Kind::Number, "Upper end"),
        Field::required("positive", Kind::Number, "Chance that it is above 0"),
        Field::required("pull", Kind::Number, "0: not pulled, 1: onto the common mean"),
    ],
);

fn pairs(input: &Input<'_>) -> Result<(Vec<f64>, Vec<f64>), Problem> {
    let effects = input.numbers("effects")?;
    let errors = input.numbers_like("errors", effects.len(), "effects")?;
    Ok((effects, errors))
}

fn prior(input: &Input<'_>) -> Result<Prior, Problem> {
    if input.has("prior_sd") {
        return Ok(Prior::Known {
            mean: input.number("prior_mean")?,
            tau: input.number("prior_sd")?,
        });
    }
    Ok(match input.text("prior")?.as_str() {
        "dumouchel" => Prior::DuMouchel,
        method => Prior::Plugin(between(method)),
    })
}

fn between(method: &str) -> Between {
    match method {
        "fixed" => Between::Fixed,
        "dersimonian_laird" => Between::DerSimonianLaird,
        "reml" => Between::Reml,
        "maximum_likelihood" => Between::MaximumLikelihood,
        _ => Between::PauleMandel,
    }
}
