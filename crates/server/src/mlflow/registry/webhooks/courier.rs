//! Telling a webhook: a signed POST, again and again while it is busy or broken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use hmac::{Hmac, Mac};
use reqwest::{Client, Url};
use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::Sha256;
use steward_capabilities::registry::Webhook;
use tokio::sync::{Semaphore, mpsc};

use super::{reach, seal};
use crate::State;

/// Times that a webhook is told again.
const AGAIN: u32 = 3;
/// Longest that an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest wait between two tries.
const LONGEST: Duration = Duration::from_secs(60);
/// Most that are told at one moment; others wait.
const MOST: usize = 32;
/// Most that waits for one webhook.
const BACKLOG: usize = 1000;
/// Most bytes of an answer that are kept.
const ANSWER: usize = 64 << 10;

/// Tells webhooks.
pub struct Courier {
    /// Reaches public addresses, and any: built when somebody is to be told.
    clients: OnceLock<Result<(Client, Client), String>>,
    turns: Semaphore,
    /// What waits for each webhook, by its id: it is told in the order in which things happened.
    waiting: Mutex<HashMap<String, mpsc::Sender<Errand>>>,
}

/// Something that a webhook is to be told.
pub struct Errand {
    /// The server.
    pub state: State,
    /// Whom to tell.
    pub webhook: Arc<Webhook>,
    /// `entity.action`.
    pub event: String,
    /// What happened.
    pub data: Value,
}

/// What a webhook is sent.
#[derive(Serialize)]
struct Told<'a> {
    entity: &'a str,
    action: &'a str,
    timestamp: &'a str,
    data: NameFirst<'a>,
}

/// An object whose name comes before the rest: those who put deliveries in order sort them as they are written.
struct NameFirst<'a>(&'a Value);

impl Serialize for NameFirst<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (named, others): (Vec<_>, Vec<_>) = self
            .0
            .as_object()
            .into_iter()
            .flatten()
            .partition(|(key, _)| *key == "name");
        to.collect_map(named.into_iter().chain(others))
    }
}

impl Default for Courier {
    fn default() -> Self {
        Courier {
            clients: OnceLock::new(),
            turns: Semaphore::new(MOST),
            waiting: Mutex::default(),
        }
    }
}

impl Courier {
    /// Tells a webhook when its turn comes; nobody waits for it.
    pub fn send(&self, errand: Errand) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = waiting.entry(errand.webhook.id.clone()).or_insert_with(|| {
            let (sender, queue) = mpsc::channel(BACKLOG);
            tokio::spawn(run(queue));
            sender
        });
        if let Err(e) = queue.try_send(errand) {
            let errand = e.into_inner();
            tracing::warn!(
                "webhook {} is not told of {}: {BACKLOG} others wait",
                errand.webhook.name,
                errand.event
            );
        }
    }

    /// Ends the queue of a webhook that is gone, once it has told what waits.
    pub fn forget(&self, webhook: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(webhook);
    }

    fn client(&self, any: bool) -> Result<&Client, String> {
        // A proxy of the environment, or an address that the answer leads on to, would evade the check.
        let plain = || {
            Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(PATIENCE)
                .user_agent(concat!("steward/", env!("CARGO_PKG_VERSION")))
        };
        let built = |builder: reqwest::ClientBuilder| builder.build().map_err(|e| e.to_string());
        let both = || Ok((built(plain().dns_resolver(Arc::new(reach::Public)))?, built(plain())?));
        match self.clients.get_or_init(both) {
            Ok((_, all)) if any => Ok(all),
            Ok((public, _)) => Ok(public),
            Err(cause) => Err(cause.clone()),
        }
    }

    /// Tells a webhook of an event; the status and text of its last answer.
    pub async fn deliver(
        &self,
        state: &State,
        webhook: &Webhook,
        event: &str,
        data: &Value,
    ) -> Result<(u16, String), String> {
        let settings = state.loaded().await.context.project.settings.webhooks.clone();
        let url = Url::parse(&webhook.url).map_err(|e| format!("{}: {e}", webhook.url))?;
        reach::literal(&url, &settings)?;
        let secret = match &webhook.secret {
            Some(sealed) => Some(seal::open(sealed, &state.key("webhooks")?)?),
            None => None,
        };
        let (entity, action) = event.split_once('.').unwrap_or((event, ""));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = jiff::Timestamp::from_microsecond(i64::try_from(now.as_micros()).unwrap_or_default());
        let at = at
            .map(|at| format!("{at:.6}").replace('Z', "+00:00"))
            .unwrap_or_default();
        let told = Told {
            entity,
            action,
            timestamp: &at,
            data: NameFirst(data),
        };
        let body = serde_json::to_string(&told).map_err(|e| e.to_string())?;
        let id = new_id()?;
        let seconds = now.as_secs().to_string();
        let signed = secret
            .map(|secret| signature(&secret, &id, &seconds, &body))
            .transpose()?;
        let _turn = self.turns.acquire().await.map_err(|e| e.to_string())?;
        let client = self.client(settings.allow_private)?;
        let mut tried = 0;
        loop {
            let mut request = client
                .post(url.clone())
                .header("content-type", "application/json")
                .header("x-mlflow-delivery-id", &id)
                .header("x-mlflow-timestamp", &seconds)
                .body(body.clone());
            if let Some(signed) = &signed {
                request = request.header("x-mlflow-signature", signed);
            }
            let answered = request.send().await;
            let pause = Duration::from_secs(1 << tried).min(LONGEST);
            let pause = match &answered {
                Ok(answer) if !matches!(answer.status().as_u16(), 429 | 500 | 502 | 503 | 504) => None,
                Ok(answer) => {
                    let after = answer.headers().get("retry-after").and_then(|v| v.to_str().ok());
                    let after = after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
                    Some(after.map_or(pause, |after| after.min(LONGEST)))
                }
                Err(_) => Some(pause),
            };
            match pause.filter(|_| tried < AGAIN) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return read(answered).await,
            }
            tried += 1;
        }
    }
}

/// Tells one webhook what waits for it.
async fn run(mut queue: mpsc::Receiver<Errand>) {
    while let Some(errand) = queue.recv().await {
        let Errand {
            state,
            webhook,
            event,
            data,
        } = errand;
        match state.courier().deliver(&state, &webhook, &event, &data).await {
            Ok((status, _)) if status >= 400 => {
                tracing::warn!("webhook {} answered {status} to {event}", webhook.name);
            }
            Ok(_) => {}
            Err(cause) => tracing::warn!("webhook {} was not told of {event}: {cause}", webhook.name),
        }
    }
}

/// The beginning of an answer.
async fn read(answered: reqwest::Result<reqwest::Response>) -> Result<(u16, String), String> {
    let chain = |e: reqwest::Error| {
        let mut text = e.to_string();
        let mut cause = std::error::Error::source(&e);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        text
    };
    let mut answer = answered.map_err(chain)?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while body.len() < ANSWER
        && let Some(piece) = answer.chunk().await.map_err(chain)?
    {
        body.extend_from_slice(&piece);
    }
    body.truncate(ANSWER);
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// `v1,` and the HMAC-SHA256 in base64 over `delivery.timestamp.payload`, as Standard Webhooks signs.
fn signature(secret: &str, id: &str, seconds: &str, body: &str) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|e| e.to_string())?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    let code = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    Ok(format!("v1,{code}"))
}

/// A random UUID.
fn new_id() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| format!("the operating system gives no random numbers: {e}"))?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    Ok(format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{NameFirst, signature};

    #[test]
    fn a_delivery_names_first_what_it_is_about() {
        let data = json!({ "description": null, "name": "churn", "version": "1" });
        let written = serde_json::to_string(&NameFirst(&data)).unwrap();
        assert_eq!(written, r#"{"name":"churn","description":null,"version":"1"}"#);
    }

    /// `hmac.new(b"my-secret", b"id.1700000000.{}", "sha256")` of Python 3.11, in base64.
    #[test]
    fn a_delivery_is_signed_as_clients_verify_it() {
        let signed = signature("my-secret", "id", "1700000000", "{}").unwrap();
        assert_eq!(signed, "v1,EOADJ/83zsJTwdi22IOvJRJwFXtr7YZoM5d90HAZ14w=");
    }
}
