//! What an experiment's lifts are adjusted for.

use crate::decode::{MapReader, Target};
use crate::project::Kind;
use crate::yaml::{Node, Value};
use crate::{Adjustment, Covariate, Design, Experiment, InferenceMethod, RobustVariance};

/// `adjust: {covariates: [{metric: revenue, before: 28d}, user__birth_year], strata: [user__country], variance: hc3}`.
pub(super) fn read(map: &mut MapReader<'_>, experiment: &Experiment) -> Option<Adjustment> {
    let mut inner = map.map("adjust")?;
    inner.rename(format!("`adjust` of {}", map.what()));
    let nodes = match inner.get("covariates") {
        Some(node) if matches!(node.value, Value::Seq(_)) => node.items(),
        Some(node) => std::slice::from_ref(node),
        None => &[],
    };
    let covariates: Vec<Covariate> = nodes
        .iter()
        .filter_map(|node| covariate(&inner, node, experiment))
        .collect();
    let strata = inner.placed_texts("strata");
    for (name, place) in &strata {
        mention(&inner, experiment, name, *place);
    }
    let strata: Vec<String> = strata.into_iter().map(|(name, _)| name).collect();
    let variance = match inner.choice("variance", &["hc2", "hc3"]).as_deref() {
        Some("hc3") => RobustVariance::Hc3,
        _ => RobustVariance::Hc2,
    };
    super::check_repeats(&mut inner, "strata", &strata);
    for (at, one) in covariates.iter().enumerate() {
        if covariates.iter().take(at).any(|known| known == one) {
            let place = nodes.get(at).map_or(inner.place(), |n| n.place);
            inner
                .decoder()
                .error("listed-twice", place, "a covariate is listed twice in `adjust`");
        }
    }
    if nodes.is_empty() && strata.is_empty() {
        map.error(
            "bad-value",
            "adjust",
            "`adjust` names neither `covariates` nor `strata`; for the metrics' own past alone, `cuped` is enough",
        );
    }
    if matches!(experiment.inference.method, InferenceMethod::GroupSequential { .. }) {
        map.error(
            "bad-value",
            "adjust",
            "`adjust` is made once, over all units, and a group sequential test looks several times: use `cuped`, or another method",
        );
    }
    if !matches!(experiment.design, Design::Units) {
        map.error(
            "bad-value",
            "adjust",
            format!(
                "under a {} design units are not compared one by one: leave out `adjust`",
                experiment.design.word()
            ),
        );
    }
    let timed = covariates.iter().any(|c| matches!(c, Covariate::Metric { .. }));
    if timed && experiment.exposures.time.is_none() && experiment.exposures.span.line > 0 {
        map.error(
            "needs-time",
            "adjust",
            "a metric before exposure needs the time of exposure: name its column as `time:` under `exposures`",
        );
    }
    inner.finish();
    Some(Adjustment {
        covariates,
        strata,
        variance,
    })
}

fn mention(inner: &MapReader<'_>, experiment: &Experiment, name: &str, place: crate::yaml::Place) {
    let target = Target::Breakdown {
        experiment: experiment.meta.name.clone(),
        dimension: name.to_owned(),
    };
    inner.decoder().mention(target, place, inner.what());
}

fn covariate(inner: &MapReader<'_>, node: &Node, experiment: &Experiment) -> Option<Covariate> {
    let decoder = inner.decoder();
    if !matches!(node.value, Value::Map(_)) {
        let dimension = decoder.text(node, "a covariate")?;
        mention(inner, experiment, &dimension, node.place);
        return Some(Covariate::Attribute { dimension });
    }
    let mut map = decoder.map(node, "a covariate")?;
    map.rename(format!("a covariate of {}", inner.what()));
    let metric = map.required_name_of("metric", Kind::Metric);
    map.required("before");
    let before_seconds = map.duration_seconds("before").unwrap_or(0);
    if before_seconds == 0 && map.has("before") {
        map.error("bad-value", "before", "no time before exposure holds no facts");
    }
    map.finish();
    (!metric.is_empty() && before_seconds > 0).then_some(Covariate::Metric { metric, before_seconds })
}
