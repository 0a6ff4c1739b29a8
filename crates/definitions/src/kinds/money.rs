//! Bills, budgets and contracts: what things cost, what they may cost, and what was promised to suppliers.

use serde::{Deserialize, Serialize};

use crate::project::Meta;

/// Decimal places of a currency's minor unit by ISO 4217; 2 where none is known.
pub fn minor_digits(currency: Option<&str>) -> usize {
    match currency {
        Some("JPY" | "KRW" | "CLP" | "VND" | "ISK" | "XAF" | "XOF" | "XPF" | "UGX" | "PYG" | "RWF") => 0,
        Some("BHD" | "KWD" | "OMR" | "JOD" | "TND" | "IQD" | "LYD") => 3,
        _ => 2,
    }
}

/// A bill in the columns of FOCUS and how its costs are allocated to models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// Dataset with the charges; [`crate::BILLS`] where Steward keeps what was imported.
    pub dataset: String,
    /// Currency that all is converted to (ISO 4217).
    pub currency: String,
    /// What one unit of another currency is worth, by currency.
    pub rates: Vec<Rate>,
    /// Tags whose value names a model, in order of preference.
    pub model_tags: Vec<String>,
    /// Models that costs are allocated to.
    pub models: Vec<BilledModel>,
    /// Meters of shared resources.
    pub meters: Vec<Meter>,
    /// Declared keys, in order of preference.
    pub keys: Vec<DeclaredKey>,
    /// Where the predictions of models are counted.
    pub predictions: Vec<Predictions>,
}

/// An exchange rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Currency (ISO 4217).
    pub currency: String,
    /// Units of the bill's currency for one unit of it, as written.
    pub rate: String,
}

/// A model on the bill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BilledModel {
    /// Name.
    pub model: String,
    /// Other words by which tags and meters name it.
    pub also: Vec<String>,
    /// Initiative that it belongs to.
    pub initiative: Option<String>,
    /// Team that answers for it.
    pub team: Option<String>,
    /// What it is worth, signed.
    pub benefit: Option<Benefit>,
}

/// What a model is worth a month, as a named person signed it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Benefit {
    /// Minor units a month: 10th, 50th and 90th percentile.
    pub monthly_minor: [i64; 3],
    /// Who signed.
    pub signed_by: String,
    /// When (ISO date).
    pub signed_on: String,
}

/// A meter: who used a shared resource how much.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meter {
    /// Dataset of readings.
    pub dataset: String,
    /// Its column with the resource, as the bill's `ResourceId` names it.
    pub resource: String,
    /// Its column with the day.
    pub time: String,
    /// Its column that names the user: a model or one of its other words.
    pub user: String,
    /// Its column with the usage.
    pub usage: String,
}

/// Shares declared for charges that a column tells apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeclaredKey {
    /// Column of the bill.
    pub column: String,
    /// Its value.
    pub value: String,
    /// Who bears how much.
    pub shares: Vec<Share>,
}

/// A declared share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Model.
    pub model: String,
    /// Weight; weights need not sum to one.
    pub weight: u64,
}

/// Where a model's predictions are counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// Model.
    pub model: String,
    /// Dataset.
    pub dataset: String,
    /// Its column with the day or moment.
    pub time: String,
    /// Its column with the number of predictions; rows are counted without it.
    pub count: Option<String>,
}

/// Money set aside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// Bill that it is spent on.
    pub bill: String,
    /// Amount in minor units of the bill's currency.
    pub amount_minor: i64,
    /// First day (ISO date).
    pub start: String,
    /// Last day (ISO date).
    pub end: String,
    /// Only this team's models.
    pub team: Option<String>,
    /// Only this vendor.
    pub vendor: Option<String>,
    /// Only this model.
    pub model: Option<String>,
}

/// A contract with a supplier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// Supplier.
    pub supplier: String,
    /// First day (ISO date).
    pub start: String,
    /// Months of the first term; `None` if `end` says more.
    pub term_months: Option<u32>,
    /// First day after the first term, if that is no whole number of months.
    pub end: Option<String>,
    /// Months by which it renews itself; `None` ends it.
    pub renewal_months: Option<u32>,
    /// Months of notice before a term's end.
    pub notice_months: u32,
    /// Minor units a year of term.
    pub annual_cost_minor: Option<i64>,
    /// Minor units promised for each year.
    pub commitment_minor: Option<i64>,
    /// Where usage is seen: a bill's charges of this supplier.
    pub bill: Option<String>,
    /// The supplier as the bill's `ProviderName` names it; the supplier by default.
    pub vendor: Option<String>,
    /// What the data of this contract are worth, by leaving them out.
    pub ablation: Option<Ablation>,
}

/// The same units judged with and without a source of data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ablation {
    /// Dataset with one row per unit.
    pub dataset: String,
    /// Its column with the outcome when the source was used.
    pub with: String,
    /// Its column with the outcome without the source.
    pub without: String,
    /// Units a year.
    pub units_per_year: u64,
    /// Minor units that one unit of outcome is worth.
    pub value_minor: i64,
}
