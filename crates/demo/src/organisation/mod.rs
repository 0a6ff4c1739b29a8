//! The data organisation's own records: people, work, forecasts, incidents, contracts and holidays.

mod history;
mod people;
mod reference;

use std::path::Path;

use crate::DemoError;
use crate::write::Finished;

/// Files written.
pub(crate) struct Organisation {
    pub(crate) data: Vec<Finished>,
    pub(crate) truth: Vec<Finished>,
}

/// Writes all tables of the organisation; they do not depend on the scale.
pub(crate) fn write(seed: u64, data: &Path, truths: &Path) -> Result<Organisation, DemoError> {
    let mut files = people::write(data)?;
    files.extend(reference::write(data)?);
    let mut truth = reference::write_truth(truths)?;
    let history = history::write(seed, data, truths)?;
    files.extend(history.data);
    truth.extend(history.truth);
    Ok(Organisation { data: files, truth })
}

/// True parameters of the organisation's history.
pub(crate) fn parameters() -> Vec<(&'static str, f64)> {
    history::parameters()
}
