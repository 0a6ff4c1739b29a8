//! Moves of protected aliases and stages: asked for, approved by others, used once.

use serde::Serialize;

use super::types::Pointer;

/// A request to move what is protected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// Names it.
    pub id: String,
    /// The model.
    pub model: String,
    /// What is to move.
    pub pointer: Pointer,
    /// The version it is to point at; `None` to take it away.
    pub version: Option<u64>,
    /// The version it pointed at when it was asked for.
    pub from: Option<u64>,
    /// SHA-256 over the version's files: what is approved.
    pub digest: Option<String>,
    /// How many others must approve.
    pub approvals: u64,
    /// The policy that asks for it.
    pub policy: String,
    /// Who asked.
    pub by: String,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Until when it may be used.
    pub expires_us: i64,
    /// Approvals and rejections, oldest first.
    pub answers: Vec<Answer>,
    /// The event that used it.
    pub used: Option<u64>,
    /// Why it counts no more.
    pub void: Option<String>,
}

/// An approval or a rejection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Event of the ledger.
    pub sequence: u64,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who.
    pub by: String,
    /// Whether it is an approval.
    pub approves: bool,
    /// What was said with it; `None` if nothing, or erased.
    pub comment: Option<String>,
}

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Approvals are missing.
    Waiting,
    /// The move may be made.
    Granted,
    /// Somebody said no.
    Rejected,
    /// It took too long.
    Expired,
    /// What was to be approved has changed.
    Void,
    /// The move was made.
    Used,
}

impl Request {
    /// What everybody said last.
    fn said(&self) -> Vec<&Answer> {
        let mut found: Vec<&Answer> = Vec::new();
        for answer in &self.answers {
            found.retain(|a| a.by != answer.by);
            found.push(answer);
        }
        found
    }

    /// Those who approve.
    pub fn approvers(&self) -> Vec<&str> {
        let said = self.said().into_iter().filter(|a| a.approves);
        said.map(|a| a.by.as_str()).collect()
    }

    /// How it stands at a moment.
    pub fn standing(&self, now_us: i64) -> Standing {
        if self.used.is_some() {
            return Standing::Used;
        }
        if self.void.is_some() {
            return Standing::Void;
        }
        if self.said().iter().any(|a| !a.approves) {
            return Standing::Rejected;
        }
        if now_us >= self.expires_us {
            return Standing::Expired;
        }
        match self.approvers().len() as u64 >= self.approvals {
            true => Standing::Granted,
            false => Standing::Waiting,
        }
    }

    /// Whether it has neither been used nor become void.
    pub fn is_open(&self) -> bool {
        self.used.is_none() && self.void.is_none()
    }
}
