//! Bandits: allocation, readout, contexts, other policies.

use serde_json::{Value, json};
use steward_stats::adaptive::{Play, Weighting, readout};
use steward_stats::bandit::{Bandit, Beliefs, Stopping, thompson};
use steward_stats::bayes::Beta;
use steward_stats::best_arm::{Arm, Rewards, Threshold, best_arm};
use steward_stats::contextual::{ArmHistory, score};
use steward_stats::off_policy::{Logged, evaluate};

use super::input::Input;
use super::kind::{COUNTS, Field, Kind, NUMBERS, Object, TABLE};
use super::{BETTER, ESTIMATE, LEVEL, Method, Problem, better, estimate, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "thompson_bernoulli",
        doc: "Thompson allocation of arms with rewards 0 or 1: probability of being best, expected loss, stopping.",
        source: "Thompson 1933; Scott 2010",
        input: &Object::of(
            "Plays and successes per arm",
            &[
                Field::required("successes", COUNTS, "Rewards of 1 per arm"),
                Field::required("plays", COUNTS, "Plays per arm, same order"),
                Field::default("prior_alpha", Kind::Number, "1", "Successes believed beforehand"),
                Field::default("prior_beta", Kind::Number, "1", "Failures believed beforehand"),
                BETTER,
                FLOOR,
                STOP_PROBABILITY,
                STOP_LOSS,
            ],
        ),
        output: &ALLOCATION,
        compute: |i| {
            let successes = i.counts("successes")?;
            i.numbers_like("plays", successes.len(), "successes")?;
            let arms: Vec<(u64, u64)> = successes.into_iter().zip(i.counts("plays")?).collect();
            let prior = Beta {
                alpha: i.number("prior_alpha")?,
                beta: i.number("prior_beta")?,
            };
            allocation(i, &Beliefs::bernoulli(&arms, prior)?)
        },
    },
    Method {
        name: "thompson_gaussian",
        doc: "Thompson allocation of arms with Gaussian rewards: probability of being best, expected loss, stopping.",
        source: "Thompson 1933; Russo et al. 2018",
        input: &Object::of(
            "Rewards per arm",
            &[
                Field::required("arms", Kind::List(&Kind::Object(&sample::MEAN)), "Rewards of each arm"),
                Field::optional(
                    "prior_mean",
                    Kind::Number,
                    "Mean of the normal prior; flat when left out",
                ),
                Field::optional("prior_sd", Kind::Number, "Its standard deviation"),
                BETTER,
                FLOOR,
                STOP_PROBABILITY,
                STOP_LOSS,
            ],
        ),
        output: &ALLOCATION,
        compute: |i| {
            let mut arms = Vec::new();
            for arm in i.objects("arms")? {
                let m = sample::mean(&arm)?;
                arms.push((m.count(), m.mean(0), m.variance(0).unwrap_or(0.0)));
            }
            let prior = if i.has("prior_sd") {
                Some((i.maybe_number("prior_mean").unwrap_or(0.0), i.number("prior_sd")?))
            } else {
                None
            };
            allocation(i, &Beliefs::gaussian(&arms, prior)?)
        },
    },
    Method {
        name: "best_arm_likelihood_ratio",
        doc: "Whether the best arm is known at an error rate, however often one looked: likelihood ratios of the leader against each rival.",
        source: "Garivier & Kaufmann 2016; Kaufmann & Koolen 2021",
        input: &Object {
            doc: "Plays and rewards per arm",
            fields: &[
                Field::required("plays", COUNTS, "Plays per arm"),
                Field::optional("successes", COUNTS, "Rewards of 1 per arm (Bernoulli)"),
                Field::optional("means", NUMBERS, "Mean reward per arm (Gaussian)"),
                Field::optional(
                    "variance",
                    Kind::Number,
                    "Variance of a reward, known or pooled (Gaussian)",
                ),
                Field::default("delta", Kind::Number, "0.05", "Accepted chance of a wrong arm"),
                Field::default(
                    "threshold",
                    Kind::Choice(&["proved", "stylised"]),
                    "\"proved\"",
                    "With a proof of the error rate, or ln((1 + ln t)/delta) of practice",
                ),
                BETTER,
            ],
            forms: &[&["successes"], &["means", "variance"]],
        },
        output: &Object::of(
            "The leader against its rivals",
            &[
                Field::required("leader", Kind::Count, "Arm with the best mean, from 0"),
                Field::required("rival", Kind::Count, "Its strongest rival"),
                Field::required(
                    "statistics",
                    NUMBERS,
                    "Log likelihood ratio against each arm; 0 for itself",
                ),
                Field::required("statistic", Kind::Number, "That of the strongest rival"),
                Field::required("threshold", Kind::Number, "What it must exceed"),
                Field::required("stop", Kind::Flag, "Whether it does"),
            ],
        ),
        compute: |i| {
            let plays = i.counts("plays")?;
            let bernoulli = i.has("successes");
            let values = i.numbers_like(if bernoulli { "successes" } else { "means" }, plays.len(), "plays")?;
            let mut arms = Vec::new();
            for (plays, value) in plays.into_iter().zip(values) {
                if bernoulli && value > plays as f64 {
                    let message = format!("{value} successes in {plays} plays; count plays with one reward each");
                    return Err(i.wrong("successes", message).into());
                }
                let mean = if bernoulli && plays > 0 {
                    value / plays as f64
                } else {
                    value
                };
                arms.push(Arm { plays, mean });
            }
            let rewards = if bernoulli {
                Rewards::Bernoulli
            } else {
                Rewards::Gaussian {
                    variance: i.number("variance")?,
                }
            };
            let threshold = if i.text("threshold")? == "stylised" {
                Threshold::Stylised
            } else {
                Threshold::Proved
            };
            Ok(json!(best_arm(
                &arms,
                rewards,
                better(i)?,
                threshold,
                i.number("delta")?
            )?))
        },
    },
    Method {
        name: "adaptive_readout",
        doc: "Values of arms, and differences from the first, from adaptively assigned plays: inverse propensity, augmented, adaptively weighted.",
        source: "Hadad, Hirshberg, Zhan, Wager & Athey 2021",
        input: &Object::of(
            "Plays in the order in which they came",
            &[
                Field::required("arms", COUNTS, "Arm of each play, from 0; arm 0 is the control"),
                Field::required("rewards", NUMBERS, "Reward of each play"),
                Field::required(
                    "propensities",
                    TABLE,
                    "One list per play: probability of every arm at that moment",
                ),
                Field::default(
                    "weighting",
                    Kind::Choice(&["adaptive", "uniform", "ipw"]),
                    "\"adaptive\"",
                    "Augmented with weights √e, augmented with equal weights, or plain inverse propensity",
                ),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The arms",
            &[
                Field::required("values", Kind::List(&ESTIMATE), "Value of each arm"),
                Field::required("differences", Kind::List(&ESTIMATE), "Each other arm less arm 0"),
            ],
        ),
        compute: |i| {
            let arms = i.counts("arms")?;
            let rewards = i.numbers_like("rewards", arms.len(), "arms")?;
            let propensities = i.table("propensities")?;
            if propensities.len() != arms.len() {
                let message = format!("has {} lists, but arms has {}", propensities.len(), arms.len());
                return Err(i.wrong("propensities", message).into());
            }
            let plays: Vec<Play> = arms
                .into_iter()
                .zip(rewards)
                .zip(propensities)
                .map(|((arm, reward), propensities)| Play {
                    arm: arm as usize,
                    reward,
                    propensities,
                })
                .collect();
            let weighting = match i.text("weighting")?.as_str() {
                "ipw" => Weighting::Ipw,
                "uniform" => Weighting::Uniform,
                _ => Weighting::Adaptive,
            };
            Ok(json!(readout(&plays, weighting, i.number("level")?)?))
        },
    },
    Method {
        name: "linear_bandit",
        doc: "Scores of arms at one context: LinUCB's upper bounds and the probabilities of linear Thompson sampling.",
        source: "Li, Chu, Langford & Schapire 2010; Agrawal & Goyal 2013",
        input: &Object::of(
            "What was seen of each arm, and a context",
            &[
                Field::required(
                    "arms",
                    Kind::List(&Kind::Object(&Object::of(
                        "One arm",
                        &[
                            Field::required(
                                "contexts",
                                TABLE,
                                "One list per play: the context, with a leading 1 for an intercept",
                            ),
                            Field::required("rewards", NUMBERS, "Reward of each play"),
                        ],
                    ))),
                    "The arms",
                ),
                Field::required("context", NUMBERS, "The context to choose for"),
                Field::default("ridge", Kind::Number, "1", "λ: prior precision of the coefficients"),
                Field::default("alpha", Kind::Number, "1", "LinUCB's factor on the width"),
                Field::default(
                    "v",
                    Kind::Number,
                    "1",
                    "Thompson's factor on the width: standard deviation of rewards",
                ),
            ],
        ),
        output: &Object::of(
            "The arms",
            &[
                Field::required("expected", NUMBERS, "Expected reward"),
                Field::required("width", NUMBERS, "√(xᵀA⁻¹x)"),
                Field::required("upper", NUMBERS, "LinUCB's upper bound"),
                Field::required("linucb", Kind::Count, "Arm that LinUCB plays, from 0"),
                Field::required("thompson", NUMBERS, "Probability by linear Thompson sampling"),
                Field::required("coefficients", TABLE, "Coefficients of each arm"),
            ],
        ),
        compute: |i| {
            let mut arms = Vec::new();
            for arm in i.objects("arms")? {
                arms.push(ArmHistory {
                    contexts: arm.table("contexts")?,
                    rewards: arm.numbers("rewards")?,
                });
            }
            let (lambda, alpha, v) = (i.number("ridge")?, i.number("alpha")?, i.number("v")?);
            Ok(json!(score(&arms, &i.numbers("context")?, lambda, alpha, v)?))
        },
    },
    Method {
        name: "off_policy",
        doc: "Value of a policy from another one's log: inverse propensity (IPS), self-normalised (SNIPS), doubly robust (DR).",
        source: "Horvitz & Thompson 1952; Swaminathan & Joachims 2015; Dudík, Langford & Li 2011",
        input: &Object::of(
            "Logged decisions",
            &[
                Field::required("rewards", NUMBERS, "Reward of each decision"),
                Field::required("logging", NUMBERS, "Probability with which its action was taken"),
                Field::required(
                    "target",
                    NUMBERS,
                    "Probability with which the target policy would take it",
                ),
                Field::optional("model_taken", NUMBERS, "Reward model at the action taken, for DR"),
                Field::optional(
                    "model_target",
                    NUMBERS,
                    "Reward model averaged over the target policy's actions, for DR",
                ),
                Field::optional("cap", Kind::Number, "Weights above this are cut to it"),
                LEVEL,
            ],
        ),
        output: &Object::of(
            "The target policy's value",
            &[
                Field::required("ips", ESTIMATE, "Inverse propensity score"),
                Field::required("snips", ESTIMATE, "Self-normalised"),
                Field::optional("dr", ESTIMATE, "Doubly robust"),
                Field::required("logged", ESTIMATE, "Mean of the log"),
                Field::required("effective_n", Kind::Number, "Effective sample size of the weights"),
                Field::required("largest_weight", Kind::Number, "Largest weight, after the cap"),
            ],
        ),
        compute: off_policy,
    },
];

const FLOOR: Field = Field::default(
    "floor",
    Kind::Number,
    "0",
    "Share of the traffic that is spread evenly over arms",
);
const STOP_PROBABILITY: Field = Field::default(
    "stop_probability",
    Kind::Number,
    "0.95",
    "Stop when the leader is best with at least this probability",
);
const STOP_LOSS: Field = Field::optional(
    "stop_loss",
    Kind::Number,
    "Stop when the leader's expected loss is at most this",
);

const ALLOCATION: Object = Object::of(
    "The arms, in the order given",
    &[
        Field::required("best", NUMBERS, "Probability of being the best"),
        Field::required("allocation", NUMBERS, "Share of the next batch"),
        Field::required("mean", NUMBERS, "Expected reward"),
        Field::required("loss", NUMBERS, "Expected loss of stopping with the arm"),
        Field::required("leader", Kind::Count, "Arm most likely best, from 0"),
        Field::required("stop", Kind::Flag, "Whether the stopping rule is met"),
    ],
);

fn allocation(input: &Input<'_>, beliefs: &Beliefs) -> Result<Value, Problem> {
    let stopping = Stopping {
        probability: input.number("stop_probability")?,
        loss: input.maybe_number("stop_loss").unwrap_or(-1.0),
    };
    let found: Bandit = thompson(beliefs, better(input)?, input.number("floor")?, stopping)?;
    Ok(json!(found))
}

fn off_policy(input: &Input<'_>) -> Result<Value, Problem> {
    let rewards = input.numbers("rewards")?;
    let column = |name: &str| input.numbers_like(name, rewards.len(), "rewards");
    let (logging, target) = (column("logging")?, column("target")?);
    let model = if input.has("model_taken") && input.has("model_target") {
        Some((column("model_taken")?, column("model_target")?))
    } else {
        None
    };
    let rows: Vec<Logged> = (0..rewards.len())
        .map(|i| Logged {
            reward: rewards[i],
            logging: logging[i],
            target: target[i],
            model: model.as_ref().map(|(a, b)| (a[i], b[i])),
        })
        .collect();
    let found = evaluate(&rows, input.maybe_number("cap"), input.number("level")?)?;
    Ok(json!({
        "ips": estimate(&found.ips), "snips": estimate(&found.snips), "dr": found.dr.as_ref().map(estimate),
        "logged": estimate(&found.logged), "effective_n": found.effective_n, "largest_weight": found.largest_weight,
    }))
}
