//! What the room answers.

use serde::{Deserialize, Serialize};
use steward_stats::{Estimate, NotEstimable};

/// How a cost found who bears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A tag of the charge names the model.
    Tag,
    /// A meter tells who used the resource that day.
    Meter,
    /// A declared key shares it.
    Key,
    /// Nobody is known to bear it.
    Unallocated,
}

impl Rule {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Rule::Tag => "tag",
            Rule::Meter => "meter",
            Rule::Key => "key",
            Rule::Unallocated => "unallocated",
        }
    }
}

/// A part of the bill with who bears it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Month charged, `2025-10`.
    pub month: String,
    /// Who provides.
    pub vendor: String,
    /// What.
    pub service: String,
    /// Model; `None` is unallocated.
    pub model: Option<String>,
    /// The model's initiative.
    pub initiative: Option<String>,
    /// The model's team.
    pub team: Option<String>,
    /// How it was found.
    pub rule: Rule,
    /// On the invoice, minor units.
    pub billed_minor: i64,
    /// With commitments spread over what they covered, minor units.
    pub effective_minor: i64,
}

/// A bill, allocated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Bill.
    pub bill: String,
    /// Currency of every sum.
    pub currency: String,
    /// Charges before this day (ISO date).
    pub before: String,
    /// Charges that were read.
    pub charges: u64,
    /// All of it, by month, vendor, service and who bears it.
    pub lines: Vec<Line>,
    /// The whole bill as invoiced.
    pub billed_minor: i64,
    /// The whole bill with commitments spread.
    pub effective_minor: i64,
    /// Effective cost that nobody is known to bear.
    pub unallocated_minor: i64,
    /// Tags that name no model of the bill, with the effective cost that carries them; largest first.
    pub unknown_words: Vec<(String, i64)>,
    /// Evidence id.
    pub evidence: String,
}

/// A number that may be refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figure {
    /// An estimate.
    Estimate(Estimate),
    /// Why there is none.
    Refused {
        /// Why.
        not_estimable: NotEstimable,
    },
}

impl Figure {
    /// The estimate, if there is one.
    pub fn estimate(&self) -> Option<&Estimate> {
        match self {
            Figure::Estimate(e) => Some(e),
            Figure::Refused { .. } => None,
        }
    }
}

impl From<Result<Estimate, NotEstimable>> for Figure {
    fn from(result: Result<Estimate, NotEstimable>) -> Figure {
        match result {
            Ok(estimate) => Figure::Estimate(estimate),
            Err(not_estimable) => Figure::Refused { not_estimable },
        }
    }
}

/// A model's profit and loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelStatement {
    /// Model.
    pub model: String,
    /// Its initiative.
    pub initiative: Option<String>,
    /// Its team.
    pub team: Option<String>,
    /// The month that the statement is of: the last complete one, `2025-12`.
    pub month: String,
    /// Effective cost of that month, minor units.
    pub cost_minor: i64,
    /// Effective cost by month, oldest first.
    pub months: Vec<(String, i64)>,
    /// Of the month's cost, how much each rule brought: tag, meter, key.
    pub by_rule: Vec<(Rule, i64)>,
    /// Predictions of that month, where they are counted.
    pub predictions: Option<u64>,
    /// Minor units per 1,000 predictions.
    pub cost_per_thousand: Figure,
    /// Benefit of the month as signed, minor units, 80%.
    pub benefit: Figure,
    /// Who signed it, and when.
    pub signed: Option<(String, String)>,
    /// Benefit less cost, minor units, 80%.
    pub net: Figure,
    /// Predictions a month at which benefit and cost are even, if benefit grows with predictions and cost does not.
    pub break_even: Figure,
}

/// A cost that nobody expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Resource.
    pub resource: String,
    /// Its name.
    pub name: Option<String>,
    /// Who provides.
    pub vendor: String,
    /// Service.
    pub service: String,
    /// First day (ISO date).
    pub first: String,
    /// Last day that is out of line.
    pub last: String,
    /// Days out of line.
    pub days: u64,
    /// Effective cost of a day expected from the four weeks before, minor units.
    pub expected_minor: i64,
    /// Effective cost above what was expected, over all its days.
    pub excess_minor: i64,
    /// No charge of the resource was ever tagged: an orphan.
    pub orphan: bool,
    /// In a sentence, with what to do.
    pub words: String,
}

/// A budget against what was spent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetStatus {
    /// Budget.
    pub budget: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// What it covers, in words.
    pub covers: String,
    /// Currency.
    pub currency: String,
    /// Set aside.
    pub amount_minor: i64,
    /// First day.
    pub start: String,
    /// Last day.
    pub end: String,
    /// Effective cost so far, complete months and the running one.
    pub spent_minor: i64,
    /// Effective cost by complete month of the period.
    pub months: Vec<(String, i64)>,
    /// Share of the period that has passed.
    pub elapsed: f64,
    /// Spend at the end of the period, minor units, 80%.
    pub forecast: Figure,
    /// Probability that it suffices.
    pub probability: Option<f64>,
    /// In a sentence.
    pub verdict: String,
}

/// What to do about a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Let it renew, or renew it.
    Renew,
    /// Ask for less, or for a better price.
    Renegotiate,
    /// Give notice.
    Cancel,
    /// The numbers do not say.
    NoEvidence,
}

impl Advice {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Advice::Renew => "renew",
            Advice::Renegotiate => "renegotiate",
            Advice::Cancel => "cancel",
            Advice::NoEvidence => "no evidence",
        }
    }
}

/// A contract as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContractStatus {
    /// Contract.
    pub contract: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// Supplier.
    pub supplier: String,
    /// First day of the term that runs.
    pub term_start: String,
    /// First day after it.
    pub term_end: String,
    /// Whether the contract is over.
    pub ended: bool,
    /// Renews itself at the end of the term.
    pub tacit: bool,
    /// Day by which notice must be given for the next end that can still be had.
    pub notice_by: Option<String>,
    /// That end.
    pub notice_end: Option<String>,
    /// Days until notice is due.
    pub days_to_notice: Option<i64>,
    /// Minor units a year.
    pub annual_cost_minor: Option<i64>,
    /// Promised a year.
    pub commitment_minor: Option<i64>,
    /// Billed by the supplier in the last twelve complete months.
    pub used_minor: Option<i64>,
    /// Used over committed.
    pub utilisation: Option<f64>,
    /// Value of its data a year by leaving them out, minor units, 95%.
    pub value: Option<Figure>,
    /// What the numbers say.
    pub advice: Advice,
    /// In a sentence.
    pub words: String,
    /// Why usage or value could not be had.
    pub problem: Option<String>,
}
