//! Rules of a flag.

use super::flag::{Values, read_prerequisites};
use super::targeting::{moment_of, range_of, share_of};
use crate::decode::{MapReader, moment};
use crate::flags::condition;
use crate::project::Kind;
use crate::yaml::Value;
use crate::{Arm, Diagnostic, FlagRule, Guard, OnHarm, Ramp, RampStep, Serve, Slice, Split};

/// How far shares may be from 1 in sum: three times 0.333 is meant as a whole.
const TOLERANCE: f64 = 0.0011;

pub(super) fn read(map: &mut MapReader<'_>, values: &Values, flag: &str) -> Vec<FlagRule> {
    let mut rules: Vec<FlagRule> = Vec::new();
    for mut inner in map.maps("rules") {
        let name = inner.text("rule").unwrap_or_else(|| format!("rule{}", rules.len() + 1));
        inner.rename(format!("the rule `{name}` of the flag `{flag}`"));
        let rule = rule(&mut inner, values, flag, name);
        if rules.iter().any(|r| r.name == rule.name) {
            let problem = Diagnostic::error(
                "duplicate-name",
                inner.span(),
                format!("the rule `{}` is given twice", rule.name),
            );
            inner.decoder().report(problem.hint("give each its own `rule:` name"));
        }
        inner.finish();
        rules.push(rule);
    }
    rules
}

fn rule(map: &mut MapReader<'_>, values: &Values, flag: &str, name: String) -> FlagRule {
    let decoder = map.decoder();
    let when = map
        .get("when")
        .map(|n| condition::read(decoder, n, &format!("`when` of {}", map.what()), true));
    let attribute = |map: &mut MapReader<'_>, key: &str| {
        let label = format!("`{key}` of {}", map.what());
        map.get(key).and_then(|n| condition::hashed(map.decoder(), n, &label))
    };
    let by = attribute(map, "by");
    let fallback = attribute(map, "fallback");
    let hash_version = match map.get("hash_version").map(|n| (n, &n.value)) {
        None => 2,
        Some((_, Value::Int(v @ 1..=2))) => u8::try_from(*v).unwrap_or(2),
        Some((node, _)) => {
            decoder.bad_value(node, format!("`hash_version` is {}", node.describe()), "1 or 2");
            2
        }
    };
    let layer = map.map("layer").map(|mut inner| {
        let slice = Slice {
            layer: inner.required_name_of("name", Kind::Layer),
            range: inner
                .required("range")
                .and_then(|n| range_of(inner.decoder(), n, "`range`"))
                .unwrap_or([0.0, 1.0]),
        };
        inner.finish();
        slice
    });
    let rollout = share_of(map, "rollout");
    let (from, until) = (moment_of(map, "from"), moment_of(map, "until"));
    if let (Some(a), Some(b)) = (&from, &until)
        && moment(a) >= moment(b)
    {
        let problem = Diagnostic::error(
            "period",
            map.value_span("until"),
            format!("{} ends before it starts", map.what()),
        );
        decoder.report(problem.expected("an `until` (exclusive) after `from`"));
    }
    let split = map.has("split") || map.has("experiment") || map.has("bandit");
    let (foreign, needs): (&[&str], _) = if split {
        (&["value", "variant", "range", "ramp"], "a rule without `split`")
    } else {
        (
            &[
                "key",
                "ranges",
                "namespace",
                "sticky",
                "bucket_version",
                "min_bucket_version",
            ],
            "a rule with `split`",
        )
    };
    map.ignore(foreign);
    for key in foreign.iter().filter(|k| map.has(k)) {
        let problem = Diagnostic::error(
            "bad-value",
            map.value_span(key),
            format!("`{key}` has no place in {}", map.what()),
        );
        decoder.report(problem.expected(needs));
    }
    let (ramp, of_ramp) = map.map("ramp").map(read_ramp).unzip();
    let guarded_by = read_guard(map);
    if guarded_by.is_some() && of_ramp.as_ref().is_some_and(Option::is_some) {
        map.error(
            "bad-value",
            "guarded_by",
            format!("{} is guarded twice: leave `guarded_by` out of the ramp", map.what()),
        );
    }
    let serve = if split {
        Serve::Split(read_split(map, values, flag))
    } else {
        read_value(map, values, ramp)
    };
    if let (Serve::Value { range: Some(_), .. } | Serve::Value { ramp: Some(_), .. }, Some(_)) = (&serve, rollout) {
        map.error(
            "bad-value",
            "rollout",
            format!("{} has `rollout` beside `range` or `ramp`", map.what()),
        );
    }
    FlagRule {
        name,
        when,
        segments: map.names_of("segments", Kind::Segment),
        not_segments: map.names_of("not_segments", Kind::Segment),
        prerequisites: read_prerequisites(map),
        from,
        until,
        serve,
        by: by.unwrap_or_else(|| "id".to_owned()),
        fallback,
        seed: map.text("seed"),
        hash_version,
        coverage: rollout,
        layer,
        guarded_by: guarded_by.or(of_ramp.flatten()),
        span: map.span(),
    }
}

fn read_value(map: &mut MapReader<'_>, values: &Values, ramp: Option<Ramp>) -> Serve {
    let value = values.of(map);
    if value.is_none() && !map.has("variant") && !map.node().entries().iter().any(|e| e.key == "value") {
        let problem = Diagnostic::error("missing-key", map.span(), format!("{} serves nothing", map.what()));
        map.decoder().report(problem.expected("`value`, `variant` or `split`"));
    }
    let range = map.get("range").and_then(|n| range_of(map.decoder(), n, "`range`"));
    Serve::Value {
        value: value.unwrap_or_else(|| "null".to_owned()),
        range,
        ramp,
    }
}

fn read_ramp(mut map: MapReader<'_>) -> (Ramp, Option<Guard>) {
    let mut steps: Vec<RampStep> = Vec::new();
    map.required("steps");
    for mut inner in map.maps("steps") {
        inner.required("at");
        inner.required("coverage");
        let (at, coverage) = (moment_of(&mut inner, "at"), share_of(&mut inner, "coverage"));
        if let (Some(at), Some(coverage)) = (at, coverage) {
            if steps.last().is_some_and(|last| moment(&last.at) >= moment(&at)) {
                inner.error("period", "at", "the steps of a ramp are not in order of time");
            }
            steps.push(RampStep { at, coverage });
        }
        inner.finish();
    }
    let guard = read_guard(&mut map);
    map.finish();
    (Ramp { steps }, guard)
}

/// `guarded_by`: an experiment, or `{experiment, metrics, action}`.
fn read_guard(map: &mut MapReader<'_>) -> Option<Guard> {
    if !matches!(map.get("guarded_by")?.value, Value::Map(_)) {
        let experiment = map.name_of("guarded_by", Kind::Experiment)?;
        return Some(Guard {
            experiment,
            ..Guard::default()
        });
    }
    let mut inner = map.map("guarded_by")?;
    inner.rename(format!("`guarded_by` of {}", map.what()));
    let guard = Guard {
        experiment: inner.required_name_of("experiment", Kind::Experiment),
        metrics: inner.names_of("metrics", Kind::Metric),
        action: match inner.choice("action", &["freeze", "roll_back"]).as_deref() {
            Some("freeze") => OnHarm::Freeze,
            _ => OnHarm::RollBack,
        },
    };
    inner.finish();
    Some(guard)
}

fn read_split(map: &mut MapReader<'_>, values: &Values, flag: &str) -> Split {
    let decoder = map.decoder();
    let experiment = map.name_of("experiment", Kind::Experiment);
    let bandit = map.name_of("bandit", Kind::Bandit);
    if bandit.is_some() {
        for key in ["experiment", "ranges"].iter().filter(|k| map.has(k)) {
            map.error(
                "bad-value",
                key,
                format!("{} follows a bandit: `{key}` has no place in it", map.what()),
            );
        }
    }
    let key = map.text("key");
    let mut arms: Vec<Arm> = Vec::new();
    map.required("split");
    for mut inner in map.maps("split") {
        let name = inner.required_text("name");
        inner.rename(format!("the variant `{name}` of {}", map.what()));
        let value = values.of(&mut inner);
        if value.is_none() && !inner.has("variant") && !inner.node().entries().iter().any(|e| e.key == "value") {
            inner.required("value");
        }
        if arms.iter().any(|a| a.name == name) {
            decoder.error(
                "duplicate-name",
                inner.place(),
                format!("the variant `{name}` is listed twice"),
            );
        }
        let weight = share_of(&mut inner, "weight");
        if bandit.is_some() && weight.is_some() {
            inner.error(
                "bad-value",
                "weight",
                "the shares of a bandit follow its rewards: leave `weight` out",
            );
        }
        inner.finish();
        arms.push(Arm {
            name,
            value: value.unwrap_or_else(|| "null".to_owned()),
            weight: weight.unwrap_or(f64::NAN),
        });
    }
    if arms.len() < 2 && map.has("split") {
        map.error(
            "too-few-variants",
            "split",
            format!("{} splits between fewer than two variants", map.what()),
        );
    }
    shares(map, &mut arms);
    let ranges = map.get("ranges").map(|node| {
        let ranges: Vec<[f64; 2]> = decoder
            .list(node, "`ranges`")
            .iter()
            .filter_map(|n| range_of(decoder, n, "a range"))
            .collect();
        if ranges.len() != arms.len() {
            decoder.bad_value(
                node,
                format!("there are {} ranges for {} variants", ranges.len(), arms.len()),
                "one range per variant, in their order",
            );
        }
        let mut sorted = ranges.clone();
        sorted.sort_by(|a, b| a[0].total_cmp(&b[0]));
        if sorted.windows(2).any(|w| matches!(w, [a, b] if a[1] > b[0])) {
            decoder.bad_value(node, "the ranges overlap", "ranges that exclude each other");
        }
        ranges
    });
    let namespace = map.map("namespace").map(|mut inner| {
        let name = inner.required_text("name");
        let range = inner
            .required("range")
            .and_then(|n| range_of(inner.decoder(), n, "`range`"))
            .unwrap_or([0.0, 1.0]);
        inner.finish();
        (name, range[0], range[1])
    });
    let (bucket_version, min_bucket_version) = (
        map.count("bucket_version").unwrap_or(0),
        map.count("min_bucket_version").unwrap_or(0),
    );
    if min_bucket_version > bucket_version {
        map.error(
            "bad-value",
            "min_bucket_version",
            format!("{} excludes its own bucket version {bucket_version}", map.what()),
        );
    } else if min_bucket_version > 1_000 {
        map.error(
            "bad-value",
            "min_bucket_version",
            "more than 1000 older bucket versions",
        );
    }
    Split {
        key: key
            .or_else(|| experiment.clone())
            .or_else(|| bandit.clone())
            .unwrap_or_else(|| flag.to_owned()),
        experiment,
        bandit,
        arms,
        ranges,
        namespace,
        sticky: map.boolean("sticky").unwrap_or(false),
        bucket_version,
        min_bucket_version,
    }
}

/// Shares are given for all variants and sum to 1, or for none and are equal.
fn shares(map: &mut MapReader<'_>, arms: &mut [Arm]) {
    let given = arms.iter().filter(|a| !a.weight.is_nan()).count();
    if given == 0 {
        #[allow(clippy::cast_precision_loss)]
        let equal = 1.0 / arms.len() as f64;
        arms.iter_mut().for_each(|a| a.weight = equal);
        return;
    }
    if let Some(arm) = arms.iter().find(|a| a.weight.is_nan()) {
        map.error(
            "bad-value",
            "split",
            format!("{} gives weights, but none for `{}`", map.what(), arm.name),
        );
        return;
    }
    let sum: f64 = arms.iter().map(|a| a.weight).sum();
    if (sum - 1.0).abs() > TOLERANCE {
        let written: Vec<String> = arms.iter().map(|a| a.weight.to_string()).collect();
        let message = format!(
            "the weights of {} sum to {}, not to 1",
            map.what(),
            (sum * 1e6).round() / 1e6
        );
        let problem = Diagnostic::error("weights", map.value_span("split"), message);
        map.decoder().report(problem.hint(format!(
            "{} are shares: clients given other sums split equally; use `rollout` to include fewer units",
            written.join(", ")
        )));
    }
}
