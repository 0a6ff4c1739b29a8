//! Bayesian comparisons.

use serde_json::{Value, json};
use steward_stats::bayes::{self, NormalPrior, Posterior};
use steward_stats::bayes_ratio;
use steward_stats::lift::{Comparison, Statistic, lift};
use steward_stats::{Estimate, NotEstimable, Reason};

use super::comparison::two;
use super::input::Input;
use super::kind::{Field, Kind, Object};
use super::{BETTER, ESTIMATE, LEVEL, Method, Problem, better, either, estimate, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "bayes_normal",
        doc: "Posterior of an effect from its estimate and standard error under a normal prior: chance to win, risk, credible interval.",
        source: "Gelman et al. 2013, section 2.5",
        input: &Object::of(
            "An estimate and a prior in its unit",
            &[
                Field::required("point", Kind::Number, "Estimated effect"),
                Field::required("se", Kind::Number, "Its standard error"),
                Field::default("n", Kind::Count, "0", "Units"),
                PRIOR,
                BETTER,
                LEVEL,
            ],
        ),
        output: &POSTERIOR,
        compute: |i| {
            let prior = if i.has("prior") {
                Some(prior(&i.object("prior")?)?)
            } else {
                None
            };
            let (point, se, n) = (i.number("point")?, i.number("se")?, i.count("n")?);
            Ok(written(&bayes::normal(
                point,
                se,
                n,
                prior,
                i.number("level")?,
                better(i)?,
            )?))
        },
    },
    Method {
        name: "bayes_means",
        doc: "Posterior of the absolute or relative difference of two means under a normal prior on either scale.",
        source: "Gelman et al. 2013, section 2.5; Deng, Knoblich & Lu 2018 (relative)",
        input: &Object::of(
            "Two groups and a prior",
            &[
                sample::control(&sample::MEAN),
                sample::treatment(&sample::MEAN),
                DIFFERENCE,
                PRIOR,
                PRIOR_SCALE,
                BETTER,
                LEVEL,
            ],
        ),
        output: &POSTERIOR,
        compute: means,
    },
    Method {
        name: "bayes_ratio",
        doc: "Posterior of the absolute or relative difference of two ratios of sums, from the law of a ratio of normal means.",
        source: "Hinkley 1969; Gelman et al. 2013",
        input: &Object::of(
            "Two groups with a numerator and a denominator per unit, and a prior",
            &[
                sample::control(&sample::RATIO),
                sample::treatment(&sample::RATIO),
                DIFFERENCE,
                PRIOR,
                PRIOR_SCALE,
                BETTER,
                LEVEL,
            ],
        ),
        output: &POSTERIOR,
        compute: |i| {
            let (c, t) = two(i, sample::ratio)?;
            let relative = i.text("difference")? == "relative";
            let baseline = if c.mean(1) != 0.0 {
                (c.mean(0) / c.mean(1)).abs()
            } else {
                0.0
            };
            let belief = belief(i, relative, baseline)?;
            let found = bayes_ratio::ratio((&c, &t), (0, 1), relative, belief, i.number("level")?, better(i)?)?;
            Ok(written(&found))
        },
    },
    Method {
        name: "beta_binomial",
        doc: "Posterior difference of two shares under a beta prior: chance to win, risk, credible interval.",
        source: "Stucchio 2015",
        input: &Object::of(
            "Two groups of zeros and ones, and a prior",
            &[
                sample::control(&sample::PROPORTION),
                sample::treatment(&sample::PROPORTION),
                Field::default("prior_alpha", Kind::Number, "1", "Successes believed beforehand"),
                Field::default("prior_beta", Kind::Number, "1", "Failures believed beforehand"),
                BETTER,
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The posterior",
            &[
                Field::required(
                    "estimate",
                    ESTIMATE,
                    "Difference of the shares: mean, standard deviation, interval",
                ),
                Field::required("relative", ESTIMATE, "Ratio of the shares less 1"),
                WIN,
                SHIP,
                KEEP,
            ],
        ),
        compute: |i| {
            let (c, t) = two(i, sample::proportion)?;
            let counts = |m: &steward_stats::Moments| (m.sum(0).round() as u64, m.count());
            for m in [&c, &t] {
                // Raw columns may hold something other than zeros and ones.
                if m.count() > 0 {
                    steward_stats::one_sample::proportion(m, 0, 0.95)?;
                }
            }
            let prior = bayes::Beta {
                alpha: i.number("prior_alpha")?,
                beta: i.number("prior_beta")?,
            };
            let found = bayes::beta_binomial(counts(&c), counts(&t), prior, i.number("level")?, better(i)?)?;
            let mut out = written(&found.absolute);
            out["relative"] = either(&found.relative);
            Ok(out)
        },
    },
];

const PRIOR: Field = Field::optional(
    "prior",
    Kind::Object(&Object::of(
        "A proper normal prior on the effect",
        &[
            Field::default("mean", Kind::Number, "0", "Its mean"),
            Field::required("sd", Kind::Number, "Its standard deviation"),
        ],
    )),
    "Prior on the effect; flat when left out",
);

const PRIOR_SCALE: Field = Field::default(
    "prior_scale",
    Kind::Choice(&["relative", "absolute"]),
    "\"relative\"",
    "Whether the prior is on the relative or the absolute effect; rescaled by |control| where they differ",
);

const DIFFERENCE: Field = Field::default(
    "difference",
    Kind::Choice(&["relative", "absolute"]),
    "\"relative\"",
    "Scale of the effect",
);

const WIN: Field = Field::required("chance_to_win", Kind::Number, "Chance that the treatment is better");
const SHIP: Field = Field::required(
    "risk_ship",
    Kind::Number,
    "Expected loss of shipping the treatment, in the effect's unit",
);
const KEEP: Field = Field::required(
    "risk_keep",
    Kind::Number,
    "Expected loss of keeping the control, in the effect's unit",
);

const POSTERIOR: Object = Object::of(
    "The posterior",
    &[
        Field::required(
            "estimate",
            ESTIMATE,
            "Posterior mean, standard deviation, credible interval",
        ),
        WIN,
        SHIP,
        KEEP,
    ],
);

fn written(p: &Posterior) -> Value {
    json!({
        "estimate": estimate(&p.estimate), "chance_to_win": p.chance_to_win,
        "risk_ship": p.risk_ship, "risk_keep": p.risk_keep,
    })
}

fn prior(input: &Input<'_>) -> Result<NormalPrior, Problem> {
    Ok(NormalPrior {
        mean: input.number("mean")?,
        sd: input.number("sd")?,
    })
}

fn means(input: &Input<'_>) -> Result<Value, Problem> {
    let (c, t) = two(input, sample::mean)?;
    let level = input.number("level")?;
    let comparison = Comparison {
        statistic: Statistic::Mean { y: 0 },
        covariates: Vec::new(),
        level,
    };
    let found = lift(&c, &t, &comparison);
    let relative = input.text("difference")? == "relative";
    let e: Estimate = if relative { found.relative? } else { found.absolute? };
    let belief = belief(input, relative, c.mean(0).abs())?;
    Ok(written(&bayes::normal(
        e.point,
        e.se,
        e.n,
        belief,
        level,
        better(input)?,
    )?))
}

/// The prior on the scale of the effect; flat when none is given.
fn belief(input: &Input<'_>, relative: bool, baseline: f64) -> Result<Option<NormalPrior>, Problem> {
    if !input.has("prior") {
        return Ok(None);
    }
    let given = prior(&input.object("prior")?)?;
    let on_relative = input.text("prior_scale")? == "relative";
    if relative != on_relative && baseline == 0.0 {
        return Err(NotEstimable::new(
            Reason::ZeroBaseline,
            "the control is 0, so that a prior on one scale says nothing about the other",
            "give the prior on the scale of the effect",
        )
        .into());
    }
    Ok(Some(given.rescaled(match (relative, on_relative) {
        (true, false) => 1.0 / baseline,
        (false, true) => baseline,
        _ => 1.0,
    })))
}
