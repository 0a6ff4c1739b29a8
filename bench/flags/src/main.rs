//! Evaluations of a flag with five rules in this process: how long each takes, and how often it allocates.
//!
//! `steward-bench-flags [COUNT] [PAYLOAD]` prints a row of Markdown for each kind of unit; with PAYLOAD, the feature
//! payload goes into that file, for the JavaScript SDK to be measured on the same.

mod counting;

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use counting::allocations;
use steward_capabilities::flags::{Holds, Live, Subject, Value, parse_json};
use steward_capabilities::governance::InForce;
use steward_definitions::{Project, Source};

/// The flag of bench/ofrep, too.
const FLAG: &str = "flag: checkout
type: string
default: old
rules:
  - {rule: staff, when: {email: {$regex: '@shop\\.example$'}}, value: new}
  - {rule: austria, when: {country: AT}, value: new}
  - {rule: early, when: {version: {$vlt: 1.0.0}}, value: old}
  - {rule: small, when: {plan: {$in: [free, trial]}}, value: old}
  - {rule: test, split: [{name: old, value: old, weight: 50%}, {name: new, value: new, weight: 50%}]}
";

/// What differs between units; `#` is their number.
const UNITS: [(&str, &str); 4] = [
    (
        "all five rules, split",
        r#"{"id":"u#","email":"u#@mail.example","country":"DE","version":"2.4.1","plan":"pro"}"#,
    ),
    (
        "all five rules, numbers for texts",
        r#"{"id":#,"email":#.5,"country":49,"version":2.4,"plan":true}"#,
    ),
    ("the first rule", r#"{"id":"u#","email":"u#@shop.example"}"#),
    ("nothing but the unit", r#"{"id":"u#"}"#),
];

/// Units of each kind.
const MANY: usize = 1000;

fn live() -> Result<Live, Box<dyn Error>> {
    let sources = [
        ("steward.yaml", "project: bench\nowner: ada\n"),
        ("flags/checkout.yaml", FLAG),
    ];
    let sources = sources.map(|(path, text)| Source {
        path: path.into(),
        text: text.into(),
    });
    let (project, problems) = Project::parse(&sources);
    if let Some(problem) = problems.first() {
        return Err(problem.to_string().into());
    }
    let applied = InForce {
        project,
        digest: String::new(),
        sequence: 1,
        at_us: 0,
        actor: "ada".into(),
    };
    Ok(Live::compile(applied, &Holds::default(), 0)?)
}

fn units(shape: &str) -> Result<Vec<Value>, Box<dyn Error>> {
    let one = |n: usize| Ok(parse_json(&shape.replace('#', &n.to_string()))?);
    (0..MANY).map(one).collect()
}

/// Nanoseconds and allocations of each evaluation.
fn measure(live: &Live, units: &[Value], rounds: usize) -> (f64, f64) {
    let before = allocations();
    let started = Instant::now();
    for _ in 0..rounds {
        for unit in units {
            black_box(live.answer(black_box("checkout"), &mut Subject::new(black_box(unit))));
        }
    }
    let count = (rounds * units.len()) as f64;
    (
        started.elapsed().as_nanos() as f64 / count,
        (allocations() - before) as f64 / count,
    )
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let live = live()?;
    if let Some(path) = arguments.next() {
        std::fs::write(path, format!(r#"{{"features":{}}}"#, live.features_json))?;
    }
    println!("| unit | ns an evaluation | allocations |\n|---|---|---|");
    for (name, shape) in UNITS {
        let units = units(shape)?;
        measure(&live, &units, 2);
        let (time, room) = measure(&live, &units, count.div_ceil(MANY));
        println!("| {name} | {time:.0} | {room} |");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching_allocates_nothing() {
        let live = live().unwrap();
        for (name, shape) in UNITS {
            let units = units(shape).unwrap();
            // The expression's caches are made once.
            measure(&live, &units, 1);
            assert_eq!(measure(&live, &units, 1).1, 0.0, "{name}");
        }
        let before = allocations();
        drop(black_box(Box::new(1)));
        assert_eq!(allocations() - before, 1, "allocations are counted");
    }

    #[test]
    fn units_are_answered_by_different_rules() {
        let live = live().unwrap();
        let rules: Vec<String> = UNITS
            .iter()
            .map(|(_, shape)| {
                let unit = units(shape).unwrap().remove(7);
                live.answer("checkout", &mut Subject::new(&unit))
                    .unwrap()
                    .rule
                    .to_owned()
            })
            .collect();
        assert_eq!(rules, ["test", "test", "staff", "early"]);
    }
}
