//! What is protected: rules that ask for others' approval before an alias or a stage moves.

use steward_definitions::{Project, Protection};

use super::types::Pointer;

/// A rule that protects aliases and stages of models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The policy it stands in.
    pub policy: String,
    /// Names of models; `*` stands for anything.
    pub models: Vec<String>,
    /// Aliases.
    pub aliases: Vec<String>,
    /// Stages.
    pub stages: Vec<String>,
    /// How many others must approve.
    pub approvals: u64,
    /// Who may approve; anybody but the author, if empty.
    pub approvers: Vec<String>,
    /// How long an approval may be used, in microseconds.
    pub expires_us: i64,
}

/// What must be known to judge a move.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Rules in force.
    pub rules: Vec<Rule>,
    /// SHA-256 over the files of the version that is to be pointed at, as they are now.
    pub digest: Option<String>,
    /// Evidence to cite, as [`steward_ledger::Evidence::citation`].
    pub evidence: Vec<serde_json::Value>,
}

impl Rule {
    /// Whether it protects what points at versions of a model.
    pub fn protects(&self, model: &str, pointer: &Pointer) -> bool {
        let named = match pointer {
            Pointer::Alias(alias) => self.aliases.iter().any(|a| a == alias),
            Pointer::Stage(stage) => self.stages.iter().any(|s| s.eq_ignore_ascii_case(stage.word())),
        };
        named && self.models.iter().any(|pattern| fits(pattern, model))
    }
}

/// The rule for a pointer that asks for most.
pub(super) fn strictest<'a>(rules: &'a [Rule], model: &str, pointer: &Pointer) -> Option<&'a Rule> {
    let protecting = rules.iter().filter(|rule| rule.protects(model, pointer));
    protecting.max_by_key(|rule| rule.approvals)
}

/// The rules of a project.
pub fn rules(project: &Project) -> Vec<Rule> {
    let rule = |p: &Protection| Rule {
        policy: p.policy.clone(),
        models: p.models.clone(),
        aliases: p.aliases.clone(),
        stages: p.stages.clone(),
        approvals: p.approvals,
        approvers: p.approvers.clone(),
        expires_us: i64::try_from(p.expires_seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000_000),
    };
    project.settings.protected.iter().map(rule).collect()
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "churn"),
            ("churn", "churn"),
            ("ch*", "churn"),
            ("*rn", "churn"),
            ("c*u*n", "churn"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "churn"),
            ("chur", "churn"),
            ("c*x*n", "churn"),
            ("*nn", "churn"),
            ("churn*churn", "churn"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
