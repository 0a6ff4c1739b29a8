//! Which arm earns most, and how often should each be played meanwhile? Bandits updated in batches from the warehouse, read
//! out without the bias that adapting brings, and other policies judged from their log.

mod allocate;
mod evaluate;
mod events;
mod gather;
mod policy;
mod projection;
mod readout;
mod types;
mod update;

pub use evaluate::evaluate;
pub use events::{POLICY, WEIGHED};
pub use policy::Policy;
pub use projection::{Weighing, WeighingCell, weighings};
pub use readout::readout;
pub use types::{ArmReadout, Evaluation, Missing, Next, Readout, Recommendation, Split, State};
pub use update::{Update, update};

use steward_definitions::{Bandit, Project};

use crate::CapabilityError;

/// The bandit of that name.
fn find<'a>(project: &'a Project, name: &str) -> Result<&'a Bandit, CapabilityError> {
    project.bandits.get(name).ok_or_else(|| CapabilityError::Unknown {
        kind: "bandit".into(),
        name: name.into(),
        near: crate::error::nearest(name, project.bandits.keys()),
    })
}
