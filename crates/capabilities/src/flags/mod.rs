//! Who gets what, and why? Flags evaluated bit for bit as the GrowthBook JavaScript SDK evaluates them.

mod answer;
mod bandit;
mod change;
mod clock;
mod compile;
mod condition;
mod diff;
mod effects;
mod evaluate;
mod explain;
mod guard;
mod hash;
mod live;
mod parse;
mod payload;
mod shares;
mod sticky;
mod value;
mod version;

pub use answer::{Answer, Reason};
pub use change::{By, Keep, Proposal, change, propose};
pub use clock::{RampState, Schedule};
pub use diff::DiffLine;
pub use effects::Effect;
pub use evaluate::{Assigned, Evaluation, Observer, Silent, Source, Subject};
pub use explain::{Explained, FlagStatus, PassedOver, explain, status, statuses};
pub use guard::{Judged, guard, guarded, resume};
pub use live::{Hold, Holds, Live, LiveFlag, RuleState, live};
pub use parse::{JsonError, parse as parse_json};
pub use payload::{FeatureSet, PayloadError};
pub use shares::VariantShare;
pub use sticky::Sticky;
pub use value::{Value, number_text};

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod effects_tests;
#[cfg(test)]
mod live_tests;
#[cfg(test)]
mod tests;
