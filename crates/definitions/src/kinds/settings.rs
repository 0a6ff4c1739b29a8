//! `steward.yaml`: what holds for the whole project.

use serde::{Deserialize, Serialize};

use super::PortfolioSettings;

/// Project settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Project name.
    pub name: String,
    /// Shown in the UI's header.
    pub label: Option<String>,
    /// Owner of every definition that names none.
    pub owner: Option<String>,
    /// IANA time zone for days, weeks and months; `UTC` by default.
    pub time_zone: String,
    /// ISO 4217 currency for money, e.g. `EUR`.
    pub currency: Option<String>,
    /// Where queries run: `datafusion` (default) or `postgres` with an address by reference.
    pub engine: EngineSettings,
    /// The demo and tests pin "today" (RFC 3339); absent means the wall clock.
    pub as_of: Option<String>,
    /// Teams and people that may own things; empty means anyone.
    pub people: Vec<Person>,
    /// Datasets may lie outside the project folder (`..` or absolute paths); off by default, so that a folder from
    /// somebody else reads nothing but itself.
    #[serde(default)]
    pub allow_outside: bool,
    /// Significance level for experiments that name none; 0.05 by default.
    pub alpha: f64,
    /// Attributes that flags may ask for, with their type (`string`, `number`, `boolean`, `date`, `version`, `list`,
    /// `object`, `any`); empty means anything.
    #[serde(default)]
    pub attributes: std::collections::BTreeMap<String, String>,
    /// Where files of runs and models are kept: a folder, `s3://`, `gs://` or `az://` with a bucket; absent means
    /// the project's state folder.
    #[serde(default)]
    pub artifacts: Option<String>,
    /// The PostgreSQL database that what runs log is kept in: `env:NAME` or `file:PATH` of its URL, or the URL itself
    /// without a password; absent means the project's state folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    /// Aliases and stages of models that move only when others approve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<Protection>,
    /// What webhooks may reach.
    #[serde(default)]
    pub webhooks: WebhookSettings,
    /// Client keys under which applications get flags through a GrowthBook SDK.
    #[serde(default)]
    pub sdk: Vec<SdkConnection>,
    /// How the server serves and guards flags.
    #[serde(default)]
    pub flags: FlagSettings,
    /// Budget, capacities and records that the portfolio is judged by.
    #[serde(default, skip_serializing_if = "PortfolioSettings::is_empty")]
    pub portfolio: PortfolioSettings,
}

/// How the server serves and guards flags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlagSettings {
    /// Seconds between two looks at the experiments that guard rollouts.
    pub guard_seconds: u64,
    /// Requests that the OFREP door answers in a second; more are told to come back. Without it, all are.
    pub ofrep_rate: Option<f64>,
}

impl Default for FlagSettings {
    fn default() -> FlagSettings {
        FlagSettings {
            guard_seconds: 300,
            ofrep_rate: None,
        }
    }
}

/// Aliases and stages of models that move only when others approve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// Its name.
    pub policy: String,
    /// Names of models; `*` stands for anything.
    pub models: Vec<String>,
    /// Aliases.
    pub aliases: Vec<String>,
    /// Stages.
    pub stages: Vec<String>,
    /// How many others must approve.
    pub approvals: u64,
    /// Who may approve; anybody but who asks or made the version, if empty.
    pub approvers: Vec<String>,
    /// How long an approval may be used, in seconds.
    pub expires_seconds: u64,
}

/// What webhooks may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSettings {
    /// Also loopback, private and link-local addresses, which the server reaches and the person who names them may not.
    pub allow_private: bool,
    /// Also `http://`, where everybody on the way can read.
    pub allow_http: bool,
}

/// Who may get flags through a GrowthBook SDK, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SdkConnection {
    /// The client key, `sdk-…`; it stands in applications and is no secret.
    pub key: String,
    /// Reference to a secret (`env:NAME` or `file:PATH`) under which the payload is encrypted: 16 bytes in base64.
    pub encryption: Option<String>,
    /// Flags are evaluated by the server alone: the rules are not given out.
    pub remote: bool,
}

/// Which engine and with which limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EngineSettings {
    /// `datafusion` or `postgres`.
    pub kind: String,
    /// Memory limit in MiB for the embedded engine.
    pub memory_mib: Option<u64>,
    /// Reference to a secret (`env:NAME` or `file:PATH`) that holds the connection address.
    pub url: Option<String>,
}

/// Someone who may own or decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Handle, e.g. `mara`.
    pub name: String,
    /// Full name.
    pub label: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Team.
    pub team: Option<String>,
}
