//! Priorities, portfolios and dates. Money is in minor units of the project's currency.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_definitions::Work;
use steward_stats::Estimate;

/// An initiative by several yardsticks; `None` where its definition does not say what one needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Priority {
    /// Initiative.
    pub initiative: String,
    /// Human title.
    pub label: Option<String>,
    /// Sort of work.
    pub work: Work,
    /// Reach × impact × confidence / person-weeks.
    pub rice: Option<f64>,
    /// (Value + urgency + risk) / person-weeks.
    pub wsjf: Option<f64>,
    /// Cost of delay a week, over weeks of work (CD3).
    pub delay_per_week: Option<f64>,
    /// Expected value over the horizon at corrected probabilities.
    pub value: Option<f64>,
    /// Stated cost, its middle.
    pub cost: Option<f64>,
    /// Value less cost.
    pub net: Option<f64>,
    /// Stated probability of its first bet.
    pub stated: Option<f64>,
    /// What it has meant.
    pub corrected: Option<f64>,
    /// How the value comes about, in a sentence.
    pub because: String,
    /// Place by each yardstick, from 1.
    pub places: BTreeMap<String, usize>,
}

/// What to optimise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimiseOptions {
    /// Scenario of `steward.yaml`.
    pub scenario: Option<String>,
    /// Another budget, in minor units.
    pub budget_minor: Option<i64>,
    /// Draws of what nobody knows; 0: only the expected case.
    pub redraws: usize,
    /// Also the best value at other budgets.
    pub frontier: bool,
}

/// A chosen portfolio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Portfolio {
    /// Scenario; `None` is the project's own.
    pub scenario: Option<String>,
    /// In a few sentences.
    pub summary: String,
    /// Currency.
    pub currency: Option<String>,
    /// Money to spend.
    pub budget_minor: Option<i64>,
    /// Money that the chosen ones cost.
    pub spent: f64,
    /// Expected net value of the chosen ones.
    pub value: f64,
    /// No set is worth more.
    pub bound: f64,
    /// Every initiative that has a value, best first.
    pub items: Vec<PortfolioItem>,
    /// Initiatives left out, and why.
    pub left_out: Vec<(String, String)>,
    /// Skills.
    pub skills: Vec<SkillUse>,
    /// What 1,000 of the currency more would add.
    pub budget_price: Option<f64>,
    /// Draws.
    pub redraws: usize,
    /// Value by budget.
    pub frontier: Vec<FrontierPoint>,
    /// Stated probabilities were corrected by the calibration.
    pub corrected: bool,
}

/// An initiative in a portfolio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortfolioItem {
    /// Initiative.
    pub initiative: String,
    /// Human title.
    pub label: Option<String>,
    /// In the portfolio.
    pub chosen: bool,
    /// Share of redraws in which it is.
    pub funded: Option<f64>,
    /// Expected net value.
    pub net: f64,
    /// Expected cost.
    pub cost: f64,
    /// Initiatives that must be in with it.
    pub needs: Vec<String>,
}

/// A skill in a portfolio, in person-weeks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkillUse {
    /// Skill.
    pub skill: String,
    /// There is.
    pub capacity: f64,
    /// The chosen ones need.
    pub used: f64,
    /// All initiatives would need.
    pub wanted: f64,
    /// By initiative that is chosen.
    pub by: BTreeMap<String, f64>,
    /// What one more person-week would add.
    pub price: f64,
}

/// The best value that a budget buys.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontierPoint {
    /// Budget, in minor units.
    pub budget: f64,
    /// Net value.
    pub value: f64,
}

/// Dates of initiatives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// In a sentence.
    pub summary: String,
    /// First day forecast (ISO date).
    pub from: String,
    /// Whole weeks of history.
    pub weeks: u64,
    /// Items a week, mean.
    pub throughput: f64,
    /// Probability that the late dates are stated with.
    pub stated: f64,
    /// Share of such dates that held in the past, with 95% interval; `None` if it cannot be told.
    pub achieved: Option<Estimate>,
    /// Why not.
    pub no_backtest: Option<String>,
    /// In the order in which they are worked on.
    pub initiatives: Vec<DateForecast>,
    /// Initiatives without `items`, and so without date.
    pub undated: Vec<String>,
    /// What dropping each would bring.
    pub drops: Vec<Drop>,
}

/// When an initiative is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DateForecast {
    /// Initiative.
    pub initiative: String,
    /// Human title.
    pub label: Option<String>,
    /// Items that are left: 10th, 50th and 90th percentile.
    pub items: [f64; 3],
    /// Waits for these.
    pub depends_on: Vec<String>,
    /// Even odds (ISO date).
    pub half: String,
    /// 85% (ISO date).
    pub likely: String,
    /// 95% (ISO date).
    pub late: String,
    /// 15% (ISO date).
    pub early: String,
    /// Wanted by (ISO date).
    pub due: Option<String>,
    /// Probability of being done by then.
    pub by_due: Option<f64>,
}

/// What leaving an initiative out would bring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drop {
    /// Initiative; those that wait for it go with it.
    pub initiatives: Vec<String>,
    /// Days by which the rest is done sooner, at even odds.
    pub days: f64,
    /// Expected net value that is lost; `None` where it has none.
    pub value: Option<f64>,
}
