//! Problems in definitions: always with place, cause, expectation and a suggestion where one is near.

mod json;
mod render;
mod sarif;

use std::fmt;

pub use json::to_json;
pub use render::render;
pub use sarif::to_sarif;

use serde::{Deserialize, Serialize};

/// A place in a source text. Lines and columns count from 1, columns in Unicode scalar values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Path relative to the project folder, with forward slashes.
    pub file: String,
    /// First line, from 1; 0 when the whole file is meant.
    pub line: u32,
    /// First column, from 1; 0 when the whole line is meant.
    pub column: u32,
}

/// Whether `check` fails because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The project cannot be applied.
    Error,
    /// Worth mending, but it can be applied.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable, kebab-case identifier of the rule, e.g. `unknown-key`, `duplicate-name`.
    pub code: String,
    /// Where.
    pub span: Span,
    /// What is wrong, with the offending value; lower case, no full stop.
    pub message: String,
    /// What was expected, if that is not obvious.
    pub expected: Option<String>,
    /// "did you mean" or the next step.
    pub hint: Option<String>,
}

/// One line: `file:line:column: error[code]: message`, then what was expected and the hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}[{}]: {}", self.span, self.severity, self.code, self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, "; expected {expected}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// `file:line:column`, without what is not known.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => f.write_str(&self.file),
            (line, 0) => write!(f, "{}:{line}", self.file),
            (line, column) => write!(f, "{}:{line}:{column}", self.file),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

impl Diagnostic {
    /// An error with neither expectation nor hint yet.
    pub fn error(code: &str, span: Span, message: impl Into<String>) -> Diagnostic {
        let (code, message) = (code.to_owned(), message.into());
        Diagnostic {
            severity: Severity::Error,
            code,
            span,
            message,
            expected: None,
            hint: None,
        }
    }

    /// A warning with neither expectation nor hint yet.
    pub fn warning(code: &str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, span, message)
        }
    }

    /// Says what would be right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Diagnostic {
        self.expected = Some(expected.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    /// Hints at a near name, if there is one.
    #[must_use]
    pub fn did_you_mean(mut self, near: Option<&str>) -> Diagnostic {
        if let Some(near) = near {
            self.hint = Some(format!("did you mean `{near}`?"));
        }
        self
    }
}
