//! Bandits.

use serde_json::{Value, json};

use super::own::{common, moment};
use super::{list, number, object, text, texts, words};

/// `bandits/`.
pub(super) fn bandit() -> Value {
    let reward = object(
        &["kind"],
        vec![
            (
                "kind",
                words("Distribution of a play's reward.", &["bernoulli", "gaussian"]),
            ),
            (
                "better",
                words("Which way is good; `higher` by default.", &["higher", "lower"]),
            ),
        ],
    );
    let plays = object(
        &["dataset", "arm", "reward", "time"],
        vec![
            ("dataset", text("Dataset with a row per play.")),
            ("arm", text("Column of the arm.")),
            ("reward", text("Column, or SQL expression over a row: the reward.")),
            ("time", text("Column of the moment.")),
            ("unit", text("Column of the unit: each counts by its first play.")),
            (
                "propensity",
                text("Column of the probability with which the arm was chosen, where it is logged."),
            ),
        ],
    );
    let feature = object(
        &["attribute", "values"],
        vec![
            ("attribute", text("Attribute that flags are asked with.")),
            ("column", text("Column of the plays; the attribute's name by default.")),
            ("values", texts("Its values; others are served as all together.")),
        ],
    );
    let update = object(
        &[],
        vec![
            (
                "every",
                text("Least time between two updates, such as `1 day` (the default)."),
            ),
            (
                "delay",
                text("Time after a play until its reward is complete; 0 by default."),
            ),
            (
                "burn_in",
                json!({"type": "integer", "minimum": 0, "description": "Plays of every arm before shares leave the even split; 20 by default."}),
            ),
        ],
    );
    let stop = object(
        &[],
        vec![
            (
                "rule",
                words("`posterior` by default.", &["posterior", "likelihood_ratio"]),
            ),
            (
                "probability",
                number("Posterior probability of the leader that ends it; 0.95 by default."),
            ),
            (
                "loss",
                number("Expected loss of the leader that ends it, in the reward's unit."),
            ),
            (
                "delta",
                number("Accepted chance of a wrong arm, for `likelihood_ratio`; 0.05 by default."),
            ),
        ],
    );
    let mut keys = common("bandit");
    keys.extend([
        ("arms", texts("Arms by name; the first is the control.")),
        ("reward", reward),
        ("plays", plays),
        (
            "algorithm",
            words(
                "How shares follow from rewards; `thompson` by default.",
                &["thompson", "linear_thompson", "linucb"],
            ),
        ),
        ("context", list(feature, "What is known of a unit when it is assigned.")),
        ("update", update),
        (
            "floor",
            number("Share of the traffic that is spread evenly over arms; 0.1 by default."),
        ),
        ("stop", stop),
        ("start", moment("First moment of plays that count, inclusive.")),
    ]);
    object(&["bandit", "arms", "reward", "plays"], keys)
}
