//! What a definition names, kept with its place until everything is read.

use crate::Span;
use crate::project::Reference;

/// Something named in a text.
#[derive(Clone, Debug)]
pub(crate) struct Mention {
    /// What is named.
    pub(crate) target: Target,
    /// Where.
    pub(crate) span: Span,
    /// What names it, for messages.
    pub(crate) user: String,
}

/// What can be named.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A definition.
    Definition(Reference),
    /// A column of a dataset; nothing is said if the dataset is unknown.
    Column {
        /// The dataset.
        dataset: String,
        /// Its column.
        column: String,
    },
    /// An attribute of the evaluation context, and the operator asked of it.
    Attribute(String, Option<String>),
    /// A person or team.
    Owner(String),
    /// A dimension by which an experiment is broken down.
    Breakdown {
        /// The experiment.
        experiment: String,
        /// The dimension, `entity__dimension` or alone.
        dimension: String,
    },
    /// A SQL query over the datasets.
    Query(String),
}
