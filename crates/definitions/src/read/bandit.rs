//! `bandits/`: splits that follow what arms have earned.

use super::targeting::moment_of;
use crate::decode::{Decoder, MapReader, Target};
use crate::project::Kind;
use crate::sql::Expression;
use crate::yaml::Node;
use crate::{Algorithm, Bandit, ContextFeature, Diagnostic, Plays, Reward, RewardKind, Settings, StopRule};

/// Most combinations of a context's values: each is a rule of the flag.
const MOST_CELLS: usize = 64;
const DAY: u64 = 86_400;

/// Reads a bandit; problems go to the decoder.
pub(super) fn read(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Bandit> {
    let mut map = decoder.map(document, "a bandit")?;
    let meta = super::meta(&mut map, Kind::Bandit, "bandit", settings);
    map.required("arms");
    let arms = arms(&mut map);
    let reward = reward(&mut map);
    let plays = plays(&mut map);
    let algorithm = match map
        .choice("algorithm", &["thompson", "linear_thompson", "linucb"])
        .as_deref()
    {
        Some("linear_thompson") => Algorithm::LinearThompson,
        Some("linucb") => Algorithm::Linucb,
        _ => Algorithm::Thompson,
    };
    let context = context(&mut map, &plays.dataset);
    let named = map.has("algorithm");
    if algorithm == Algorithm::Thompson && !context.is_empty() {
        let problem = Diagnostic::error(
            "bad-value",
            map.value_span(if named { "algorithm" } else { "context" }),
            format!("{} has a context, which `thompson` does not look at", map.what()),
        );
        decoder.report(problem.expected("`algorithm: linear_thompson` or `linucb`, or no `context`"));
    } else if algorithm != Algorithm::Thompson && context.is_empty() {
        map.error("missing-key", "algorithm", "a linear bandit needs a `context`");
    }
    let update = map.map("update").map(|mut inner| {
        let found = (
            inner.duration_seconds("every"),
            inner.duration_seconds("delay"),
            inner.count("burn_in"),
        );
        inner.finish();
        found
    });
    let (every, delay, burn_in) = update.unwrap_or_default();
    let floor = map.number("floor").unwrap_or(0.1);
    if !(floor > 0.0 && floor <= 1.0) {
        let problem = Diagnostic::error("bad-value", map.value_span("floor"), format!("`floor` is {floor}"));
        decoder.report(problem.expected(
            "a share above 0 and at most 1, such as 0.1: without exploration no arm can be read out without bias",
        ));
    }
    let stop = stop(&mut map);
    let start = moment_of(&mut map, "start");
    map.finish();
    Some(Bandit {
        meta,
        arms,
        reward,
        plays,
        algorithm,
        context,
        every_seconds: every.unwrap_or(DAY),
        delay_seconds: delay.unwrap_or(0),
        floor,
        burn_in: burn_in.unwrap_or(20),
        stop,
        start,
    })
}

fn arms(map: &mut MapReader<'_>) -> Vec<String> {
    let placed = map.placed_texts("arms");
    for (at, (name, place)) in placed.iter().enumerate() {
        if placed.iter().take(at).any(|(other, _)| other == name) {
            map.decoder()
                .error("duplicate-name", *place, format!("the arm `{name}` is listed twice"));
        }
    }
    if map.has("arms") && !(2..=50).contains(&placed.len()) {
        map.error(
            "bad-value",
            "arms",
            format!("{} has {} arms; give 2 to 50", map.what(), placed.len()),
        );
    }
    placed.into_iter().map(|(name, _)| name).collect()
}

fn reward(map: &mut MapReader<'_>) -> Reward {
    map.required("reward");
    let Some(mut inner) = map.map("reward") else {
        return Reward::default();
    };
    inner.required("kind");
    let reward = Reward {
        kind: match inner.choice("kind", &["bernoulli", "gaussian"]).as_deref() {
            Some("gaussian") => RewardKind::Gaussian,
            _ => RewardKind::Bernoulli,
        },
        lower_is_better: inner.choice("better", &["higher", "lower"]).as_deref() == Some("lower"),
    };
    inner.finish();
    reward
}

fn plays(map: &mut MapReader<'_>) -> Plays {
    map.required("plays");
    let Some(mut inner) = map.map("plays") else {
        return Plays::default();
    };
    inner.rename(format!("`plays` of {}", map.what()));
    let dataset = inner.required_name_of("dataset", Kind::Dataset);
    let column = |inner: &mut MapReader<'_>, key: &str| {
        let text = inner.text(key);
        if let Some(column) = &text {
            let target = Target::Column {
                dataset: dataset.clone(),
                column: column.clone(),
            };
            inner.mention(key, target);
        }
        text
    };
    for key in ["arm", "reward", "time"] {
        inner.required(key);
    }
    let reward = inner.text("reward").unwrap_or_default();
    match Expression::parse(&reward) {
        Err(error) if !reward.is_empty() => {
            let problem = Diagnostic::error(
                "sql-syntax",
                inner.value_span("reward"),
                format!("the expression of `reward` {}", error.message),
            );
            inner
                .decoder()
                .report(problem.expected("a column, or an expression over columns of a row"));
        }
        Ok(parsed) if !parsed.aggregates().is_empty() => {
            inner.error(
                "bad-value",
                "reward",
                "`reward` aggregates; write the value of one play",
            );
        }
        Ok(parsed) => {
            for name in parsed.column_names() {
                let target = Target::Column {
                    dataset: dataset.clone(),
                    column: name,
                };
                inner.mention("reward", target);
            }
        }
        _ => {}
    }
    let plays = Plays {
        arm: column(&mut inner, "arm").unwrap_or_default(),
        reward,
        time: column(&mut inner, "time").unwrap_or_default(),
        unit: column(&mut inner, "unit"),
        propensity: column(&mut inner, "propensity"),
        dataset: dataset.clone(),
    };
    inner.finish();
    plays
}

fn context(map: &mut MapReader<'_>, dataset: &str) -> Vec<ContextFeature> {
    let mut features = Vec::new();
    for mut inner in map.maps("context") {
        let attribute = inner.required_text("attribute");
        inner.rename(format!("the context `{attribute}` of {}", map.what()));
        let column = inner.text("column").unwrap_or_else(|| attribute.clone());
        let key = if inner.has("column") { "column" } else { "attribute" };
        inner.mention(
            key,
            Target::Column {
                dataset: dataset.to_owned(),
                column: column.clone(),
            },
        );
        inner.required("values");
        let values = inner.texts("values");
        let repeated = values
            .iter()
            .enumerate()
            .any(|(i, v)| values.iter().take(i).any(|w| w == v));
        if values.len() < 2 || repeated {
            inner.error("bad-value", "values", "give at least two values, each once");
        }
        inner.finish();
        features.push(ContextFeature {
            attribute,
            column,
            values,
        });
    }
    let cells = features.iter().map(|f| f.values.len()).product::<usize>();
    if cells > MOST_CELLS {
        map.error(
            "bad-value",
            "context",
            format!("the context has {cells} combinations; at most {MOST_CELLS} are served"),
        );
    }
    features
}

fn stop(map: &mut MapReader<'_>) -> StopRule {
    let Some(mut inner) = map.map("stop") else {
        return StopRule::default();
    };
    inner.rename(format!("`stop` of {}", map.what()));
    let inside = |inner: &mut MapReader<'_>, key: &str, default: f64| {
        let value = inner.number(key).unwrap_or(default);
        if !(value > 0.0 && value < 1.0) {
            inner.error(
                "bad-value",
                key,
                format!("`{key}` is {value}; give a number between 0 and 1"),
            );
        }
        value
    };
    let ratio = inner.choice("rule", &["posterior", "likelihood_ratio"]).as_deref() == Some("likelihood_ratio");
    let foreign: &[&str] = if ratio { &["probability", "loss"] } else { &["delta"] };
    for key in foreign.iter().filter(|k| inner.has(k)) {
        let message = format!("`{key}` has no place in {}", inner.what());
        inner.error("bad-value", key, message);
    }
    inner.ignore(foreign);
    let rule = if ratio {
        StopRule::LikelihoodRatio {
            delta: inside(&mut inner, "delta", 0.05),
        }
    } else {
        let loss = inner.number("loss");
        if loss.is_some_and(|l| l < 0.0) {
            inner.error("bad-value", "loss", "`loss` is below 0");
        }
        StopRule::Posterior {
            probability: inside(&mut inner, "probability", 0.95),
            loss,
        }
    };
    inner.finish();
    rule
}
