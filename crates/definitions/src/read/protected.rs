//! `protected` of `steward.yaml`: aliases and stages of models that move only when others approve.

use crate::decode::MapReader;
use crate::nearest::nearest;
use crate::{Diagnostic, Protection, Settings};

/// How long an approval may be used unless the policy says otherwise: two weeks, in seconds.
const EXPIRES: u64 = 14 * 86_400;
/// Stages that can be protected.
const STAGES: [&str; 3] = ["Staging", "Production", "Archived"];

/// Reads one policy.
pub(super) fn read(map: &mut MapReader<'_>, settings: &Settings) -> Protection {
    let policy = map.required_text("policy");
    map.rename(format!("the policy `{policy}`"));
    let models = map.texts("models");
    let stages = map.texts("stages");
    for stage in &stages {
        if !STAGES.contains(&stage.as_str()) {
            let near = nearest(stage, STAGES.into_iter());
            let message = format!("`{stage}` is no stage that can be protected");
            let problem = Diagnostic::error("bad-value", map.value_span("stages"), message);
            map.decoder().report(
                problem
                    .expected("`Staging`, `Production` or `Archived`")
                    .did_you_mean(near),
            );
        }
    }
    let approvers = map.texts("approvers");
    let people = &settings.people;
    for person in approvers
        .iter()
        .filter(|a| !people.is_empty() && !people.iter().any(|p| p.name == **a))
    {
        let near = nearest(person, people.iter().map(|p| p.name.as_str()));
        let message = format!("`{person}` may approve, who is no person of `steward.yaml`");
        let problem = Diagnostic::error("unknown-person", map.value_span("approvers"), message);
        map.decoder().report(
            problem
                .expected("the handle of a person under `people`")
                .did_you_mean(near),
        );
    }
    let approvals = map.count("approvals").unwrap_or(1);
    if approvals == 0 {
        map.error(
            "bad-value",
            "approvals",
            "`approvals` is 0: nobody would have to approve",
        );
    }
    if !approvers.is_empty() && approvals > approvers.len() as u64 {
        let message = format!(
            "{approvals} approvals are asked for, and {} may approve",
            approvers.len()
        );
        map.error("bad-value", "approvals", message);
    }
    let aliases = map.texts("aliases");
    if aliases.is_empty() && stages.is_empty() {
        let problem = Diagnostic::error("missing-key", map.span(), format!("{} protects nothing", map.what()));
        map.decoder().report(problem.expected("`aliases`, `stages` or both"));
    }
    Protection {
        policy,
        models: if models.is_empty() {
            vec!["*".to_owned()]
        } else {
            models
        },
        aliases,
        stages,
        approvals,
        approvers,
        expires_seconds: map.duration_seconds("expires").unwrap_or(EXPIRES),
    }
}
