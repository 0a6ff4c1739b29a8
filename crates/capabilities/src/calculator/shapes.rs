//! Metrics of a shape of their own: capped and trimmed means, funnels, retention.

use serde_json::{Value, json};
use steward_stats::capping::{Cap, capped_lift, trimmed};
use steward_stats::funnel::{Step, funnel};
use steward_stats::retention::{Unit, Window, retention};
use steward_stats::{Moments, NotEstimable, Reason};

use super::comparison::{LIFT, sided_or_refused, written};
use super::input::Input;
use super::kind::{COUNTS, Field, Kind, Object, TABLE};
use super::sequential::SIDES;
use super::{LEVEL, Method, ONE, Problem, sample};

/// Methods of this file.
pub const METHODS: &[Method] = &[
    Method {
        name: "capped_mean",
        doc: "Difference of means of capped (winsorised) values, with the uncapped one beside it.",
        source: "Tukey & McLaughlin 1963; Welch 1947",
        input: &Object::of(
            "Two groups and where values are pulled in",
            &[
                sample::CONTROL_VALUES,
                sample::TREATMENT_VALUES,
                Field::default(
                    "kind",
                    Kind::Choice(&["absolute", "percentile"]),
                    "\"absolute\"",
                    "Whether limits are values, or percentiles of both groups together in (0, 1)",
                ),
                Field::optional("low", Kind::Number, "Lower limit"),
                Field::optional("high", Kind::Number, "Upper limit"),
                Field::default(
                    "ignore_zeros",
                    Kind::Flag,
                    "false",
                    "Percentiles of values other than 0",
                ),
                SIDES,
                LEVEL,
            ],
        ),
        output: &Object::of(
            "Both comparisons",
            &[
                Field::required("capped", Kind::Object(&LIFT), "Of capped values"),
                Field::required("raw", Kind::Object(&LIFT), "Of values as they are"),
                Field::optional("low", Kind::Number, "Lower limit used, as a value"),
                Field::optional("high", Kind::Number, "Upper limit used, as a value"),
                Field::required("moved", COUNTS, "Values moved in control and treatment"),
            ],
        ),
        compute: |i| {
            let (low, high) = (i.maybe_number("low"), i.maybe_number("high"));
            let cap = match i.text("kind")?.as_str() {
                "percentile" => Cap::Percentile {
                    low,
                    high,
                    ignore_zeros: i.flag("ignore_zeros"),
                },
                _ => Cap::Absolute { low, high },
            };
            let found = capped_lift(
                &i.numbers("control")?,
                &i.numbers("treatment")?,
                cap,
                i.number("level")?,
            )?;
            if let Err(e) = found.capped.absolute {
                return Err(e.into());
            }
            Ok(json!({
                "capped": written(i, &found.capped)?, "raw": written(i, &found.raw)?,
                "low": found.cap.low, "high": found.cap.high, "moved": found.cap.moved,
            }))
        },
    },
    Method {
        name: "trimmed_mean",
        doc: "Difference of trimmed means by Yuen's t.",
        source: "Yuen 1974",
        input: &Object::of(
            "Two groups",
            &[
                sample::CONTROL_VALUES,
                sample::TREATMENT_VALUES,
                Field::default(
                    "trim",
                    Kind::Number,
                    "0.2",
                    "Share taken off each end, from 0 to below 0.5",
                ),
                SIDES,
                LEVEL,
            ],
        ),
        output: &ONE,
        compute: |i| {
            let (c, t) = (i.numbers("control")?, i.numbers("treatment")?);
            let found = trimmed(&c, &t, i.number("trim")?, i.number("level")?);
            Ok(json!({ "estimate": sided_or_refused(i, found)? }))
        },
    },
    Method {
        name: "funnel",
        doc: "Ordered steps: the share that goes on from each step and from the start, compared.",
        source: "Deng, Knoblich & Lu 2018",
        input: &Object::of(
            "Two groups with, per unit, whether (or how often) each step was reached",
            &[
                Field::required("control", TABLE, "One list per step, a value per unit each"),
                Field::required("treatment", TABLE, "Same steps"),
                SIDES,
                LEVEL,
            ],
        ),
        output: &Object::of(
            "Steps",
            &[Field::required("steps", Kind::List(&Kind::Object(&STEP)), "By step")],
        ),
        compute: |i| {
            let found = funnel(&columns(i, "control")?, &columns(i, "treatment")?, i.number("level")?)?;
            steps(i, &found)
        },
    },
    Method {
        name: "funnel_counts",
        doc: "The same from counts: units that reached each step, of units that reached the step before and of all.",
        source: "Fleiss, Levin & Paik 2003; Deng, Knoblich & Lu 2018",
        input: &Object::of(
            "Two groups with the units that reached each step",
            &[
                Field::required("control", COUNTS, "All units first, then those who reached each step"),
                Field::required("treatment", COUNTS, "Same steps"),
                SIDES,
                LEVEL,
            ],
        ),
        output: &Object::of(
            "Steps",
            &[Field::required(
                "steps",
                Kind::List(&Kind::Object(&STEP)),
                "By step, the first being all units",
            )],
        ),
        compute: |i| {
            let found = funnel(&nested(i, "control")?, &nested(i, "treatment")?, i.number("level")?)?;
            steps(i, &found)
        },
    },
    Method {
        name: "retention",
        doc: "Share of units active in windows of days since their start, among units observed long enough.",
        source: "Fleiss, Levin & Paik 2003",
        input: &Object::of(
            "Two groups and the windows",
            &[
                Field::required("control", Kind::List(&Kind::Object(&UNIT)), "Units of the control"),
                Field::required("treatment", Kind::List(&Kind::Object(&UNIT)), "Units of the treatment"),
                Field::required(
                    "windows",
                    Kind::List(&Kind::Object(&WINDOW)),
                    "Windows: day-7 retention is from 7 to 7",
                ),
                SIDES,
                LEVEL,
            ],
        ),
        output: &Object::of(
            "Windows",
            &[Field::required(
                "windows",
                Kind::List(&Kind::Object(&RETAINED)),
                "By window",
            )],
        ),
        compute: |i| {
            let windows = i
                .objects("windows")?
                .iter()
                .map(|w| {
                    Ok(Window {
                        from: day(w.count("from")?),
                        to: day(w.count("to")?),
                    })
                })
                .collect::<Result<Vec<_>, Problem>>()?;
            let found = retention(
                &units(i, "control")?,
                &units(i, "treatment")?,
                &windows,
                i.number("level")?,
            )?;
            let mut all = Vec::new();
            for r in &found {
                all.push(json!({
                    "from": r.window.from, "to": r.window.to,
                    "eligible": [r.eligible.0, r.eligible.1], "retained": [r.retained.0, r.retained.1],
                    "lift": written(i, &r.lift)?,
                }));
            }
            Ok(json!({ "windows": all }))
        },
    },
];

const STEP: Object = Object::of(
    "A step",
    &[
        Field::required("step", Kind::Count, "Position, from 0"),
        Field::optional(
            "from_previous",
            Kind::Object(&LIFT),
            "Reached over reached the step before",
        ),
        Field::required("overall", Kind::Object(&LIFT), "Reached over all units"),
    ],
);

const UNIT: Object = Object::of(
    "A unit's activity",
    &[
        Field::required("observed", Kind::Count, "Whole days observed since its start"),
        Field::required("active", COUNTS, "Days since its start with activity"),
    ],
);

const WINDOW: Object = Object::of(
    "Days since the start, both ends included",
    &[
        Field::required("from", Kind::Count, "First day"),
        Field::required("to", Kind::Count, "Last day"),
    ],
);

const RETAINED: Object = Object::of(
    "Retention in a window",
    &[
        Field::required("from", Kind::Count, "First day"),
        Field::required("to", Kind::Count, "Last day"),
        Field::required("eligible", COUNTS, "Units observed to its end: control, treatment"),
        Field::required("retained", COUNTS, "Of them, active in it"),
        Field::required("lift", Kind::Object(&LIFT), "Shares compared"),
    ],
);

fn steps(i: &Input<'_>, found: &[Step]) -> Result<Value, Problem> {
    let mut steps = Vec::new();
    for s in found {
        let mut step = json!({ "step": s.step, "overall": written(i, &s.overall)? });
        if let Some(previous) = &s.from_previous {
            step["from_previous"] = written(i, previous)?;
        }
        steps.push(step);
    }
    Ok(json!({ "steps": steps }))
}

/// Moments of zeros and ones of which each column is a part of the one before.
fn nested(input: &Input<'_>, name: &str) -> Result<Moments, Problem> {
    let counts = input.counts(name)?;
    let n = counts.first().copied().unwrap_or(0);
    if let Some(k) = (1..counts.len()).find(|k| counts[*k] > counts[k - 1]) {
        return Err(NotEstimable::new(
            Reason::OutOfDomain,
            format!(
                "in the {name}, {} units reach step {k}, {} the one before",
                counts[k],
                counts[k - 1]
            ),
            "count a unit at a step only after the steps before it",
        )
        .into());
    }
    let total = n as f64;
    let means: Vec<f64> = counts
        .iter()
        .map(|c| if n == 0 { 0.0 } else { *c as f64 / total })
        .collect();
    let mut cross = Vec::new();
    for i in 0..counts.len() {
        for j in i..counts.len() {
            cross.push(counts[j] as f64 * (1.0 - means[i]));
        }
    }
    Ok(Moments::from_parts(n, means, cross).unwrap_or_else(|| Moments::empty(counts.len())))
}

/// Moments of columns that must be equally long.
pub fn columns(input: &Input<'_>, name: &str) -> Result<Moments, Problem> {
    let all = input.table(name)?;
    let first = all.first().map_or(0, Vec::len);
    if let Some(i) = all.iter().position(|c| c.len() != first) {
        let message = format!(
            "list {i} has {} values, the first {first}; give one per unit",
            all[i].len()
        );
        return Err(input.wrong(name, message).into());
    }
    Ok(sample::columns(&all))
}

fn day(x: u64) -> u32 {
    u32::try_from(x).unwrap_or(u32::MAX)
}

fn units(input: &Input<'_>, name: &str) -> Result<Vec<Unit>, Problem> {
    let read = |u: &Input<'_>| {
        let active = u.counts("active")?.into_iter().map(day).collect();
        Ok(Unit {
            observed: day(u.count("observed")?),
            active,
        })
    };
    input.objects(name)?.iter().map(read).collect()
}
