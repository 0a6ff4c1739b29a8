//! `decide:` of an experiment: when it is shipped.

use crate::decode::{MapReader, share};
use crate::nearest::nearest;
use crate::{DecisionRule, Demand, Diagnostic, Experiment, InferenceMethod, Quorum, ShipCondition};

/// What may be asked of a metric.
pub(crate) const DEMANDS: [&str; 4] = ["better_by", "not_worse_than", "chance_to_win", "risk_below"];

/// Reads the block; what it leaves out is derived: a primary metric better, none worse, no guardrail harmed.
pub(super) fn read(map: &mut MapReader<'_>, experiment: &Experiment) -> DecisionRule {
    let Some(mut inner) = map.map("decide") else {
        return DecisionRule::default();
    };
    inner.rename(format!("`decide` of {}", map.what()));
    let primary = match inner.choice("primary", &["any", "all"]).as_deref() {
        Some("all") => Quorum::All,
        _ => Quorum::Any,
    };
    let guardrails = inner.choice("guardrails", &["not_harmed", "safe"]);
    let minimum_effect = share_of(&mut inner, "minimum_effect").filter(|x| {
        if *x == 0.0 {
            inner.error("bad-value", "minimum_effect", "`minimum_effect` is 0; it lies above");
        }
        *x > 0.0
    });
    let rule = DecisionRule {
        primary,
        guardrails_safe: guardrails.as_deref() == Some("safe"),
        ship_if: inner
            .maps("ship_if")
            .into_iter()
            .filter_map(|c| condition(c, experiment))
            .collect(),
        minimum_effect,
        longest_seconds: inner.duration_seconds("longest"),
    };
    inner.finish();
    rule
}

fn condition(mut map: MapReader<'_>, experiment: &Experiment) -> Option<ShipCondition> {
    let metric = map.required_text("metric");
    map.rename(format!("the condition on `{metric}`"));
    let known = || {
        let named = experiment.primary.iter().chain(&experiment.secondary);
        named.chain(experiment.guardrails.iter().map(|g| &g.metric))
    };
    if !metric.is_empty() && !known().any(|m| *m == metric) {
        let problem = Diagnostic::error(
            "unknown-metric",
            map.value_span("metric"),
            format!("the experiment does not measure `{metric}`"),
        );
        map.decoder().report(
            problem
                .expected("a metric that stands under `metrics` too")
                .did_you_mean(nearest(&metric, known().map(String::as_str))),
        );
    }
    let given: Vec<&str> = DEMANDS.into_iter().filter(|key| map.has(key)).collect();
    let mut demand = None;
    for key in DEMANDS {
        let Some(x) = share_of(&mut map, key) else { continue };
        demand = Some(match key {
            "better_by" => Demand::BetterBy(x),
            "not_worse_than" => Demand::NotWorseThan(x),
            "chance_to_win" => Demand::ChanceToWin(x),
            _ => Demand::RiskBelow(x),
        });
        let bayesian = matches!(experiment.inference.method, InferenceMethod::Bayesian { .. });
        if matches!(key, "chance_to_win" | "risk_below") && !bayesian {
            let problem = Diagnostic::error(
                "bad-value",
                map.value_span(key),
                format!("`{key}` needs the method `bayesian`"),
            );
            map.decoder()
                .report(problem.hint("choose it under `inference`, or ask for `better_by`"));
        }
    }
    if given.len() != 1 {
        let problem = Diagnostic::error(
            "missing-key",
            map.span(),
            format!("{} asks for {} things", map.what(), given.len()),
        );
        map.decoder()
            .report(problem.expected(format!("exactly {}", crate::decode::one_of(&DEMANDS))));
    }
    map.finish();
    Some(ShipCondition {
        metric,
        demand: demand.filter(|_| given.len() == 1)?,
    })
}

/// A share from 0 to 1: `2%` and 0.02 are the same.
fn share_of(map: &mut MapReader<'_>, key: &str) -> Option<f64> {
    let node = map.get(key)?;
    let text = map.decoder().text(node, &format!("`{key}`"))?;
    let found = share(&text);
    if found.is_none() {
        map.decoder().bad_value(
            node,
            format!("`{key}` is `{text}`"),
            "a share from 0 to 1, such as `0.02` or `2%`",
        );
    }
    found
}
