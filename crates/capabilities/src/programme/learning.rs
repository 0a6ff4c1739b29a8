//! From readouts to what they taught together.

use std::collections::BTreeMap;

use steward_definitions::{Direction, Project};
use steward_stats::meta::{Between, combine};
use steward_stats::programme::programme as sum;
use steward_stats::shrinkage::Prior;
use steward_stats::{Moments, dist, one_sample};

use super::Read;
use super::types::*;
use crate::experiments::{Answer, ExperimentStatus, Outcome, Readout};
use crate::governance::Choice;

/// Coverage of intervals.
const LEVEL: f64 = 0.95;

/// All that can be learnt.
pub fn programme(project: &Project, read: &Read, entries: &[Entry], alpha: f64) -> Programme {
    let ended: Vec<&Entry> = entries
        .iter()
        .filter(|e| e.status == Some(ExperimentStatus::Ended) && e.units > 0 && !e.holdout)
        .collect();
    let win_rate = share(&ended, |e| e.outcome == Some(Outcome::Better));
    let mut detectable: Vec<f64> = ended.iter().filter_map(|e| e.detectable_relative).collect();
    detectable.sort_by(f64::total_cmp);
    let median = |all: &[f64]| match (all.len(), all.get(all.len() / 2)) {
        (0, _) | (_, None) => None,
        (n, Some(high)) if n % 2 == 0 => all.get(n / 2 - 1).map(|low| 0.5 * (low + high)),
        (_, Some(middle)) => Some(*middle),
    };
    let mut by_metric: BTreeMap<&str, usize> = BTreeMap::new();
    for readout in read.values().flatten() {
        for metric in readout.metrics.iter().map(|m| m.metric.as_str()) {
            *by_metric.entry(metric).or_default() += 1;
        }
    }
    let mut names: Vec<(&str, usize)> = by_metric.into_iter().collect();
    names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let metrics: Vec<MetricLearning> = names
        .into_iter()
        .map(|(metric, _)| learn(project, metric, read, entries, alpha))
        .filter(|m| m.effects.len() >= 2 || !m.holdouts.is_empty())
        .collect();
    let median_detectable = median(&detectable);
    Programme {
        summary: summary(&ended, &win_rate, median_detectable, &metrics),
        ended: ended.len() as u64,
        win_rate,
        broken_splits: share(&ended, |e| e.split_broken),
        guardrails_harmed: share(&ended, |e| e.guardrails_harmed > 0),
        median_detectable,
        metrics,
        evidence: String::new(),
    }
}

/// A share of experiments with Wilson's interval.
fn share(of: &[&Entry], is: impl Fn(&Entry) -> bool) -> Answer {
    let mut moments = Moments::empty(1);
    for entry in of {
        moments.push(&[f64::from(u8::from(is(entry)))]);
    }
    one_sample::proportion(&moments, 0, LEVEL).into()
}

fn learn(project: &Project, metric: &str, read: &Read, entries: &[Entry], alpha: f64) -> MetricLearning {
    let direction = project.metrics.get(metric).map(|m| m.experiment.direction);
    let sign = if direction == Some(Direction::Decrease) {
        -1.0
    } else {
        1.0
    };
    let mut out = MetricLearning {
        metric: metric.into(),
        direction: if sign < 0.0 { "decrease" } else { "increase" }.into(),
        effects: Vec::new(),
        left_out: Vec::new(),
        mean: None,
        counted: "winners".into(),
        naive: None,
        cumulative: None,
        path: Vec::new(),
        overstatement: None,
        mean_power: None,
        false_winners: None,
        holdouts: Vec::new(),
        not_estimable: None,
    };
    for entry in entries {
        let Some(Ok(readout)) = read.get(&entry.experiment) else {
            continue;
        };
        let Some(found) = effect(readout, entry, metric, sign) else {
            continue;
        };
        let reason = if !entry.trusted {
            Err("its readout is not to be trusted".to_string())
        } else if entry.status != Some(ExperimentStatus::Ended) {
            Err("it has not ended".to_string())
        } else {
            found
        };
        match reason {
            Ok(found) if entry.holdout => out.holdouts.push(found),
            Ok(found) => out.effects.push(found),
            Err(why) => out.left_out.push(LeftOut {
                experiment: entry.experiment.clone(),
                why,
            }),
        }
    }
    let shipped = out.effects.iter().any(|e| e.counted);
    if shipped {
        out.counted = "shipped".into();
    }
    let points: Vec<f64> = out.effects.iter().map(|e| e.point).collect();
    let errors: Vec<f64> = out.effects.iter().map(|e| e.se).collect();
    out.mean = combine(&points, &errors, Between::PauleMandel, true, LEVEL).ok();
    let marks: Vec<bool> = out.effects.iter().map(|e| e.counted).collect();
    let marks = shipped.then_some(marks.as_slice());
    match sum(&points, &errors, marks, Prior::DuMouchel, alpha, LEVEL) {
        Err(e) => out.not_estimable = Some(e),
        Ok(found) => {
            let z = dist::normal_isf(alpha / 2.0);
            let mut false_winners = Vec::new();
            for (effect, shrunk) in out.effects.iter_mut().zip(found.effects) {
                let winner = effect.point > z * effect.se;
                if winner {
                    false_winners.push(1.0 - shrunk.positive);
                }
                effect.counted = if shipped { effect.counted } else { winner };
                effect.shrunk = Some(shrunk);
            }
            let n = false_winners.len() as f64;
            out.false_winners = (n > 0.0).then(|| false_winners.iter().sum::<f64>() / n);
            out.naive = (found.counted > 0).then_some(found.naive);
            out.cumulative = found.cumulative;
            out.overstatement = found.overstatement;
            out.mean_power = Some(found.mean_power);
            out.path = path(&out.effects, entries, &points, &errors, alpha);
        }
    }
    out
}

/// How the sums grew.
fn path(effects: &[Effect], entries: &[Entry], points: &[f64], errors: &[f64], alpha: f64) -> Vec<Cumulative> {
    let end = |e: &Effect| {
        entries
            .iter()
            .find(|x| x.experiment == e.experiment)
            .and_then(|x| x.end.clone())
    };
    let mut order: Vec<(Option<String>, usize)> = Vec::new();
    for (i, e) in effects.iter().enumerate().filter(|(_, e)| e.counted) {
        order.push((end(e), i));
    }
    order.sort();
    let mut marks = vec![false; effects.len()];
    let mut all = Vec::new();
    for (end, i) in order {
        if let Some(mark) = marks.get_mut(i) {
            *mark = true;
        }
        let found = sum(points, errors, Some(&marks), Prior::DuMouchel, alpha, LEVEL);
        if let (Ok(found), Some(e)) = (found, effects.get(i))
            && let Some(shrunk) = found.cumulative
        {
            all.push(Cumulative {
                experiment: e.experiment.clone(),
                end,
                naive: found.naive,
                shrunk,
            });
        }
    }
    all
}

/// The effect of an experiment on a metric; `None` if it did not measure it.
fn effect(readout: &Readout, entry: &Entry, metric: &str, sign: f64) -> Option<Result<Effect, String>> {
    let shipped = entry.decided.as_ref().filter(|d| d.choice == Choice::Ship);
    let variant = shipped.and_then(|d| d.variant.as_deref()).or(entry.variant.as_deref());
    let found = readout
        .metrics
        .iter()
        .find(|m| m.metric == metric && variant.is_none_or(|v| v == m.variant))?;
    Some(match &found.relative {
        Answer::Estimate(e) if e.se > 0.0 => Ok(Effect {
            experiment: entry.experiment.clone(),
            variant: found.variant.clone(),
            role: found.role,
            point: sign * e.point,
            se: e.se,
            low: if sign < 0.0 { -e.high } else { e.low },
            high: if sign < 0.0 { -e.low } else { e.high },
            counted: shipped.is_some(),
            shrunk: None,
        }),
        Answer::Estimate(_) => Err("its standard error is 0".into()),
        Answer::Refused { not_estimable } => Err(not_estimable.detail.clone()),
    })
}

fn percent(x: f64) -> String {
    format!("{:+.1}%", 100.0 * x).replace('-', "−")
}

fn summary(ended: &[&Entry], wins: &Answer, detectable: Option<f64>, metrics: &[MetricLearning]) -> String {
    let mut text = match wins.estimate() {
        Some(e) => format!(
            "{} of {} experiments that ended won ({:.0}% to {:.0}% of further ones would).",
            (e.point * ended.len() as f64).round(),
            ended.len(),
            100.0 * e.low,
            100.0 * e.high
        ),
        None => "No experiment has ended yet.".into(),
    };
    if let Some(d) = detectable {
        text.push_str(&format!(
            " Half of them could not have found a lift below {:.1}% with 80% power.",
            100.0 * d
        ));
    }
    let summed = metrics.iter().find(|m| m.cumulative.is_some() && m.naive.is_some());
    if let Some((m, sum, naive)) = summed.and_then(|m| Some((m, m.cumulative.as_ref()?, m.naive?))) {
        text.push_str(&format!(
            " On {}, the {} sum to {} as estimated, and to {} ({} to {}) after shrinkage.",
            m.metric,
            m.counted,
            percent(naive),
            percent(sum.point),
            percent(sum.low),
            percent(sum.high)
        ));
    }
    text
}
