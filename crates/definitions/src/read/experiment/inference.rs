//! `inference:` of an experiment: its method, and the correction for several comparisons.

use crate::decode::{MapReader, moment, share};
use crate::yaml::{Node, Value};
use crate::{
    Alternative, Diagnostic, EffectPrior, EffectScale, Experiment, Inference, InferenceMethod, Looks, Spending,
};

/// Methods by name.
pub(crate) const METHODS: [&str; 5] = ["fixed", "group_sequential", "always_valid", "msprt", "bayesian"];
/// Corrections by name.
pub(crate) const CORRECTIONS: [&str; 6] = [
    "holm",
    "bonferroni",
    "benjamini-hochberg",
    "gatekeeping",
    "dunnett",
    "none",
];
/// Spending functions by name.
pub(crate) const SPENDINGS: [&str; 3] = ["obrien_fleming", "pocock", "kim_demets"];
/// Alternatives by name.
pub(crate) const ALTERNATIVES: [&str; 3] = ["two_sided", "greater", "less"];
/// Scales by name.
pub(crate) const SCALES: [&str; 2] = ["relative", "absolute"];

/// Most looks: each reads the data once more.
const MOST_LOOKS: u64 = 20;
/// Looks of a group sequential test that names none.
const USUAL_LOOKS: u64 = 4;

/// Reads the block; a word alone is a method with what is usual for it.
pub(super) fn read(map: &mut MapReader<'_>) -> Inference {
    let Some(node) = map.get("inference") else {
        return Inference::default();
    };
    if !matches!(node.value, Value::Map(_)) {
        let word = map.choice("inference", &METHODS);
        if word.as_deref() == Some("msprt") {
            let problem = Diagnostic::error("missing-key", map.value_span("inference"), "`msprt` needs a `tau`");
            map.decoder()
                .report(problem.expected("`{method: msprt, tau: 2%}`: the standard deviation of plausible effects"));
        }
        return Inference {
            method: word.map_or_else(InferenceMethod::default, |w| usual(&w)),
            ..Inference::default()
        };
    }
    let Some(mut inner) = map.map("inference") else {
        return Inference::default();
    };
    inner.rename(format!("`inference` of {}", map.what()));
    inner.required("method");
    let word = inner.choice("method", &METHODS).unwrap_or_else(|| "fixed".to_owned());
    let mut found = Inference {
        method: usual(&word),
        alternative: alternative(&mut inner, &word),
        planned_units: positive_count(&mut inner, "planned_units"),
    };
    // Read whatever the method: its keys are checked before it is said to be out of place.
    let given = read_prior(&mut inner);
    match &mut found.method {
        InferenceMethod::Fixed => {}
        InferenceMethod::GroupSequential { spending, looks } => {
            *spending = read_spending(&mut inner);
            if let Some(given) = read_looks(&mut inner) {
                *looks = given;
            }
        }
        InferenceMethod::AlwaysValid { tuned_for } => *tuned_for = positive_count(&mut inner, "tuned_for"),
        InferenceMethod::Msprt { tau, scale } => {
            inner.required("tau");
            *tau = size(&mut inner, "tau").unwrap_or(*tau);
            *scale = read_scale(&mut inner);
        }
        InferenceMethod::Bayesian { prior } => *prior = given,
    }
    others(&mut inner, &word);
    inner.finish();
    found
}

fn usual(word: &str) -> InferenceMethod {
    match word {
        "group_sequential" => InferenceMethod::GroupSequential {
            spending: Spending::default(),
            looks: Looks::Number(USUAL_LOOKS),
        },
        "always_valid" => InferenceMethod::AlwaysValid { tuned_for: None },
        "msprt" => InferenceMethod::Msprt {
            tau: 0.02,
            scale: EffectScale::default(),
        },
        "bayesian" => InferenceMethod::Bayesian {
            prior: EffectPrior::default(),
        },
        _ => InferenceMethod::Fixed,
    }
}

/// Keys of other methods are known, but wrong here.
fn others(map: &mut MapReader<'_>, method: &str) {
    let owners = [
        ("spending", "group_sequential"),
        ("rho", "group_sequential"),
        ("looks", "group_sequential"),
        ("tuned_for", "always_valid"),
        ("tau", "msprt"),
        ("scale", "msprt"),
        ("prior", "bayesian"),
    ];
    for (key, owner) in owners {
        map.ignore(&[key]);
        if owner != method && map.has(key) {
            let message = format!("`{key}` is for `{owner}`, and the method is `{method}`");
            let problem = Diagnostic::error("bad-value", map.value_span(key), message);
            map.decoder()
                .report(problem.hint("leave it out, or choose that method"));
        }
    }
}

fn alternative(map: &mut MapReader<'_>, method: &str) -> Alternative {
    let word = map.choice("alternative", &ALTERNATIVES);
    let found = match word.as_deref() {
        Some("greater") => Alternative::Greater,
        Some("less") => Alternative::Less,
        _ => Alternative::TwoSided,
    };
    if found != Alternative::TwoSided && matches!(method, "msprt" | "bayesian") {
        let hint = match method {
            "msprt" => "leave it out, or use `always_valid`, which has a one-sided form",
            _ => "leave it out: chance to win and risk have a direction of their own",
        };
        let problem = Diagnostic::error(
            "bad-value",
            map.value_span("alternative"),
            format!("`{method}` knows no one-sided alternative"),
        );
        map.decoder().report(problem.hint(hint));
        return Alternative::TwoSided;
    }
    found
}

fn read_spending(map: &mut MapReader<'_>) -> Spending {
    let word = map.choice("spending", &SPENDINGS);
    match word.as_deref() {
        Some("kim_demets") => {
            map.required("rho");
            let rho = map.number("rho").unwrap_or(3.0);
            if rho <= 0.0 {
                map.error(
                    "bad-value",
                    "rho",
                    format!("`rho` is {rho}; it lies above 0, such as 1 to 3"),
                );
                return Spending::default();
            }
            Spending::KimDemets { rho }
        }
        other => {
            if map.has("rho") {
                map.error("bad-value", "rho", "`rho` is for the spending `kim_demets`");
            }
            if other == Some("pocock") {
                Spending::Pocock
            } else {
                Spending::ObrienFleming
            }
        }
    }
}

fn read_looks(map: &mut MapReader<'_>) -> Option<Looks> {
    let node = map.get("looks")?;
    let expected = "a number from 2 to 20, rising shares such as `[25%, 50%, 1]`, or rising dates";
    let bad = |node: &Node, message: String| map.decoder().bad_value(node, message, expected);
    let Value::Seq(items) = &node.value else {
        let number = map.decoder().count(node, "`looks`")?;
        if !(2..=MOST_LOOKS).contains(&number) {
            bad(node, format!("`looks` is {number}"));
            return None;
        }
        return Some(Looks::Number(number));
    };
    if items.is_empty() || items.len() as u64 > MOST_LOOKS {
        bad(node, format!("`looks` has {} items", items.len()));
        return None;
    }
    let texts: Vec<(String, &Node)> = items
        .iter()
        .filter_map(|i| Some((map.decoder().text(i, "a look")?, i)))
        .collect();
    let fractions: Vec<f64> = texts.iter().filter_map(|(t, _)| share(t)).collect();
    let moments: Vec<_> = texts.iter().filter_map(|(t, _)| moment(t)).collect();
    let rises = |ordered: bool| {
        if !ordered {
            bad(node, "`looks` do not rise".to_owned());
        }
        ordered
    };
    if moments.len() == items.len() {
        let ordered = moments.windows(2).all(|w| w.first() < w.last());
        return rises(ordered).then(|| Looks::Moments(texts.into_iter().map(|(t, _)| t).collect()));
    }
    if fractions.len() == items.len() {
        let ordered = fractions.first().is_some_and(|f| *f >= 0.01)
            && fractions
                .windows(2)
                .all(|w| matches!(w, [a, b] if b - a >= 0.01 - 1e-12));
        return rises(ordered).then_some(Looks::Fractions(fractions));
    }
    let odd = texts.iter().find(|(t, _)| share(t).is_none() && moment(t).is_none());
    match odd {
        Some((text, node)) => bad(node, format!("the look `{text}` is neither a share nor a date")),
        None => bad(node, "`looks` mixes shares and dates".to_owned()),
    }
    None
}

fn read_prior(map: &mut MapReader<'_>) -> EffectPrior {
    let usual = EffectPrior::default();
    let Some(mut inner) = map.map("prior") else {
        return usual;
    };
    inner.rename("the prior");
    let scale = read_scale(&mut inner);
    let mean = match inner.has("mean") {
        true => signed_size(&mut inner, "mean").unwrap_or(0.0),
        false => 0.0,
    };
    inner.required("sd");
    let sd = size(&mut inner, "sd").unwrap_or(usual.sd);
    inner.finish();
    EffectPrior { scale, mean, sd }
}

fn read_scale(map: &mut MapReader<'_>) -> EffectScale {
    match map.choice("scale", &SCALES).as_deref() {
        Some("absolute") => EffectScale::Absolute,
        _ => EffectScale::Relative,
    }
}

/// A number, or a percentage.
fn signed_size(map: &mut MapReader<'_>, key: &str) -> Option<f64> {
    let node = map.get(key)?;
    let text = map.decoder().text(node, &format!("`{key}`"))?;
    let number = match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|x| x / 100.0),
        None => text.trim().parse(),
    };
    match number {
        Ok(x) if x.is_finite() => Some(x),
        _ => {
            map.decoder()
                .bad_value(node, format!("`{key}` is `{text}`"), "a number such as `0.02`, or `2%`");
            None
        }
    }
}

/// A number above 0, or a percentage.
fn size(map: &mut MapReader<'_>, key: &str) -> Option<f64> {
    let x = signed_size(map, key)?;
    if x > 0.0 {
        return Some(x);
    }
    map.error("bad-value", key, format!("`{key}` is {x}; it lies above 0"));
    None
}

fn positive_count(map: &mut MapReader<'_>, key: &str) -> Option<u64> {
    let n = map.count(key)?;
    if n > 0 {
        return Some(n);
    }
    map.error("bad-value", key, format!("`{key}` is 0; it counts units"));
    None
}

/// The correction for several comparisons, checked against the method.
pub(super) fn correction(map: &mut MapReader<'_>, inference: &Inference) -> String {
    let given = map.choice("correction", &CORRECTIONS);
    let fits = match (given.as_deref(), &inference.method) {
        (None | Some("none"), _) => true,
        (Some(_), InferenceMethod::Bayesian { .. }) => false,
        (Some("dunnett"), method) => *method == InferenceMethod::Fixed,
        _ => true,
    };
    if !fits {
        let problem = Diagnostic::error(
            "bad-value",
            map.value_span("correction"),
            format!(
                "`{}` cannot correct the method `{}`",
                given.as_deref().unwrap_or_default(),
                inference.method.word()
            ),
        );
        map.decoder().report(problem.hint(match inference.method {
            InferenceMethod::Bayesian { .. } => "leave it out: there are no p-values; a sceptical prior does the work",
            _ => "use `holm`, or the method `fixed`: Dunnett's test takes one look",
        }));
    }
    match (given, &inference.method) {
        (_, InferenceMethod::Bayesian { .. }) => "none".to_owned(),
        (Some(word), _) if fits => word,
        _ => "holm".to_owned(),
    }
}

/// A group sequential test needs its time laid out.
pub(super) fn check_period(map: &MapReader<'_>, experiment: &Experiment) {
    let InferenceMethod::GroupSequential { looks, .. } = &experiment.inference.method else {
        return;
    };
    let report = |message: String, hint: &str| {
        let problem = Diagnostic::error("needs-time", map.value_span("inference"), message);
        map.decoder().report(problem.hint(hint));
    };
    if experiment.exposures.time.is_none() && experiment.exposures.span.line > 0 {
        report(
            "`group_sequential` needs the time of exposure".to_owned(),
            "name its column as `time:` under `exposures`",
        );
    }
    let (Some(start), Some(end)) = (&experiment.start, &experiment.end) else {
        report(
            "`group_sequential` needs `start` and `end`".to_owned(),
            "give both: the looks are planned between them",
        );
        return;
    };
    if let Looks::Moments(all) = looks
        && let Some(outside) = all
            .iter()
            .find(|t| moment(t) <= moment(start) || moment(t) > moment(end))
    {
        report(
            format!("the look `{outside}` lies outside the experiment, {start} to {end}"),
            "look after `start` and not after `end`; the end, with the last window closed, is always the last look",
        );
    }
}
