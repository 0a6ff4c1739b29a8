//! The language of searches: `metrics.rmse < 1 AND params.model = 'tree'`, and of orders: `metrics.rmse DESC`.
//!
//! ```text
//! filter  = clause { AND clause }
//! clause  = field op value | field [NOT] IN ( text { , text } ) | field IS [NOT] NULL
//! field   = [entity .] key          entity: metrics, params, tags, attributes, datasets (as a Grammar has them)
//! op      = = | != | < | <= | > | >= | LIKE | ILIKE | RLIKE
//! value   = number | 'text' | "text"
//! order   = field [ASC | DESC]
//! ```
//!
//! Keys with other characters than letters, digits and underscores stand in backticks or double quotes. A key without
//! an entity is an attribute. Words of the language are written in either case.

mod lex;
mod order;
mod parse;
mod runs;
mod traces;

pub use order::parse_order;
pub use parse::parse_filter;
pub use runs::{EXAMPLES, GROUPS, MODELS, RUNS};
pub use traces::{PROMPTS, SOURCE_RUN, TRACE_NAME, TRACES};

use crate::RunsError;

/// What a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A metric's last value.
    Metric,
    /// A parameter.
    Param,
    /// A tag.
    Tag,
    /// Something that everything of the kind has.
    Attribute,
    /// Something about a dataset that was read.
    Dataset,
    /// What a trace was told when it began.
    Metadata,
    /// Something about one of a trace's spans.
    Span,
    /// What somebody, or a judge, thought of a trace.
    Feedback,
    /// What a trace should have answered.
    Expectation,
    /// An issue that a trace was marked with.
    Issue,
}

impl Kind {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Metric => "metric",
            Kind::Param => "parameter",
            Kind::Tag => "tag",
            Kind::Attribute => "attribute",
            Kind::Dataset => "dataset",
            Kind::Metadata => "request_metadata",
            Kind::Span => "span",
            Kind::Feedback => "feedback",
            Kind::Expectation => "expectation",
            Kind::Issue => "issue",
        }
    }
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `LIKE`
    Like,
    /// `ILIKE`
    ILike,
    /// `RLIKE`: fits a regular expression.
    RLike,
    /// `IN`
    In,
    /// `NOT IN`
    NotIn,
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
}

impl Op {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Op::Eq => "=",
            Op::Ne => "!=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::Like => "LIKE",
            Op::ILike => "ILIKE",
            Op::RLike => "RLIKE",
            Op::In => "IN",
            Op::NotIn => "NOT IN",
            Op::IsNull => "IS NULL",
            Op::IsNotNull => "IS NOT NULL",
        }
    }
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    None,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Texts.
    List(Vec<String>),
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// What the field belongs to.
    pub kind: Kind,
    /// Its name; of attributes, their first name in the grammar.
    pub key: String,
    /// How.
    pub op: Op,
    /// With what.
    pub value: Value,
}

/// One field to order by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What the field belongs to.
    pub kind: Kind,
    /// Its name; of attributes, their first name in the grammar.
    pub key: String,
    /// Smallest first.
    pub ascending: bool,
}

/// An attribute that a grammar knows.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Its names, the first of which is answered.
    pub names: &'static [&'static str],
    /// It is a number.
    pub numeric: bool,
    /// It may be filtered by.
    pub filtered: bool,
    /// It may be compared with a list.
    pub lists: bool,
    /// It may be ordered by.
    pub ordered: bool,
    /// It is another name for this.
    pub stands_for: Option<(Kind, &'static str)>,
}

/// What can be searched for.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// Entities by the names that they go by.
    pub entities: &'static [(&'static str, Kind)],
    /// The attributes.
    pub attributes: &'static [Attribute],
    /// Kinds that may be asked whether they are there at all.
    pub nullable: &'static [Kind],
    /// Whether tags and parameters may be compared with lists.
    pub tag_lists: bool,
    /// Whether texts may be compared with regular expressions.
    pub patterns: bool,
}

impl Grammar {
    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.names.contains(&name))
    }
}

fn invalid(message: String) -> RunsError {
    RunsError::Invalid(message)
}

/// Names in a sentence: `['a', 'b']`.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.map(|n| format!("'{n}'")).collect();
    names.sort();
    names.dedup();
    format!("[{}]", names.join(", "))
}

/// Whether a text, or nothing, fits a clause.
pub fn fits_text(clause: &Clause, text: Option<&str>) -> bool {
    crate::search::matching::TextMatch::new(clause).holds(text)
}

/// Whether a number, or nothing, fits a clause.
pub fn fits_number(clause: &Clause, number: Option<f64>) -> bool {
    number.is_some_and(|number| crate::search::matching::number_fits(clause, number))
}
