//! One module per kind of definition.

mod bandit;
mod bet;
mod dataset;
mod design;
mod experiment;
mod flag;
mod initiative;
mod measurement;
mod metric;
mod money;
mod objective;
mod portfolio;
mod report;
mod semantic_model;
mod settings;
mod team;

pub use bandit::*;
pub use bet::*;
pub use dataset::*;
pub use design::*;
pub use experiment::*;
pub use flag::*;
pub use initiative::*;
pub use measurement::*;
pub use metric::*;
pub use money::*;
pub use objective::*;
pub use portfolio::*;
pub use report::*;
pub use semantic_model::*;
pub use settings::*;
pub use team::*;
