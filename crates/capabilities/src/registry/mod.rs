//! Which models are there, what do their aliases point at, who moved them, and on which evidence?
//!
//! Every change is an event of the ledger with its author; what is registered is folded from them and kept in memory.
//! Aliases and stages that a policy protects move only when others approved that very version.

mod approvals;
mod events;
mod guard;
mod live;
mod models;
mod moving;
mod names;
mod projection;
mod search;
mod types;
mod versions;
mod webhooks;

pub use approvals::{Answer, Request, Standing};
pub use guard::{Guard, Rule, rules};
pub use live::Registry;
pub use names::{model_name, stage};
pub use projection::Registered;
pub use types::{Model, Move, NewVersion, PROMPT, Pointer, Stage, Version, Webhook, is_true};
pub use versions::Made;
pub use webhooks::{EVENTS, NewWebhook, WebhookChange};
