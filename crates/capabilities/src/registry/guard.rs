//! What is protected: rules that ask for others' approval before an alias or a stage moves.

use steward_definitions::Project;
pub use steward_definitions::Protection as Rule;

use super::types::Pointer;

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

/// Whether a rule protects what points at versions of a model.
fn protects(rule: &Rule, model: &str, pointer: &Pointer) -> bool {
    let named = match pointer {
        Pointer::Alias(alias) => rule.aliases.iter().any(|a| a == alias),
        Pointer::Stage(stage) => rule.stages.iter().any(|s| s.eq_ignore_ascii_case(stage.word())),
    };
    named && rule.models.iter().any(|pattern| fits(pattern, model))
}

/// The rule for a pointer that asks for most.
pub(super) fn strictest<'a>(rules: &'a [Rule], model: &str, pointer: &Pointer) -> Option<&'a Rule> {
    let protecting = rules.iter().filter(|rule| protects(rule, model, pointer));
    protecting.max_by_key(|rule| rule.approvals)
}

/// The rules of a project.
pub fn rules(project: &Project) -> Vec<Rule> {
    project.settings.protected.clone()
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
