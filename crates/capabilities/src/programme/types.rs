//! What the programme answers. Its JSON form is an interface.

use serde::{Deserialize, Serialize};
use steward_stats::meta::Meta;
use steward_stats::shrinkage::Shrunk;
use steward_stats::{Estimate, NotEstimable};

use crate::experiments::{Answer, ExperimentStatus, Outcome};
use crate::governance::Choice;

/// Which experiments; all given conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LibraryFilter {
    /// Words that name, title, hypothesis, verdict, owner, initiative or tags hold, each somewhere.
    pub search: Option<String>,
    /// The primary metric.
    pub metric: Option<String>,
    /// The owner.
    pub owner: Option<String>,
    /// The outcome as in a readout: `better`, `no_difference`, ….
    pub outcome: Option<String>,
}

impl LibraryFilter {
    /// Whether an entry fits.
    pub fn fits(&self, e: &Entry) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        let outcome = e.outcome.and_then(|o| serde_json::to_value(o).ok());
        let words = self.search.as_deref().unwrap_or_default().to_lowercase();
        let texts = [
            Some(&e.experiment),
            e.label.as_ref(),
            e.hypothesis.as_ref(),
            e.verdict.as_ref(),
            Some(&e.owner),
            e.initiative.as_ref(),
        ];
        let mut text = e.tags.join(" ");
        for part in texts.into_iter().flatten() {
            text.push(' ');
            text.push_str(part);
        }
        let text = text.to_lowercase();
        is(&self.metric, e.metric.as_deref())
            && is(&self.owner, Some(&e.owner))
            && is(&self.outcome, outcome.as_ref().and_then(|o| o.as_str()))
            && words.split_whitespace().all(|w| text.contains(w))
    }
}

/// One experiment: what it showed on its first primary metric, and what was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Name.
    pub experiment: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// What was believed.
    pub hypothesis: Option<String>,
    /// Initiative.
    pub initiative: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// It measures the sum of launches: its design is a holdout, or it is tagged `holdout`.
    #[serde(default)]
    pub holdout: bool,
    /// First moment, as defined.
    pub start: Option<String>,
    /// Last moment, exclusive.
    pub end: Option<String>,
    /// Where it stands in time.
    pub status: Option<ExperimentStatus>,
    /// The verdict for machines.
    pub outcome: Option<Outcome>,
    /// The verdict.
    pub verdict: Option<String>,
    /// First primary metric.
    pub metric: Option<String>,
    /// The variant of the verdict, else the first treatment.
    pub variant: Option<String>,
    /// Which way is good.
    pub direction: Option<String>,
    /// Relative lift of that metric in that variant.
    pub relative: Option<Answer>,
    /// Relative lift that it could have found with 80% power: the power actually reached.
    pub detectable_relative: Option<f64>,
    /// Guardrails harmed, over all variants.
    pub guardrails_harmed: u64,
    /// The split of units was not as planned.
    pub split_broken: bool,
    /// Its lifts may be read.
    pub trusted: bool,
    /// Units compared.
    pub units: u64,
    /// The last decision that settled something.
    pub decided: Option<Decided>,
    /// Evidence of the readout.
    pub evidence: Option<String>,
    /// Why it could not be read.
    pub problem: Option<String>,
}

/// A decision in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// What.
    pub choice: Choice,
    /// Which variant.
    pub variant: Option<String>,
    /// Who.
    pub by: String,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Event.
    pub sequence: u64,
}

/// What the programme taught.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Programme {
    /// In a few sentences.
    pub summary: String,
    /// Experiments that ended and could be read.
    pub ended: u64,
    /// Of those, with a verdict of better that can be trusted; share with Wilson's 95% interval.
    pub win_rate: Answer,
    /// Share of the ended whose split was broken.
    pub broken_splits: Answer,
    /// Share of the ended that harmed a guardrail.
    pub guardrails_harmed: Answer,
    /// Median relative lift that the ended could find with 80% power.
    pub median_detectable: Option<f64>,
    /// By metric, those with most experiments first.
    pub metrics: Vec<MetricLearning>,
    /// Evidence id.
    pub evidence: String,
}

/// One metric over all experiments that measured it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricLearning {
    /// Metric.
    pub metric: String,
    /// Which way is good; effects below are relative, and positive is good.
    pub direction: String,
    /// Effects by experiment.
    pub effects: Vec<Effect>,
    /// Experiments left out, and why.
    pub left_out: Vec<LeftOut>,
    /// Mean effect over experiments: random effects, Paule–Mandel, Hartung–Knapp.
    pub mean: Option<Meta>,
    /// Which effects the sums count: `shipped`, or `winners` (significantly positive) while nothing is shipped.
    pub counted: String,
    /// Sum of the counted effects as they were estimated; overstates.
    pub naive: Option<f64>,
    /// Sum of the counted effects after shrinkage (normal–normal, averaged over the spread between experiments).
    pub cumulative: Option<Estimate>,
    /// The two sums as they grew, in the order in which the counted experiments ended.
    #[serde(default)]
    pub path: Vec<Cumulative>,
    /// Naive over shrunk, where both are positive.
    pub overstatement: Option<f64>,
    /// Mean power of these experiments on effects of their own kind.
    pub mean_power: Option<f64>,
    /// Of those significantly positive, the share expected to be 0 or worse.
    pub false_winners: Option<f64>,
    /// Holdouts, which measured the sum itself.
    pub holdouts: Vec<Effect>,
    /// Why nothing is summed.
    pub not_estimable: Option<NotEstimable>,
}

/// The sums after an experiment ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cumulative {
    /// The experiment that was counted last.
    pub experiment: String,
    /// Its end, as defined; its last exposure would be the day before.
    pub end: Option<String>,
    /// Sum of the effects so far as they were estimated.
    pub naive: f64,
    /// Sum of the effects so far after shrinkage, by all that is known now.
    pub shrunk: Estimate,
}

/// The effect of one experiment on a metric, relative, positive is good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Experiment.
    pub experiment: String,
    /// Variant.
    pub variant: String,
    /// `primary`, `secondary` or `guardrail`.
    pub role: crate::experiments::Role,
    /// As estimated.
    pub point: f64,
    /// Standard error.
    pub se: f64,
    /// Interval of the readout.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Counted in the sums.
    pub counted: bool,
    /// After shrinkage.
    pub shrunk: Option<Shrunk>,
}

/// An experiment that measured a metric, and is not counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Experiment.
    pub experiment: String,
    /// Why.
    pub why: String,
}
