//! Rates of rare events.

use serde_json::json;
use steward_stats::rates::{Events, rates};

use super::input::Input;
use super::kind::{Field, Kind, Object};
use super::sequential::{SIDES, sides};
use super::{ESTIMATE, LEVEL, Method, Problem, either};

/// Methods of this file.
pub const METHODS: &[Method] = &[Method {
    name: "poisson_rates",
    doc: "Counts over exposure, two groups: rate difference and rate ratio by Wald, and the exact conditional test.",
    source: "Przyborowski & Wilenski 1940; Gu, Ng, Tang & Schucany 2008",
    input: &Object::of(
        "Events and exposure of both groups",
        &[
            Field::required("control", Kind::Object(&EVENTS), "The control"),
            Field::required("treatment", Kind::Object(&EVENTS), "The treatment"),
            SIDES,
            LEVEL,
        ],
    ),
    output: &Object::of(
        "The rates compared",
        &[
            Field::required("control", Kind::Number, "Events per unit of exposure in the control"),
            Field::required("treatment", Kind::Number, "The same in the treatment"),
            Field::required("difference", ESTIMATE, "Treatment − control, Wald"),
            Field::required("ratio", ESTIMATE, "Treatment / control, Wald on the logarithm"),
            Field::required(
                "exact",
                Kind::Object(&Object::of(
                    "Exact conditional test, Clopper–Pearson interval of the ratio",
                    &[
                        Field::required("p", Kind::Number, "p of equal rates"),
                        Field::required("low", Kind::Number, "Lower end of the ratio"),
                        Field::optional("high", Kind::Number, "Upper end of the ratio; null: none"),
                    ],
                )),
                "Without the normal",
            ),
        ],
    ),
    compute: |i| {
        let (c, t) = (events(&i.object("control")?)?, events(&i.object("treatment")?)?);
        let found = rates(c, t, i.number("level")?, sides(i)?)?;
        Ok(json!({
            "control": c.count as f64 / c.exposure, "treatment": t.count as f64 / t.exposure,
            "difference": either(&found.difference), "ratio": either(&found.ratio), "exact": found.exact,
        }))
    },
}];

const EVENTS: Object = Object::of(
    "A group",
    &[
        Field::required("events", Kind::Count, "Events"),
        Field::required(
            "exposure",
            Kind::Number,
            "Units, sessions or hours over which they came, above 0",
        ),
    ],
);

fn events(input: &Input<'_>) -> Result<Events, Problem> {
    Ok(Events {
        count: input.count("events")?,
        exposure: input.number("exposure")?,
    })
}
