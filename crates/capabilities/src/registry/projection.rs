//! The registry, folded from events.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use steward_ledger::Event;

use super::approvals::{Answer, Request};
use super::events::{Change, Private, private};
use super::types::{Model, Move, Pointer, Stage, Version, Webhook};

/// Everything that is registered, at one moment. Cheap to copy: what did not change is shared.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Registered {
    /// Models by name.
    pub models: BTreeMap<String, Arc<Model>>,
    /// Requests to move what is protected, by id.
    pub requests: BTreeMap<String, Arc<Request>>,
    /// Webhooks by id.
    pub webhooks: BTreeMap<String, Arc<Webhook>>,
}

fn tags(pairs: Vec<(String, String)>) -> BTreeMap<String, String> {
    pairs.into_iter().collect()
}

impl Registered {
    /// Takes one event in order; those of others are passed over.
    pub fn apply(&mut self, event: &Event) {
        let Some(change) = Change::of(event) else { return };
        if let Some(name) = event.subject.strip_prefix("model/") {
            self.about_model(name, change, event);
        } else if let Some(id) = event.subject.strip_prefix("webhook/") {
            self.about_webhook(id, change, event);
        } else if change == (Change::Emptied {}) {
            *self = Registered::default();
        }
    }

    fn about_model(&mut self, name: &str, change: Change, event: &Event) {
        match change {
            Change::ModelCreated {
                description,
                tags: given,
            } => {
                let model = Model {
                    name: name.to_owned(),
                    created_us: event.at_us,
                    updated_us: event.at_us,
                    author: event.actor.clone(),
                    description,
                    tags: tags(given),
                    ..Model::default()
                };
                self.models.entry(name.to_owned()).or_insert_with(|| Arc::new(model));
            }
            Change::ModelRenamed { to } => {
                if self.models.contains_key(&to) {
                    return;
                }
                if let Some(mut model) = self.models.remove(name) {
                    let renamed = Arc::make_mut(&mut model);
                    renamed.name.clone_from(&to);
                    renamed.updated_us = event.at_us;
                    for version in renamed.versions.values_mut() {
                        Arc::make_mut(version).updated_us = event.at_us;
                    }
                    self.models.insert(to.clone(), model);
                }
                for request in self.requests.values_mut().filter(|r| r.model == name) {
                    Arc::make_mut(request).model.clone_from(&to);
                }
            }
            Change::ModelDeleted {} => {
                self.models.remove(name);
                for request in self.requests.values_mut().filter(|r| r.model == name && r.is_open()) {
                    Arc::make_mut(request).void = Some("the model was deleted".to_owned());
                }
            }
            Change::ApprovalAsked {
                id,
                pointer,
                version,
                from,
                digest,
                approvals,
                policy,
                expires_us,
            } => {
                let request = Request {
                    id: id.clone(),
                    model: name.to_owned(),
                    pointer,
                    version,
                    from,
                    digest,
                    approvals,
                    policy,
                    by: event.actor.clone(),
                    at_us: event.at_us,
                    expires_us,
                    answers: Vec::new(),
                    used: None,
                    void: None,
                };
                self.requests.insert(id, Arc::new(request));
            }
            Change::Approved { id } => self.answered(&id, true, event),
            Change::Rejected { id } => self.answered(&id, false, event),
            Change::Voided { id, cause } => {
                if let Some(request) = self.requests.get_mut(&id) {
                    Arc::make_mut(request).void = Some(cause);
                }
            }
            other => {
                if let Change::AliasSet { request, .. }
                | Change::AliasRemoved { request, .. }
                | Change::VersionStaged { request, .. } = &other
                {
                    let leaving = match &other {
                        Change::VersionStaged { leaving, .. } => leaving.as_ref(),
                        _ => None,
                    };
                    for id in request.iter().chain(leaving) {
                        if let Some(request) = self.requests.get_mut(id) {
                            Arc::make_mut(request).used = Some(event.sequence);
                        }
                    }
                }
                if let Some(model) = self.models.get_mut(name) {
                    inside(Arc::make_mut(model), other, event);
                }
            }
        }
    }

    fn answered(&mut self, id: &str, approves: bool, event: &Event) {
        if let Some(request) = self.requests.get_mut(id) {
            Arc::make_mut(request).answers.push(Answer {
                sequence: event.sequence,
                at_us: event.at_us,
                by: event.actor.clone(),
                approves,
                comment: private::<Private>(event).comment,
            });
        }
    }

    fn about_webhook(&mut self, id: &str, change: Change, event: &Event) {
        match change {
            Change::WebhookCreated {
                name,
                url,
                description,
                events,
                active,
            } => {
                let webhook = Webhook {
                    id: id.to_owned(),
                    name,
                    url,
                    description,
                    events,
                    active,
                    created_us: event.at_us,
                    updated_us: event.at_us,
                    secret: private::<Private>(event).secret,
                };
                self.webhooks.insert(id.to_owned(), Arc::new(webhook));
            }
            Change::WebhookChanged {
                name,
                url,
                description,
                events,
                active,
                secret,
            } => {
                let Some(webhook) = self.webhooks.get_mut(id) else {
                    return;
                };
                let webhook = Arc::make_mut(webhook);
                let put = |field: &mut String, to: Option<String>| {
                    if let Some(to) = to {
                        *field = to;
                    }
                };
                put(&mut webhook.name, name);
                put(&mut webhook.url, url);
                webhook.description = description.or(webhook.description.take());
                webhook.events = events.unwrap_or_else(|| std::mem::take(&mut webhook.events));
                webhook.active = active.unwrap_or(webhook.active);
                webhook.updated_us = event.at_us;
                if secret {
                    webhook.secret = private::<Private>(event).secret;
                }
            }
            Change::WebhookDeleted {} => drop(self.webhooks.remove(id)),
            _ => {}
        }
    }
}

/// A change inside one model.
fn inside(model: &mut Model, change: Change, event: &Event) {
    let now = event.at_us;
    let moved = |pointer, from, to, request, evidence| Move {
        sequence: event.sequence,
        at_us: now,
        actor: event.actor.clone(),
        pointer,
        from,
        to,
        request,
        evidence,
    };
    match change {
        Change::ModelChanged { description } => {
            model.description = description;
            model.updated_us = now;
        }
        Change::ModelTagSet { key, value } => drop(model.tags.insert(key, value)),
        Change::ModelTagRemoved { key } => drop(model.tags.remove(&key)),
        Change::VersionCreated {
            version,
            source,
            storage,
            run_id,
            run_link,
            model_id,
            description,
            tags: given,
            digest,
        } => {
            let made = Version {
                version,
                created_us: now,
                updated_us: now,
                author: event.actor.clone(),
                description,
                stage: Stage::None,
                source,
                storage,
                run_id,
                run_link,
                model_id,
                tags: tags(given),
                digest,
            };
            model.last = model.last.max(version);
            model.updated_us = now;
            model.versions.insert(version, Arc::new(made));
        }
        Change::VersionChanged { version, description } => {
            if let Some(version) = model.versions.get_mut(&version) {
                let version = Arc::make_mut(version);
                version.description = description;
                version.updated_us = now;
            }
        }
        Change::VersionDeleted { version } => {
            model.versions.remove(&version);
            model.updated_us = now;
            let gone: Vec<String> = model.aliases_of(version).map(str::to_owned).collect();
            for alias in gone {
                model.aliases.remove(&alias);
                let taken = moved(Pointer::Alias(alias), Some(version), None, None, Vec::new());
                model.moves.push(taken);
            }
        }
        Change::VersionStaged {
            version,
            from,
            stage,
            archived,
            request,
            evidence,
            ..
        } => {
            let left = archived.last().copied();
            for (number, to) in archived
                .into_iter()
                .map(|n| (n, Stage::Archived))
                .chain([(version, stage)])
            {
                if let Some(version) = model.versions.get_mut(&number) {
                    let version = Arc::make_mut(version);
                    version.stage = to;
                    version.updated_us = now;
                }
            }
            model.updated_us = now;
            // Out of use is a move of the stage that it left.
            let entered = match (from.is_active(), stage.is_active()) {
                (true, false) => moved(Pointer::Stage(from), Some(version), None, request, evidence),
                _ => moved(Pointer::Stage(stage), left, Some(version), request, evidence),
            };
            model.moves.push(entered);
        }
        Change::VersionTagSet { version, key, value } => {
            if let Some(version) = model.versions.get_mut(&version) {
                Arc::make_mut(version).tags.insert(key, value);
            }
        }
        Change::VersionTagRemoved { version, key } => {
            if let Some(version) = model.versions.get_mut(&version) {
                Arc::make_mut(version).tags.remove(&key);
            }
        }
        Change::AliasSet {
            alias,
            version,
            from,
            request,
            evidence,
        } => {
            model.aliases.insert(alias.clone(), version);
            let to = moved(Pointer::Alias(alias), from, Some(version), request, evidence);
            model.moves.push(to);
        }
        Change::AliasRemoved {
            alias,
            version,
            request,
        } => {
            model.aliases.remove(&alias);
            let taken = moved(Pointer::Alias(alias), Some(version), None, request, Vec::new());
            model.moves.push(taken);
        }
        _ => {}
    }
}
