//! Changing a flag: a few values of its file, planned, then applied with a person's decision.
//!
//! Only the flag is applied: what else the folder says and is not in force yet stays so.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use steward_definitions::edit::{self, Change, EditError};
use steward_definitions::{Flag, FlagRule, Kind, Project, Ramp, Reference, Serve, Severity, Source};
use steward_ledger::canonical;

use super::diff::{DiffLine, diff};
use super::effects::{Effect, effects};
use super::live::{Holds, Live};
use crate::governance::{self, Applied, InForce, PlanView};
use crate::{CapabilityError, Context};

/// A change of a flag, to be looked at before it is made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// The flag.
    pub flag: String,
    /// Its file, relative to the project folder.
    pub file: String,
    /// SHA-256 (hex) of the file before: the change is made to this text or not at all.
    pub base: String,
    /// Lines that change, with some around them.
    pub diff: Vec<DiffLine>,
    /// What applying it would change, with what refuses it.
    pub plan: PlanView,
    /// What it does, for whom.
    pub effects: Vec<Effect>,
    /// What else to know.
    pub notes: Vec<String>,
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    before: String,
    #[serde(skip)]
    project: Arc<Project>,
}

/// Who changes a flag, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// A person's handle.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The file's digest as it was planned; without it, whatever the file says now is changed.
    pub base: Option<String>,
}

/// How the roof keeps a text: path inside the folder, the text as it was read, the text as it is to be. One that is no
/// longer what was read is left alone.
pub type Keep<'a> = &'a (dyn Fn(&str, &str, &str) -> Result<(), String> + Sync);

fn invalid<T>(why: impl Into<String>) -> Result<T, CapabilityError> {
    Err(CapabilityError::Invalid(why.into()))
}

/// What changing a flag would do. `sources` are the folder's texts.
pub async fn propose(
    context: &Context,
    sources: &[Source],
    flag: &str,
    changes: &[Change],
) -> Result<Proposal, CapabilityError> {
    if changes.is_empty() {
        return invalid("nothing is to be changed: name a value, such as enabled=false or rules.NAME.rollout=50%");
    }
    let live = super::live(&context.ledger, context.now_us, None).await?;
    let (folder, _) = Project::parse(sources);
    let Some(defined) = folder.flags.get(flag) else {
        return Err(CapabilityError::Unknown {
            kind: "flag".into(),
            name: flag.into(),
            near: crate::error::nearest(flag, folder.flags.keys()),
        });
    };
    if live.flag(flag).is_none() {
        return Err(CapabilityError::Refused(format!(
            "the flag `{flag}` is not in force yet: apply the folder first (`steward apply`)"
        )));
    }
    let file = defined.meta.span.file.clone();
    let mut sources = sources.to_vec();
    let Some(source) = sources.iter_mut().find(|s| s.path == file) else {
        return invalid(format!("{file} is not among the folder's files any more"));
    };
    let before = source.text.clone();
    let wrong = |e: EditError| CapabilityError::Invalid(format!("{file}: {e}"));
    let text = edit::edit(&before, "flag", flag, changes).map_err(wrong)?;
    source.text.clone_from(&text);
    let changed = read(&sources, &file, flag)?;
    let project = Arc::new(with(&live, changed)?);
    let target = Context {
        project: project.clone(),
        ..context.clone()
    };
    let plan = governance::plan(&target).await?;
    let applied = InForce {
        project: project.as_ref().clone(),
        ..live.applied.clone()
    };
    let holds = Holds::of(governance::held(&context.ledger, None).await?);
    let after = Live::compile(applied, &holds, context.now_us)?;
    let mut notes = Vec::new();
    let same = |a: Option<&Flag>, b: &Flag| a.is_some_and(|a| a.meta.digest == b.meta.digest);
    if !same(live.project().flags.get(flag), defined) {
        notes.push("its file says more that is not in force yet: that is applied with it".to_owned());
    }
    let times = |f: &Flag| {
        let of = |r: &FlagRule| (r.name.clone(), r.from.clone(), r.until.clone(), ramp(r));
        f.rules.iter().map(of).collect::<Vec<_>>()
    };
    let served = live.project().flags.get(flag).map(times);
    if project.flags.get(flag).map(times) != served {
        notes.push("its schedule changes: shares are those of this moment".to_owned());
    }
    if text == before {
        notes.push("the file says so already".to_owned());
    }
    Ok(Proposal {
        flag: flag.to_owned(),
        base: canonical::digest(before.as_bytes()),
        diff: diff(&before, &text),
        plan,
        effects: effects(&live, &after, flag),
        notes,
        file,
        text,
        before,
        project,
    })
}

fn ramp(rule: &FlagRule) -> Option<Ramp> {
    match &rule.serve {
        Serve::Value { ramp, .. } => ramp.clone(),
        Serve::Split(_) => None,
    }
}

/// The flag as the changed texts define it.
fn read(sources: &[Source], file: &str, flag: &str) -> Result<Flag, CapabilityError> {
    let (mut project, problems) = Project::parse(sources);
    let errors: Vec<String> = problems
        .iter()
        .filter(|p| p.severity == Severity::Error && p.span.file == file)
        .map(ToString::to_string)
        .collect();
    match project.flags.remove(flag) {
        Some(changed) if errors.is_empty() => Ok(changed),
        Some(_) => invalid(errors.join("\n")),
        None => invalid(format!("{file} no longer defines the flag `{flag}`")),
    }
}

/// What is in force, with the changed flag.
fn with(live: &Live, changed: Flag) -> Result<Project, CapabilityError> {
    let mut project = live.project().clone();
    let reference = Reference::new(Kind::Flag, changed.meta.name.as_str());
    project.flags.insert(changed.meta.name.clone(), changed);
    let needs = project.references(&reference);
    match needs.iter().find(|r| !project.contains(r)) {
        None => Ok(project),
        Some(missing) => Err(CapabilityError::Refused(format!(
            "it uses {missing}, which is not in force yet: apply the folder first (`steward apply`)"
        ))),
    }
}

/// Makes a change: the file is written whole, then the flag is applied as one decision. If that is refused, the file is
/// as it was.
pub async fn change(
    context: &Context,
    sources: &[Source],
    flag: &str,
    changes: &[Change],
    by: &By,
    keep: Keep<'_>,
) -> Result<(Proposal, Applied), CapabilityError> {
    if by.reason.trim().is_empty() {
        return Err(CapabilityError::Refused(
            "a change of a flag needs a reason (rule `reason`): say in a sentence why".into(),
        ));
    }
    let proposal = propose(context, sources, flag, changes).await?;
    if by.base.as_ref().is_some_and(|base| *base != proposal.base) {
        return Err(CapabilityError::Refused(format!(
            "{} was changed since this was planned: plan it anew",
            proposal.file
        )));
    }
    let people = &proposal.project.settings.people;
    if !people.is_empty() && !people.iter().any(|p| p.name == by.actor.trim()) {
        let names: Vec<&str> = people.iter().map(|p| p.name.as_str()).collect();
        return Err(CapabilityError::Refused(format!(
            "{:?} is not among the people of steward.yaml (rule `actor`): change it as one of {}, or add them",
            by.actor.trim(),
            names.join(", ")
        )));
    }
    let (file, before, text) = (&proposal.file, &proposal.before, &proposal.text);
    let failed = |cause: String| CapabilityError::File {
        path: file.clone(),
        cause,
    };
    keep(file, before, text).map_err(failed)?;
    let target = Context {
        project: proposal.project.clone(),
        ..context.clone()
    };
    match governance::apply(&target, &by.actor, by.reason.trim(), None).await {
        Ok(applied) => Ok((proposal, applied)),
        Err(e) => {
            keep(file, text, before).map_err(failed)?;
            Err(e)
        }
    }
}
