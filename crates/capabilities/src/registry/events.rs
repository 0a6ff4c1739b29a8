//! What the registry writes into the ledger. Descriptions, tags and comments are what people write, so that they could
//! have to be erased: comments stand in private payloads; what a name pointed at never has to go.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use steward_ledger::{Event, NewEvent};

use super::types::{Pointer, Stage};
use crate::CapabilityError;

/// Beginning of every kind of event here.
pub const KINDS: &str = "registry.";

/// Subject of events about a model.
pub fn model_subject(name: &str) -> String {
    format!("model/{name}")
}

/// Subject of events about a webhook.
pub fn webhook_subject(id: &str) -> String {
    format!("webhook/{id}")
}

/// What happened. The variant's name is the event's kind: `registry.model_created`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A name was registered.
    ModelCreated {
        /// What it is.
        description: Option<String>,
        /// Tags.
        tags: Vec<(String, String)>,
    },
    /// Its description changed.
    ModelChanged {
        /// The new one.
        description: Option<String>,
    },
    /// It goes by another name from now on.
    ModelRenamed {
        /// The new name.
        to: String,
    },
    /// It was deleted with its versions.
    ModelDeleted {},
    /// It got a tag.
    ModelTagSet {
        /// Key.
        key: String,
        /// Value.
        value: String,
    },
    /// It lost a tag.
    ModelTagRemoved {
        /// Key.
        key: String,
    },
    /// A version was made.
    VersionCreated {
        /// Its number.
        version: u64,
        /// As its author said.
        source: String,
        /// Where its files lie.
        storage: String,
        /// The run that made it.
        run_id: Option<String>,
        /// An address of that run.
        run_link: Option<String>,
        /// The logged model that it is.
        model_id: Option<String>,
        /// What it is.
        description: Option<String>,
        /// Tags.
        tags: Vec<(String, String)>,
        /// SHA-256 over its files.
        digest: Option<String>,
    },
    /// Its description changed.
    VersionChanged {
        /// Its number.
        version: u64,
        /// The new one.
        description: Option<String>,
    },
    /// It was deleted, with what pointed at it.
    VersionDeleted {
        /// Its number.
        version: u64,
    },
    /// It moved to a stage.
    VersionStaged {
        /// Its number.
        version: u64,
        /// The stage that it left.
        from: Stage,
        /// The stage that it is in.
        stage: Stage,
        /// Versions that were archived with that.
        archived: Vec<u64>,
        /// The request that allowed it.
        request: Option<String>,
        /// The request that allowed it to leave, where entering needed one of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leaving: Option<String>,
        /// Evidence that was cited.
        evidence: Vec<Value>,
    },
    /// It got a tag.
    VersionTagSet {
        /// Its number.
        version: u64,
        /// Key.
        key: String,
        /// Value.
        value: String,
    },
    /// It lost a tag.
    VersionTagRemoved {
        /// Its number.
        version: u64,
        /// Key.
        key: String,
    },
    /// An alias points at a version.
    AliasSet {
        /// The alias.
        alias: String,
        /// The version.
        version: u64,
        /// The version before.
        from: Option<u64>,
        /// The request that allowed it.
        request: Option<String>,
        /// Evidence that was cited.
        evidence: Vec<Value>,
    },
    /// An alias was taken away.
    AliasRemoved {
        /// The alias.
        alias: String,
        /// The version that it pointed at.
        version: u64,
        /// The request that allowed it.
        request: Option<String>,
    },
    /// Somebody wants to move what is protected.
    ApprovalAsked {
        /// Names the request.
        id: String,
        /// What is to move.
        pointer: Pointer,
        /// The version it is to point at; `None` to take it away, or to take a version out of a stage.
        version: Option<u64>,
        /// The version it points at now.
        from: Option<u64>,
        /// SHA-256 over the version's files: what is approved.
        digest: Option<String>,
        /// How many others must approve.
        approvals: u64,
        /// The policy that asks for it.
        policy: String,
        /// Until when it may be used, microseconds since 1970 UTC.
        expires_us: i64,
    },
    /// Somebody approves. The comment is private.
    Approved {
        /// The request.
        id: String,
    },
    /// Somebody rejects. The comment is private.
    Rejected {
        /// The request.
        id: String,
    },
    /// What was approved is no longer what is there.
    Voided {
        /// The request.
        id: String,
        /// Why.
        cause: String,
    },
    /// Somebody is to be told.
    WebhookCreated {
        /// Its name.
        name: String,
        /// Where to.
        url: String,
        /// What it is for.
        description: Option<String>,
        /// `entity.action`.
        events: Vec<String>,
        /// Whether it is told.
        active: bool,
    },
    /// Something about a webhook changed; what is `None` did not.
    WebhookChanged {
        /// Its name.
        name: Option<String>,
        /// Where to.
        url: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// `entity.action`.
        events: Option<Vec<String>>,
        /// Whether it is told.
        active: Option<bool>,
        /// Whether its secret changed to the one in the private payload.
        secret: bool,
    },
    /// A webhook is told no more.
    WebhookDeleted {},
    /// Everything is gone: between tests.
    Emptied {},
}

/// What people may have to take back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Private {
    /// Comment on an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Encrypted secret of a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl Change {
    /// The event.
    pub fn event(&self, subject: &str, actor: &str, private: Option<Private>) -> Result<NewEvent, CapabilityError> {
        let unwritable =
            |e: serde_json::Error| CapabilityError::Invalid(format!("a registry event cannot be written: {e}"));
        let (kind, payload) = match serde_json::to_value(self).map_err(unwritable)? {
            Value::Object(one) => one.into_iter().next().unwrap_or_default(),
            _ => return Err(CapabilityError::Invalid("a registry event cannot be written".into())),
        };
        Ok(NewEvent {
            kind: format!("{KINDS}{kind}"),
            subject: subject.to_owned(),
            actor: actor.to_owned(),
            payload,
            private: private.map(serde_json::to_value).transpose().map_err(unwritable)?,
        })
    }

    /// What an event says; `None` if it is not the registry's, or of a newer program.
    pub fn of(event: &Event) -> Option<Change> {
        let kind = event.kind.strip_prefix(KINDS)?;
        let mut one = serde_json::Map::new();
        one.insert(kind.to_owned(), event.payload.clone());
        serde_json::from_value(Value::Object(one)).ok()
    }
}

/// The private payload of an event.
pub fn private<T: DeserializeOwned + Default>(event: &Event) -> T {
    let read = event.private.clone().map(serde_json::from_value);
    read.and_then(Result::ok).unwrap_or_default()
}
