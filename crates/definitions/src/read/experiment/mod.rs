//! `experiments/`: randomised comparisons.

mod adjust;
mod decide;
mod design;
mod exposures;
mod inference;
mod measured;
mod metrics;
mod variants;

/// What experiments may say, for their schema too.
pub(crate) use inference::{ALTERNATIVES, CORRECTIONS, METHODS, SCALES, SPENDINGS};

use crate::decode::{Decoder, MapReader, Target, moment};
use crate::project::Kind;
use crate::semantic::measured::cuped;
use crate::yaml::Node;
use crate::{Diagnostic, Experiment, Settings};

/// Reads an experiment; problems go to the decoder.
pub(in crate::read) fn read(decoder: &Decoder, document: &Node, settings: &Settings) -> Option<Experiment> {
    let mut map = decoder.map(document, "an experiment")?;
    let meta = crate::read::meta(&mut map, Kind::Experiment, "experiment", settings);
    let mut experiment = Experiment {
        hypothesis: map.text("hypothesis"),
        exposures: exposures::read(&mut map, &meta.name),
        variants: variants::read(&mut map),
        start: read_moment(&mut map, "start"),
        end: read_moment(&mut map, "end"),
        window_seconds: read_window(&mut map),
        cuped_days: cuped(&mut map).unwrap_or(0),
        breakdowns: read_breakdowns(&mut map, &meta.name),
        alpha: read_alpha(&mut map).unwrap_or(settings.alpha),
        inference: inference::read(&mut map),
        initiative: map.name_of("initiative", Kind::Initiative),
        meta,
        ..Experiment::default()
    };
    experiment.design = design::read(&mut map, &experiment);
    experiment.trigger = measured::trigger(&mut map, &experiment.exposures.unit);
    experiment.adjust = adjust::read(&mut map, &experiment);
    metrics::read(&mut map, &mut experiment);
    experiment.correction = inference::correction(&mut map, &experiment.inference);
    experiment.decide = decide::read(&mut map, &experiment);
    check_period(&mut map, &experiment);
    inference::check_period(&map, &experiment);
    check_repeats(&mut map, "breakdowns", &experiment.breakdowns);
    map.finish();
    Some(experiment)
}

fn read_breakdowns(map: &mut MapReader<'_>, experiment: &str) -> Vec<String> {
    let names = map.placed_texts("breakdowns");
    for (name, place) in &names {
        let target = Target::Breakdown {
            experiment: experiment.to_owned(),
            dimension: name.clone(),
        };
        map.decoder().mention(target, *place, map.what());
    }
    names.into_iter().map(|(name, _)| name).collect()
}

fn read_moment(map: &mut MapReader<'_>, key: &str) -> Option<String> {
    let node = map.get(key)?;
    let text = map.decoder().text(node, &format!("`{key}`"))?;
    if moment(&text).is_none() {
        map.decoder().bad_value(
            node,
            format!("`{key}` is `{text}`"),
            "a day such as `2025-03-01` or a moment such as `2025-03-01T08:00:00Z`",
        );
        return None;
    }
    Some(text)
}

fn check_period(map: &mut MapReader<'_>, experiment: &Experiment) {
    let bounds = (
        experiment.start.as_deref().and_then(moment),
        experiment.end.as_deref().and_then(moment),
    );
    if let (Some(start), Some(end)) = bounds
        && start >= end
    {
        let problem = Diagnostic::error(
            "period",
            map.value_span("end"),
            format!("{} ends before it starts", map.what()),
        );
        map.decoder()
            .report(problem.expected("an `end` (exclusive) after `start`"));
    }
    if experiment.exposures.time.is_none() && experiment.exposures.span.line > 0 {
        for (key, given) in [
            ("window", experiment.window_seconds.is_some()),
            ("cuped", experiment.cuped_days > 0),
            ("trigger", experiment.trigger.is_some()),
        ] {
            if given {
                let problem = Diagnostic::error(
                    "needs-time",
                    map.value_span(key),
                    format!("`{key}` needs the time of exposure"),
                );
                map.decoder()
                    .report(problem.hint("name its column as `time:` under `exposures`, or leave this out"));
            }
        }
    }
}

fn read_window(map: &mut MapReader<'_>) -> Option<u64> {
    let seconds = map.duration_seconds("window")?;
    if seconds == 0 {
        map.error("bad-value", "window", "a window of no time holds no facts");
        return None;
    }
    Some(seconds)
}

fn read_alpha(map: &mut MapReader<'_>) -> Option<f64> {
    let node = map.get("alpha")?;
    let alpha = map.decoder().number(node, "`alpha`")?;
    if alpha > 0.0 && alpha < 1.0 {
        return Some(alpha);
    }
    map.decoder().bad_value(
        node,
        format!("`alpha` is {alpha}"),
        "a number between 0 and 1, such as 0.05",
    );
    None
}

fn check_repeats(map: &mut MapReader<'_>, key: &str, names: &[String]) {
    let mut seen = std::collections::BTreeSet::new();
    for (name, place) in names.iter().zip(map.placed_texts(key)) {
        if !seen.insert(name) {
            map.decoder()
                .error("listed-twice", place.1, format!("`{name}` is listed twice in `{key}`"));
        }
    }
}
