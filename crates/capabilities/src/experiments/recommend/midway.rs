//! Before the end: give an experiment up, plan more units, or go on.

use steward_definitions::Quorum;

use super::{Evidence, PROMISING, WANTED, said};
use crate::experiments::readout::{MetricReadout, Recommendation, Role};
use crate::experiments::verdict::percent;

/// Chance of showing the planned effect below which an experiment may be given up: whoever does so gives away at most a tenth
/// of its chances to miss the effect (Lan, Simon & Halperin 1982).
const FUTILE: f64 = 0.1;
/// The same without a planned effect, averaged over what the data leave possible.
const HOPELESS: f64 = 0.05;
/// Share of the plan before which a trend says too little.
const HALFWAY: f64 = 0.5;

impl Evidence<'_> {
    /// Before its end: give it up, plan more, or go on.
    pub(super) fn midway(&self, first: Option<&MetricReadout>) -> (Recommendation, String) {
        if let Some(m) = first
            && let Some(o) = &m.inference.outlook
            && self.futile()
        {
            let why = match (o.planned_effect, o.at_planned_effect) {
                (Some(effect), Some(chance)) => format!(
                    "{}: even if the {} planned for were there from now on, it would be shown with a chance of {}",
                    said(m),
                    percent(effect),
                    percent(chance)
                ),
                _ => format!(
                    "{}: the chance that an improvement is yet shown is {}",
                    said(m),
                    percent(o.predictive.unwrap_or(0.0))
                ),
            };
            return (
                Recommendation::DoNotShip,
                format!("{why}. Giving it up now cannot make a false winner, and costs little of its power."),
            );
        }
        if let Some(m) = first
            && let Some(o) = &m.inference.outlook
            && o.information_fraction >= HALFWAY
            && let (Some(trend), Some(times)) = (o.at_trend, o.times_for_power)
            && (PROMISING..WANTED).contains(&trend)
            && self.allowed(times)
        {
            // From a chance of one half on, more units do not raise the error (Chen, DeMets & Lan 2004).
            return (
                Recommendation::Extend,
                format!(
                    "{}: as it goes, the planned end shows it with a chance of {}. Planning {times:.2} times the units brings \
                     that to {}, and from a chance of a half on does not raise the error.",
                    said(m),
                    percent(trend),
                    percent(WANTED)
                ),
            );
        }
        let so_far = match &self.inference.next_look {
            Some(day) => format!("No planned look has crossed its boundary; the next is on {day}."),
            None => "It has not come to its planned end; a decision now would trust a passing moment.".into(),
        };
        let chances = first.and_then(|m| m.inference.outlook.as_ref()).map(|o| {
            let planned = match (o.planned_effect, o.at_planned_effect) {
                (Some(effect), Some(chance)) => {
                    format!(
                        "if the {} planned for are there, {}; ",
                        percent(effect),
                        percent(chance)
                    )
                }
                _ => String::new(),
            };
            let trend = o.at_trend.map_or("unknown".into(), percent);
            format!(" The chance of showing an improvement: {planned}as it goes, {trend}.")
        });
        (Recommendation::KeepRunning, so_far + &chances.unwrap_or_default())
    }

    /// No variant will likely be shown to be better.
    fn futile(&self) -> bool {
        let hopeless = |m: &&MetricReadout| {
            m.inference.outlook.as_ref().is_some_and(|o| match o.at_planned_effect {
                Some(chance) => chance < FUTILE,
                None => o.information_fraction >= HALFWAY && o.predictive.is_some_and(|p| p < HOPELESS),
            })
        };
        let variants: std::collections::BTreeSet<&str> = self.metrics.iter().map(|m| m.variant.as_str()).collect();
        variants.iter().all(|variant| {
            let mut mine = self
                .metrics
                .iter()
                .filter(|m| m.variant == *variant && m.role == Role::Primary)
                .filter(|m| m.absolute.estimate().is_some());
            match self.experiment.decide.primary {
                Quorum::Any => mine.clone().next().is_some() && mine.all(|m| hopeless(&m)),
                Quorum::All => mine.any(|m| hopeless(&m)),
            }
        })
    }

    /// Whether an experiment so many times as long stays within the longest time allowed.
    pub(super) fn allowed(&self, times: f64) -> bool {
        match (self.experiment.decide.longest_seconds, self.days) {
            (Some(longest), Some(days)) => days * times * 86_400.0 <= longest as f64,
            _ => true,
        }
    }
}
