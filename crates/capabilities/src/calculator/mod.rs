//! Is this number right? Every method of the experiments room as a calculator on numbers given by hand.
//!
//! A method family is one file with `pub const METHODS: &[Method]`, listed in [`FAMILIES`]. A [`Method`] declares its
//! input once ([`Kind`], [`Field`]): the JSON Schema, the check of what comes in and the documentation are read from
//! that declaration. What cannot be estimated answers `{"not_estimable": …}`; what does not have the declared shape is
//! refused with the JSON path of the problem.

mod input;
mod kind;
mod parse;
mod plan;
mod sample;
mod synonyms;

mod bandits;
mod bayesian;
mod boundaries;
mod clusters;
mod comparison;
mod designs;
mod exposure;
mod geo;
mod health;
mod many;
mod multiple;
mod planning;
mod quantiles;
mod rates;
mod regressions;
mod sequential;
mod shapes;
mod sided;
mod split;

use serde_json::{Value, json};
use steward_stats::bayes::Better;
use steward_stats::{Estimate, NotEstimable, Reason};

pub use input::{Input, InputError};
pub use kind::{Field, Kind, Object};
pub use parse::parse;

/// One method of the calculator.
pub struct Method {
    /// Name, in the field's words.
    pub name: &'static str,
    /// What it answers, in one sentence.
    pub doc: &'static str,
    /// Where the formula is from.
    pub source: &'static str,
    /// Fields of the input.
    pub input: &'static Object,
    /// Fields of the answer.
    pub output: &'static Object,
    /// The computation, on an input that has the declared shape.
    pub compute: fn(&Input<'_>) -> Result<Value, Problem>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// The input does not have the declared shape.
    Input(InputError),
    /// The shape is right, but the numbers do not allow an estimate.
    NotEstimable(NotEstimable),
}

impl From<InputError> for Problem {
    fn from(e: InputError) -> Self {
        Problem::Input(e)
    }
}

impl From<NotEstimable> for Problem {
    fn from(e: NotEstimable) -> Self {
        Problem::NotEstimable(e)
    }
}

/// What the calculator says of a well-formed input.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The answer, or `{"not_estimable": {"reason", "detail", "remedy"}}`.
    pub value: Value,
    /// Whether there is an estimate.
    pub estimated: bool,
}

/// Method families, one file each.
const FAMILIES: &[&[Method]] = &[
    bandits::METHODS,
    bayesian::METHODS,
    boundaries::METHODS,
    clusters::METHODS,
    comparison::METHODS,
    designs::METHODS,
    exposure::METHODS,
    geo::METHODS,
    health::METHODS,
    many::METHODS,
    multiple::METHODS,
    planning::METHODS,
    quantiles::METHODS,
    rates::METHODS,
    regressions::METHODS,
    sequential::METHODS,
    shapes::METHODS,
    sided::METHODS,
    split::METHODS,
];

/// All methods, by name.
pub fn methods() -> Vec<&'static Method> {
    let mut all: Vec<&Method> = FAMILIES.iter().copied().flatten().collect();
    all.sort_by_key(|m| m.name);
    all
}

/// The method of that name, or that it is a synonym of; otherwise the nearest name, where there is one.
pub fn find(name: &str) -> Result<&'static Method, crate::CapabilityError> {
    let all = methods();
    let plain = name.to_lowercase().replace(['-', ' '], "_");
    let wanted = synonyms::resolve(&plain).unwrap_or(&plain);
    all.iter().find(|m| m.name == wanted).copied().ok_or_else(|| {
        let others = synonyms::SYNONYMS.iter().flat_map(|(_, others)| others.iter().copied());
        let names: Vec<String> = all.iter().map(|m| m.name).chain(others).map(str::to_string).collect();
        crate::CapabilityError::Unknown {
            kind: "method".into(),
            name: name.into(),
            near: crate::error::nearest(name, names.iter()),
        }
    })
}

impl Method {
    /// Computes. An input without the declared shape is an error; one that cannot be estimated is an answer.
    pub fn answer(&self, value: &Value) -> Result<Answer, InputError> {
        let refused = |e: NotEstimable| Answer {
            value: refusal(&e),
            estimated: false,
        };
        match kind::check(self.input, value, "$").and_then(|()| (self.compute)(&Input::new(value, self.input))) {
            Ok(value) => Ok(match kind::check(self.output, &value, "$") {
                Ok(()) => Answer { value, estimated: true },
                Err(found) => refused(overflow(&found)),
            }),
            Err(Problem::Input(e)) => Err(e),
            Err(Problem::NotEstimable(e)) => Ok(refused(e)),
        }
    }

    /// JSON Schema (2020-12) of the input.
    pub fn input_schema(&self) -> Value {
        kind::schema(self.input)
    }

    /// JSON Schema (2020-12) of the output: the answer, or the refusal.
    pub fn output_schema(&self) -> Value {
        json!({ "oneOf": [kind::schema(self.output), kind::schema(&REFUSAL)] })
    }

    /// Name, synonyms, documentation and both schemas.
    pub fn describe(&self) -> Value {
        json!({
            "name": self.name, "synonyms": synonyms::of(self.name), "doc": self.doc, "source": self.source,
            "input": self.input_schema(), "output": self.output_schema(),
        })
    }
}

/// An answer in which a number is none: the input's sizes are beyond what f64 can tell apart.
fn overflow(found: &Problem) -> NotEstimable {
    let detail = match found {
        Problem::Input(e) => e.to_string(),
        Problem::NotEstimable(e) => e.detail.clone(),
    };
    NotEstimable::new(
        Reason::NotFinite,
        format!("the computation left the range of numbers: in the answer, {detail}"),
        "give the input in units in which its numbers are nearer to 1",
    )
}

/// A refusal as the calculator writes it.
pub fn refusal(e: &NotEstimable) -> Value {
    json!({ "not_estimable": { "reason": e.reason, "detail": e.detail, "remedy": e.fix } })
}

/// An estimate as the calculator writes it; ends that are not bounded are null.
pub fn estimate(e: &Estimate) -> Value {
    json!(e)
}

/// An estimate, or its refusal, as part of an answer.
pub fn either(e: &Result<Estimate, NotEstimable>) -> Value {
    match e {
        Ok(e) => estimate(e),
        Err(e) => refusal(e),
    }
}

const REFUSAL: Object = Object::of(
    "Why there is no estimate, and what would change it",
    &[Field::required("not_estimable", Kind::Object(&REFUSED), "The refusal")],
);

const REFUSED: Object = Object::of(
    "A refusal",
    &[
        Field::required(
            "reason",
            Kind::Choice(&[
                "too_few",
                "zero_variance",
                "zero_baseline",
                "not_finite",
                "out_of_domain",
                "singular",
            ]),
            "Class of reason",
        ),
        Field::required("detail", Kind::Text, "What was found, with numbers"),
        Field::required("remedy", Kind::Text, "What would make it estimable"),
    ],
);

/// Coverage of intervals.
pub const LEVEL: Field = Field::default(
    "level",
    Kind::Number,
    "0.95",
    "Coverage of the interval, between 0 and 1",
);
/// False-positive rate.
pub const ALPHA: Field = Field::default("alpha", Kind::Number, "0.05", "False-positive rate, between 0 and 1");
/// Wanted power.
pub const POWER: Field = Field::default(
    "power",
    Kind::Number,
    "0.8",
    "Chance of finding the effect, between 0 and 1",
);

/// Which way is good.
pub const BETTER: Field = Field::default(
    "better",
    Kind::Choice(&["higher", "lower"]),
    "\"higher\"",
    "Which way is good",
);

/// The way that is good.
pub fn better(input: &Input<'_>) -> Result<Better, Problem> {
    Ok(if input.text("better")? == "lower" {
        Better::Lower
    } else {
        Better::Higher
    })
}

/// An answer of one estimate.
pub const ONE: Object = Object::of("The estimate", &[Field::required("estimate", ESTIMATE, "The estimate")]);

/// An estimate, or a refusal, in an answer.
pub const ESTIMATE: Kind = Kind::Object(&ESTIMATED);

const ESTIMATED: Object = Object {
    doc: "An estimate, or `not_estimable` where this part alone cannot be had",
    fields: &[
        Field::optional("point", Kind::Number, "The estimate"),
        Field::optional("se", Kind::Number, "Standard error"),
        Field::optional(
            "low",
            Kind::Number,
            "Lower end of the interval; null where there is none",
        ),
        Field::optional(
            "high",
            Kind::Number,
            "Upper end of the interval; null where there is none",
        ),
        Field::optional("level", Kind::Number, "Coverage of the interval"),
        Field::optional("df", Kind::Number, "Degrees of freedom; null for the normal"),
        Field::optional("p", Kind::Number, "p-value; null where there is no null hypothesis"),
        Field::optional("n", Kind::Count, "Observations"),
        Field::optional("method", Kind::Text, "Method in a few words"),
        Field::optional("not_estimable", Kind::Object(&REFUSED), "Why this part cannot be had"),
    ],
    forms: &[&["point", "se", "level"], &["not_estimable"]],
};

#[cfg(test)]
mod edges;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worked;
#[cfg(test)]
mod worked_inference;
