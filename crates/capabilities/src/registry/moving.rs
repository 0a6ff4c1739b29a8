//! Moving what points at versions. What is protected moves only when others approved just that.

use uuid::Uuid;

use super::approvals::{Request, Standing};
use super::events::{Change, Private, model_subject};
use super::guard::{Guard, strictest};
use super::projection::Registered;
use super::types::{Pointer, Stage};
use super::versions::Made;
use super::{Registry, names};
use crate::CapabilityError;

/// What a judged move appends, and what is to be said of it.
struct Judged {
    /// The request that allows it.
    request: Option<String>,
    /// What must be appended whether it is allowed or not.
    before: Vec<Change>,
    /// Why it is not.
    refusal: Option<CapabilityError>,
}

/// A move that is wanted.
struct Wanted<'a> {
    model: &'a str,
    pointer: Pointer,
    from: Option<u64>,
    to: Option<u64>,
}

impl Registry {
    /// Points an alias at a version. Pointing it where it points already changes nothing.
    ///
    /// # Errors
    /// [`CapabilityError::Protected`] if others must approve first: the request that is recorded then waits for them.
    pub async fn set_alias(
        &self,
        actor: &str,
        name: &str,
        alias: &str,
        version: u64,
        guard: &Guard,
    ) -> Result<Made, CapabilityError> {
        names::model_name(name)?;
        names::alias_name(alias, true)?;
        let subject = model_subject(name);
        let (state, refusal) = self
            .change(&subject, |state| {
                let (model, _) = state.version(name, version)?;
                let from = model.aliases.get(alias).copied();
                if from == Some(version) {
                    return Ok((Vec::new(), None));
                }
                let wanted = Wanted {
                    model: name,
                    pointer: Pointer::Alias(alias.to_owned()),
                    from,
                    to: Some(version),
                };
                let judged = self.judge(state, &wanted, guard);
                let change = Change::AliasSet {
                    alias: alias.to_owned(),
                    version,
                    from,
                    request: judged.request.clone(),
                    evidence: guard.evidence.clone(),
                };
                judged.appended(change, &subject, actor)
            })
            .await?;
        refusal.map_or(Ok(()), Err)?;
        state.made(name, version)
    }

    /// Takes an alias away. One that is not there changes nothing.
    pub async fn remove_alias(
        &self,
        actor: &str,
        name: &str,
        alias: &str,
        guard: &Guard,
    ) -> Result<(), CapabilityError> {
        names::model_name(name)?;
        names::alias_name(alias, false)?;
        let subject = model_subject(name);
        let (_, refusal) = self
            .change(&subject, |state| {
                let Some(version) = state.model(name)?.aliases.get(alias).copied() else {
                    return Ok((Vec::new(), None));
                };
                let wanted = Wanted {
                    model: name,
                    pointer: Pointer::Alias(alias.to_owned()),
                    from: Some(version),
                    to: None,
                };
                let judged = self.judge(state, &wanted, guard);
                let change = Change::AliasRemoved {
                    alias: alias.to_owned(),
                    version,
                    request: judged.request.clone(),
                };
                judged.appended(change, &subject, actor)
            })
            .await?;
        refusal.map_or(Ok(()), Err)
    }

    /// Moves a version to a stage; with `archive`, those that were in it are archived.
    pub async fn stage_version(
        &self,
        actor: &str,
        name: &str,
        version: u64,
        stage: Stage,
        archive: bool,
        guard: &Guard,
    ) -> Result<Made, CapabilityError> {
        if archive && !stage.is_active() {
            return Err(CapabilityError::Invalid(format!(
                "Model version transition cannot archive existing model versions because '{}' is not an Active stage. \
                 Valid stages are ['Staging', 'Production']",
                stage.word()
            )));
        }
        let subject = model_subject(name);
        let (state, refusal) = self
            .change(&subject, |state| {
                let (model, known) = state.version(name, version)?;
                let others = model
                    .versions
                    .values()
                    .filter(|v| v.stage == stage && v.version != version);
                let others: Vec<u64> = others.map(|v| v.version).collect();
                let archived = if archive { others.clone() } else { Vec::new() };
                let left = known.stage;
                let moved = |stage, from, to| Wanted {
                    model: name,
                    pointer: Pointer::Stage(stage),
                    from,
                    to,
                };
                // Leaving one stage and entering another are two moves: each needs the approval of its own rule.
                let out = match left != stage && left.is_active() {
                    true => self.judge(state, &moved(left, Some(version), None), guard),
                    false => Judged::free(),
                };
                let into = match left == stage && archived.is_empty() {
                    true => Judged::free(),
                    false => self.judge(state, &moved(stage, others.last().copied(), Some(version)), guard),
                };
                let leaving = into.request.as_ref().and(out.request.clone());
                let judged = into.and(out);
                let change = Change::VersionStaged {
                    version,
                    from: left,
                    stage,
                    archived,
                    request: judged.request.clone(),
                    leaving,
                    evidence: guard.evidence.clone(),
                };
                judged.appended(change, &subject, actor)
            })
            .await?;
        refusal.map_or(Ok(()), Err)?;
        state.made(name, version)
    }

    /// Whether a move is allowed; if not, what must be recorded so that it can be.
    fn judge(&self, state: &Registered, wanted: &Wanted<'_>, guard: &Guard) -> Judged {
        let Some(rule) = strictest(&guard.rules, wanted.model, &wanted.pointer) else {
            return Judged::free();
        };
        let now = self.now_us();
        let same = |r: &&std::sync::Arc<Request>| {
            // What is taken away is named by where it points.
            let that = r.version == wanted.to && (r.version.is_some() || r.from == wanted.from);
            r.model == wanted.model && r.pointer == wanted.pointer && that && r.is_open()
        };
        let known = state.requests.values().filter(same).max_by_key(|r| r.at_us);
        let mut before = Vec::new();
        let target = match wanted.to {
            Some(version) => format!("to version {version}"),
            None => "away".to_owned(),
        };
        let what = format!(
            "moving {} of model {} {target} needs {} approval(s) of others (policy {})",
            wanted.pointer, wanted.model, rule.approvals, rule.policy
        );
        if let Some(request) = known {
            let void = if request.digest != guard.digest {
                Some("the version's files changed after approval was asked for")
            } else if request.approvals < rule.approvals {
                Some("its policy asks for more approvals since")
            } else {
                None
            };
            if let Some(cause) = void {
                before.push(Change::Voided {
                    id: request.id.clone(),
                    cause: cause.to_owned(),
                });
            }
            match request.standing(now) {
                _ if void.is_some() => {}
                Standing::Granted => {
                    return Judged {
                        request: Some(request.id.clone()),
                        before,
                        refusal: None,
                    };
                }
                Standing::Waiting => {
                    let given = request.approvers().len();
                    return Judged::refused(before, format!("{what}; {given} given so far"), request.id.clone());
                }
                Standing::Rejected => {
                    let by = request
                        .answers
                        .iter()
                        .rev()
                        .find(|a| !a.approves)
                        .map(|a| a.by.as_str());
                    let what = format!("{what}; {} rejected it", by.unwrap_or("somebody"));
                    return Judged::refused(before, what, request.id.clone());
                }
                _ => {}
            }
        }
        let id = Uuid::now_v7().simple().to_string();
        before.push(Change::ApprovalAsked {
            id: id.clone(),
            pointer: wanted.pointer.clone(),
            version: wanted.to,
            from: wanted.from,
            digest: guard.digest.clone(),
            approvals: rule.approvals,
            policy: rule.policy.clone(),
            expires_us: now.saturating_add_unsigned(rule.expires_seconds.saturating_mul(1_000_000)),
        });
        Judged::refused(before, what, id)
    }

    /// Approves a request to move what is protected, or rejects it.
    pub async fn answer_request(
        &self,
        actor: &str,
        id: &str,
        approves: bool,
        comment: Option<String>,
        people: &[String],
        rules: &[super::Rule],
    ) -> Result<std::sync::Arc<Request>, CapabilityError> {
        let refused = |why: String| Err(CapabilityError::Refused(why));
        let id = self.request_id(id).await?;
        let asked = self.now().await?;
        let model = asked.requests.get(&id).map(|r| r.model.clone()).unwrap_or_default();
        let subject = model_subject(&model);
        let private = comment.filter(|c| !c.trim().is_empty()).map(|c| Private {
            comment: Some(c),
            secret: None,
        });
        let (state, ()) = self
            .change(&subject, |state| {
                let missing = || CapabilityError::Missing(format!("there is no request {id}"));
                let request = state.requests.get(&id).ok_or_else(missing)?;
                match request.standing(self.now_us()) {
                    Standing::Used => return refused(format!("request {id} was used already")),
                    Standing::Expired => return refused(format!("request {id} has expired: ask for the move again")),
                    Standing::Void => {
                        let why = request.void.as_deref().unwrap_or_default();
                        return refused(format!("request {id} is void: {why}; ask for the move again"));
                    }
                    Standing::Waiting | Standing::Granted | Standing::Rejected => {}
                }
                if !people.is_empty() && !people.iter().any(|p| p == actor) {
                    return refused(format!(
                        "{actor:?} is not among the people of steward.yaml: answer as one of {}, or add them",
                        people.join(", ")
                    ));
                }
                let known = request
                    .version
                    .and_then(|v| state.models.get(&request.model)?.versions.get(&v));
                if approves && (request.by == actor || known.is_some_and(|v| v.author == actor)) {
                    return refused(format!(
                        "{actor} asked for this move or made the version, and cannot approve it: ask someone else"
                    ));
                }
                let rule = strictest(rules, &request.model, &request.pointer);
                if let Some(rule) = rule.filter(|r| !r.approvers.is_empty() && !r.approvers.iter().any(|a| a == actor))
                {
                    return refused(format!(
                        "policy {} lets {} approve, not {actor}",
                        rule.policy,
                        rule.approvers.join(", ")
                    ));
                }
                let said = request.answers.iter().rev().find(|a| a.by == actor);
                if said.is_some_and(|a| a.approves == approves) {
                    return Ok((Vec::new(), ()));
                }
                let change = match approves {
                    true => Change::Approved { id: id.clone() },
                    false => Change::Rejected { id: id.clone() },
                };
                Ok((vec![change.event(&subject, actor, private.clone())?], ()))
            })
            .await?;
        let missing = || CapabilityError::Missing(format!("there is no request {id}"));
        state.requests.get(&id).cloned().ok_or_else(missing)
    }

    /// The whole id of a request, from its beginning or end of at least six digits.
    async fn request_id(&self, text: &str) -> Result<String, CapabilityError> {
        let state = self.now().await?;
        let fits = |id: &&String| *id == text || (text.len() >= 6 && (id.starts_with(text) || id.ends_with(text)));
        let mut found = state.requests.keys().filter(fits);
        match (found.next(), found.next()) {
            (Some(id), None) => Ok(id.clone()),
            (Some(_), Some(_)) => Err(CapabilityError::Invalid(format!(
                "several requests fit {text}: give more digits"
            ))),
            (None, _) => Err(CapabilityError::Missing(format!("there is no request {text}"))),
        }
    }
}

impl Judged {
    fn free() -> Judged {
        Judged {
            request: None,
            before: Vec::new(),
            refusal: None,
        }
    }

    /// Both moves at once.
    fn and(self, other: Judged) -> Judged {
        Judged {
            request: self.request.or(other.request),
            before: self.before.into_iter().chain(other.before).collect(),
            refusal: self.refusal.or(other.refusal),
        }
    }

    fn refused(before: Vec<Change>, what: String, request: String) -> Judged {
        Judged {
            request: None,
            before,
            refusal: Some(CapabilityError::Protected { what, request }),
        }
    }

    /// The events: what must be recorded, and the move if it is allowed.
    #[expect(clippy::type_complexity, reason = "what `change` takes")]
    fn appended(
        self,
        change: Change,
        subject: &str,
        actor: &str,
    ) -> Result<(Vec<steward_ledger::NewEvent>, Option<CapabilityError>), CapabilityError> {
        let allowed = self.refusal.is_none().then_some(change);
        let events = self
            .before
            .iter()
            .chain(&allowed)
            .map(|c| c.event(subject, actor, None));
        Ok((events.collect::<Result<_, _>>()?, self.refusal))
    }
}
