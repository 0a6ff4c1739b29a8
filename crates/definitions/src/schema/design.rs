//! `design:` of an experiment. Its keys stand together, whichever kind takes them; `check` knows which.

use serde_json::{Value, json};

use super::{list, object, text, words};

pub(super) fn design() -> Value {
    let levels = json!({
        "type": "object", "description": "Factorial: each factor with its levels, the baseline first.",
        "additionalProperties": list(text("A level."), "Levels."),
    });
    let cells = json!({
        "type": "object", "description": "Factorial: each variant with its level of every factor.",
        "additionalProperties": {"type": "object"},
    });
    object(
        &["kind"],
        vec![
            (
                "kind",
                words(
                    "What was randomised.",
                    &["units", "factorial", "cluster", "switchback", "holdout", "geo"],
                ),
            ),
            ("factors", levels),
            ("cells", cells),
            (
                "by",
                text("Cluster, switchback: dimension that names the cluster or region."),
            ),
            ("period", text("Switchback, geo: length of a period, `2h`.")),
            (
                "before",
                text("Geo: time before the start that a mixture of markets must follow, whole periods."),
            ),
            ("washout", text("Switchback: time left out after each switch.")),
            ("season", text("Switchback: a season whose shape is taken out, `1d`.")),
            (
                "spillover",
                words("Switchback: whether regions share capacity.", &["none", "regions"]),
            ),
            (
                "everything",
                text("Holdout: variant of units that got whatever was launched or tried."),
            ),
            (
                "shipped",
                text("Holdout: variant of units that got what was shipped and were in no experiment."),
            ),
        ],
    )
}
