//! A definition's promises in words: what two versions of it are compared by.

use steward_definitions::{Alternative, Design, EffectScale, Experiment, InferenceMethod, Looks, MetricUse, Spending};

use super::PlannedTerm;
use crate::experiments::recommend::rule;
use crate::experiments::verdict::percent;

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Stable code.
    pub code: &'static str,
    /// For people.
    pub title: &'static str,
    /// In words.
    pub value: String,
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}

/// `72 h`, `28 d`.
fn length(seconds: u64) -> String {
    match seconds {
        s if s % 86_400 == 0 && s > 0 => format!("{} d", s / 86_400),
        s if s % 3600 == 0 && s > 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 && s > 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

fn method(e: &Experiment) -> String {
    let unit = |scale: EffectScale| match scale {
        EffectScale::Relative => "relative",
        EffectScale::Absolute => "absolute",
    };
    let method = match &e.inference.method {
        InferenceMethod::Fixed => "one test at the end".to_string(),
        InferenceMethod::GroupSequential { spending, looks } => {
            let looks = match looks {
                Looks::Number(n) => format!("{n} even looks"),
                Looks::Fractions(all) => {
                    let all: Vec<String> = all.iter().map(|f| percent(*f)).collect();
                    format!("looks at {}", all.join(", "))
                }
                Looks::Moments(all) => format!("looks on {}", all.join(", ")),
            };
            let spending = match spending {
                Spending::ObrienFleming => "O'Brien–Fleming".to_string(),
                Spending::Pocock => "Pocock".to_string(),
                Spending::KimDemets { rho } => format!("Kim–DeMets {rho}"),
            };
            format!("group sequential, {looks}, {spending}")
        }
        InferenceMethod::AlwaysValid { tuned_for } => match tuned_for {
            Some(units) => format!("confidence sequence, tightest at {units} units"),
            None => "confidence sequence".into(),
        },
        InferenceMethod::Msprt { tau, scale } => format!("mSPRT, tau {tau} {}", unit(*scale)),
        InferenceMethod::Bayesian { prior } => {
            format!("Bayesian, prior {} ± {} {}", prior.mean, prior.sd, unit(prior.scale))
        }
    };
    let sides = match e.inference.alternative {
        Alternative::TwoSided => "two-sided",
        Alternative::Greater => "only better counts",
        Alternative::Less => "only worse counts",
    };
    match e.inference.planned_units {
        Some(units) => format!("{method}, {sides}, {units} units planned"),
        None => format!("{method}, {sides}"),
    }
}

fn population(e: &Experiment) -> String {
    let x = &e.exposures;
    let mut text = format!("{} of {} (unit {})", x.entity, x.dataset, x.unit);
    if let Some(filter) = &x.filter {
        text.push_str(&format!(", where {}", filter.trim()));
    }
    if let Some(trigger) = &e.trigger {
        text.push_str(&format!(", triggered by {}", said(trigger)));
    }
    text
}

/// Anything that a definition holds, as compact JSON without where it stands.
fn said<T: serde::Serialize>(value: &T) -> String {
    fn plain(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(map) => {
                map.retain(|key, value| key != "span" && !value.is_null());
                map.values_mut().for_each(plain);
            }
            serde_json::Value::Array(all) => all.iter_mut().for_each(plain),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(value).unwrap_or_default();
    plain(&mut value);
    value.to_string()
}

fn adjustment(e: &Experiment) -> String {
    let mut parts = vec![match e.cuped_days {
        0 => "none".to_string(),
        days => format!("CUPED, {days} d before"),
    }];
    if let Some(adjust) = &e.adjust {
        parts.push(said(adjust));
    }
    for (metric, anew) in &e.uses {
        if let Some(days) = anew.cuped_days {
            parts.push(format!("{metric} {days} d before"));
        }
    }
    parts.join(", ")
}

fn window(e: &Experiment) -> String {
    let mut parts = vec![e.window_seconds.map_or("until the end".to_string(), length)];
    for (metric, anew) in &e.uses {
        let plain = MetricUse {
            cuped_days: None,
            ..anew.clone()
        };
        if plain != MetricUse::default() {
            parts.push(format!("{metric} {}", said(&plain)));
        }
    }
    parts.join(", ")
}

fn duration(e: &Experiment) -> String {
    match (&e.start, &e.end) {
        (Some(start), Some(end)) => format!("{start} to {end}"),
        (Some(start), None) => format!("from {start} on"),
        (None, Some(end)) => format!("until {end}"),
        (None, None) => "open".into(),
    }
}

/// Everything that two versions are compared by, but for what their metrics mean.
pub fn terms(e: &Experiment) -> Vec<Term> {
    let term = |code, title, value| Term { code, title, value };
    let variants: Vec<String> = e
        .variants
        .iter()
        .map(|v| format!("{} {}{}", v.name, v.weight, if v.control { " (control)" } else { "" }))
        .collect();
    let guardrails: Vec<String> = e
        .guardrails
        .iter()
        .map(|g| format!("{} within {}", g.metric, percent(g.margin)))
        .collect();
    let design = match &e.design {
        Design::Units => "units".to_string(),
        design => format!("{} {}", design.word(), said(design)),
    };
    let mut decision = rule(e);
    if let Some(least) = e.decide.minimum_effect {
        decision.push_str(&format!(" Worth having: {}.", percent(least)));
    }
    if let Some(longest) = e.decide.longest_seconds {
        decision.push_str(&format!(" At most {}.", length(longest)));
    }
    vec![
        term("primary", "Primary metrics", listed(&e.primary)),
        term("secondary", "Secondary metrics", listed(&e.secondary)),
        term("guardrails", "Guardrails", listed(&guardrails)),
        term("method", "Method", method(e)),
        term("alpha", "Level", e.alpha.to_string()),
        term("correction", "Correction", e.correction.clone()),
        term("adjustment", "Adjustment", adjustment(e)),
        term("window", "Window", window(e)),
        term("design", "Design", design),
        term("variants", "Variants", variants.join(", ")),
        term("population", "Population", population(e)),
        term("duration", "Duration", duration(e)),
        term("decision_rule", "Decision rule", decision),
        term("breakdowns", "Breakdowns", listed(&e.breakdowns)),
    ]
}

/// Promises beside what is so now.
pub fn beside(planned: &[Term], now: &[Term]) -> Vec<PlannedTerm> {
    planned
        .iter()
        .zip(now)
        .map(|(planned, now)| PlannedTerm {
            code: planned.code.into(),
            title: planned.title.into(),
            planned: planned.value.clone(),
            now: now.value.clone(),
        })
        .collect()
}
