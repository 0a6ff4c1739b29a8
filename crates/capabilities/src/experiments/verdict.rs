//! The verdict: what a product manager should take away, in a sentence or two, the sample-ratio check first.

use super::checks::FORBIDDING;
use super::health::split;
use super::readout::{
    Answer, Arm, ExperimentInference, ExperimentStatus, GuardrailState, Health, MetricReadout, Outcome, Problem, Role,
};
use super::window::Window;
use steward_stats::Estimate;
use steward_stats::novelty::Pattern;

/// A verdict.
pub struct Verdict {
    /// For machines.
    pub outcome: Outcome,
    /// The variant spoken of.
    pub variant: Option<String>,
    /// For people.
    pub sentence: String,
}

/// A p-value for people: `p = 0.012`, `p = 3.1e-12`, `p < 1e-300`.
pub fn p_value(p: f64) -> String {
    if p >= 0.001 {
        format!("p = {}", significant(p, 2))
    } else if p >= 1e-300 {
        format!("p = {p:.1e}")
    } else {
        "p < 1e-300".into()
    }
}

/// A number with so many significant digits, without an exponent.
pub fn significant(x: f64, digits: i32) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    let magnitude = x.abs().log10().floor() as i32;
    let decimals = (digits - 1 - magnitude).clamp(0, 12) as usize;
    format!("{x:.decimals$}")
}

pub(super) fn percent(x: f64) -> String {
    // Three digits, at most two decimals: more would claim precision that no experiment has.
    let x = x * 100.0;
    if x.abs() >= 100.0 {
        format!("{x:.0}%")
    } else if x.abs() >= 10.0 {
        format!("{x:.1}%")
    } else {
        format!("{x:.2}%")
    }
}

fn signed(text: String) -> String {
    if text.starts_with('-') {
        text.replacen('-', "−", 1)
    } else {
        format!("+{text}")
    }
}

pub(super) fn title(m: &MetricReadout) -> &str {
    m.label.as_deref().unwrap_or(&m.metric)
}

/// `+4.52 points (10.6% → 15.1%; 95% interval +3.89 to +5.15)` or `+6.4% (95% interval +2.1% to +10.7%)`.
pub fn effect(m: &MetricReadout) -> Option<String> {
    let e = m.absolute.estimate()?;
    let level = (e.level * 1e4).round() / 100.0;
    let kind = if m.inference.posterior.is_some() {
        "credible interval"
    } else {
        "interval"
    };
    let interval = |show: &dyn Fn(f64) -> String, e: &Estimate| match (e.low.is_finite(), e.high.is_finite()) {
        (true, true) => format!("{level}% {kind} {} to {}", show(e.low), show(e.high)),
        (true, false) => format!("{level}% {kind} from {} up", show(e.low)),
        (false, true) => format!("{level}% {kind} up to {}", show(e.high)),
        (false, false) => "no bound yet".to_string(),
    };
    if m.statistic == "proportion" {
        let points = |x: f64| signed(format!("{:.2}", x * 100.0));
        let values = match (m.control_value.estimate(), m.variant_value.estimate()) {
            (Some(c), Some(v)) => format!("{} → {}; ", percent(c.point), percent(v.point)),
            _ => String::new(),
        };
        return Some(format!("{} points ({values}{})", points(e.point), interval(&points, e)));
    }
    Some(match m.relative.estimate() {
        Some(r) => {
            let share = |x: f64| signed(percent(x));
            format!("{} ({})", share(r.point), interval(&share, r))
        }
        None => {
            let number = |x: f64| signed(significant(x, 3));
            format!("{} ({})", number(e.point), interval(&number, e))
        }
    })
}

/// The lift with "up is good" as positive, relative if there is one.
pub fn goodness(m: &MetricReadout) -> f64 {
    let point = |a: &Answer| a.estimate().map(|e| e.point);
    let x = point(&m.relative).or_else(|| point(&m.absolute)).unwrap_or(0.0);
    if m.direction == "decrease" { -x } else { x }
}

fn probability(m: &MetricReadout) -> String {
    if let Some(posterior) = &m.inference.posterior {
        return format!("chance to win {}", percent(posterior.chance_to_win));
    }
    match (m.adjusted_p, m.absolute.estimate().and_then(|e| e.p)) {
        (Some(a), Some(p)) if a != p => format!("adjusted {}", p_value(a)),
        (_, Some(p)) => p_value(p),
        _ => "no p-value".into(),
    }
}

/// Which metrics of one treatment moved, and how.
struct Side<'a> {
    variant: &'a str,
    wins: Vec<&'a MetricReadout>,
    losses: Vec<&'a MetricReadout>,
    harmed: Vec<&'a MetricReadout>,
    first: Option<&'a MetricReadout>,
}

fn sides<'a>(arms: &'a [Arm], metrics: &'a [MetricReadout]) -> Vec<Side<'a>> {
    let of = |variant: &'a str| {
        let mine = || metrics.iter().filter(move |m| m.variant == variant);
        let primary = || mine().filter(|m| m.role == Role::Primary);
        Side {
            variant,
            wins: primary().filter(|m| m.significant && goodness(m) > 0.0).collect(),
            losses: primary().filter(|m| m.significant && goodness(m) < 0.0).collect(),
            harmed: mine().filter(|m| m.guardrail == Some(GuardrailState::Harmed)).collect(),
            first: primary().find(|m| m.absolute.estimate().is_some()),
        }
    };
    arms.iter().filter(|a| !a.control).map(|a| of(&a.variant)).collect()
}

fn listed(metrics: &[&MetricReadout]) -> String {
    let parts: Vec<String> = metrics
        .iter()
        .map(|m| format!("{} {}, {}", title(m), effect(m).unwrap_or_default(), probability(m)))
        .collect();
    parts.join("; ")
}

fn name(arms: &[Arm], variant: &str) -> String {
    let label = arms.iter().find(|a| a.variant == variant).and_then(|a| a.label.clone());
    label.unwrap_or_else(|| variant.to_string())
}

/// ` It is broken where platform is "android".`, if one segment explains it.
fn most_broken(health: &Health) -> String {
    match health.suspects.first() {
        Some(s) if s.explains => format!(" It comes from where {} is {:?}.", s.dimension, s.value),
        _ => String::new(),
    }
}

/// Reads the arms, their health and the metrics as one sentence.
pub fn verdict(
    arms: &[Arm],
    health: &Health,
    metrics: &[MetricReadout],
    window: &Window,
    end: Option<&str>,
    inference: &ExperimentInference,
) -> Verdict {
    let plain = |outcome, sentence: String| Verdict {
        outcome,
        variant: None,
        sentence,
    };
    if health.units == 0 {
        return match window.status {
            ExperimentStatus::NotStarted => plain(Outcome::NotStarted, "Not started yet.".into()),
            _ => plain(
                Outcome::NoData,
                "No data: no unit was exposed in any of the experiment's variants; check the exposures' dataset, filter \
                 and dates."
                    .into(),
            ),
        };
    }
    if health.srm.broken {
        return plain(
            Outcome::DoNotTrust,
            format!(
                "Do not trust this experiment: the split of units is not as planned ({}; {}). Find the cause before \
                 reading any lift.",
                split(arms),
                p_value(health.srm.p.unwrap_or(0.0))
            ) + &most_broken(health),
        );
    }
    let forbids = |p: &&Problem| p.severity == "error" && FORBIDDING.contains(&p.code.as_str());
    if let Some(found) = health.problems.iter().find(forbids) {
        return plain(
            Outcome::DoNotTrust,
            format!("Do not trust this experiment: {}.", found.message),
        );
    }
    let (control, treated): (Vec<&Arm>, Vec<&Arm>) = arms.iter().partition(|a| a.control);
    if control.iter().all(|a| a.units == 0) || treated.iter().all(|a| a.units == 0) {
        let seen: Vec<String> = arms
            .iter()
            .filter(|a| a.units > 0)
            .map(|a| format!("{:?} ({} units)", a.variant, a.units))
            .collect();
        return plain(
            Outcome::NoData,
            format!(
                "Nothing to compare: only {} has units. Check the variant column and its values.",
                seen.join(", ")
            ),
        );
    }
    let sides = sides(arms, metrics);
    if sides.iter().all(|s| s.first.is_none()) {
        let why = metrics
            .iter()
            .find(|m| m.role == Role::Primary)
            .and_then(|m| m.not_estimable.as_ref())
            .map_or("no primary metric is defined".to_string(), |e| {
                format!("{}; {}", e.detail, e.fix)
            });
        return plain(Outcome::NotEstimable, format!("No verdict: {why}."));
    }
    let mut found = judge(arms, &sides);
    if found.outcome == Outcome::Better {
        let fading = health
            .novelty
            .iter()
            .find(|n| Some(n.variant.as_str()) == found.variant.as_deref() && n.pattern == Some(Pattern::Novelty));
        if let Some(n) = fading {
            let expect = n
                .long_run
                .as_ref()
                .map_or("less".to_string(), |e| format!("about {}", signed(percent(e.point))));
            let sentence = format!(
                " But the lift of {} fades with time: expect {expect} in the long run.",
                n.metric
            );
            found.sentence.push_str(&sentence);
        }
        for t in health
            .tails
            .iter()
            .filter(|t| Some(t.variant.as_str()) == found.variant.as_deref())
        {
            if let Some(units) = t.hangs_on_few() {
                let sentence = format!(" But the lift of {} hangs on {units} of {} units.", t.metric, t.units);
                found.sentence.push_str(&sentence);
            } else if t.doubtful() {
                found
                    .sentence
                    .push_str(&format!(" But {} is too skewed for so few units.", t.metric));
            }
        }
    }
    if window.status == ExperimentStatus::Running {
        let day = match window.progress {
            Some((day, Some(of))) => format!("Still running (day {day} of {of})"),
            Some((day, None)) => format!("Still running (day {day}, no end set)"),
            None => "Still running".to_string(),
        };
        let until = match (inference.method.as_str(), inference.may_stop) {
            ("always_valid" | "msprt", _) => " The intervals hold whenever one looks and stops.".to_string(),
            ("group_sequential", true) => " A planned look has crossed its boundary: it may stop.".to_string(),
            ("group_sequential", false) => match &inference.next_look {
                Some(day) => format!(" No boundary is crossed; the next planned look is on {day}."),
                None => " No boundary is crossed.".to_string(),
            },
            _ => end.map_or(String::new(), |e| {
                format!(" Decide after {e}: stopping at a good moment overstates lifts.")
            }),
        };
        found.sentence = format!("{day}; so far: {}{until}", found.sentence);
    } else if health.units_immature > 0 {
        found.sentence.push_str(&format!(
            " {} of {} units are still within their window.",
            health.units_immature, health.units
        ));
    }
    found
}

fn judge(arms: &[Arm], sides: &[Side]) -> Verdict {
    let best = |of: &dyn Fn(&&Side) -> bool| -> Option<&Side> {
        sides.iter().filter(of).max_by(|a, b| {
            let value = |s: &Side| {
                s.wins
                    .first()
                    .or(s.first.as_ref())
                    .map_or(f64::NEG_INFINITY, |m| goodness(m))
            };
            value(a).total_cmp(&value(b))
        })
    };
    if let Some(s) = best(&|s| !s.wins.is_empty() && s.losses.is_empty() && s.harmed.is_empty()) {
        let others: Vec<String> = sides
            .iter()
            .filter(|o| o.variant != s.variant)
            .filter_map(|o| {
                Some(format!(
                    "{}: {} {}",
                    name(arms, o.variant),
                    title(o.first?),
                    effect(o.first?)?
                ))
            })
            .collect();
        let others = if others.is_empty() {
            String::new()
        } else {
            format!(" For comparison, {}.", others.join("; "))
        };
        return Verdict {
            outcome: Outcome::Better,
            variant: Some(s.variant.to_string()),
            sentence: format!("{} is better: {}.{others}", name(arms, s.variant), listed(&s.wins)),
        };
    }
    if let Some(s) = best(&|s| !s.harmed.is_empty()) {
        let wins = if s.wins.is_empty() {
            "no primary metric is better".into()
        } else {
            listed(&s.wins)
        };
        return Verdict {
            outcome: Outcome::GuardrailHarmed,
            variant: Some(s.variant.to_string()),
            sentence: format!(
                "{} harms a guardrail: {}; against that, {wins}.",
                name(arms, s.variant),
                listed(&s.harmed)
            ),
        };
    }
    if let Some(s) = best(&|s| !s.wins.is_empty()) {
        return Verdict {
            outcome: Outcome::Mixed,
            variant: Some(s.variant.to_string()),
            sentence: format!(
                "{} is mixed: better on {}, worse on {}.",
                name(arms, s.variant),
                listed(&s.wins),
                listed(&s.losses)
            ),
        };
    }
    let losing = sides.iter().filter(|s| !s.losses.is_empty()).min_by(|a, b| {
        let value = |s: &Side| s.losses.first().map_or(0.0, |m| goodness(m));
        value(a).total_cmp(&value(b))
    });
    if let Some(s) = losing {
        return Verdict {
            outcome: Outcome::Worse,
            variant: Some(s.variant.to_string()),
            sentence: format!("{} is worse: {}.", name(arms, s.variant), listed(&s.losses)),
        };
    }
    let parts: Vec<String> = sides
        .iter()
        .filter_map(|s| {
            let m = s.first?;
            let power = m.detectable_relative.map_or(String::new(), |d| {
                format!("; a lift of {} would show with 80% power", percent(d))
            });
            Some(format!(
                "{}: {} {}, {}{power}",
                name(arms, s.variant),
                title(m),
                effect(m)?,
                probability(m)
            ))
        })
        .collect();
    Verdict {
        outcome: Outcome::NoDifference,
        variant: None,
        sentence: format!("No difference shown. {}.", parts.join(". ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(significant(0.012345, 2), "0.012");
        assert_eq!(significant(1234.5, 3), "1234");
        assert_eq!(p_value(3.1e-12), "p = 3.1e-12");
        assert_eq!(p_value(0.0), "p < 1e-300");
        assert_eq!(percent(0.0642), "6.42%");
        assert_eq!(signed(percent(-0.1)), "−10.0%");
    }
}
