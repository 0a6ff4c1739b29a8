//! Sending a pack by e-mail (SMTP, RFC 5321; MIME, RFC 2045 and 2047).
//!
//! A relay on this machine may be spoken to in clear; any other must offer TLS, by STARTTLS or from the start, and its
//! certificate must be one that the system trusts.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long a relay may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer of a relay, in bytes.
const ANSWER: usize = 64 << 10;

/// What keeps a message from being sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The relay's address, or an e-mail address, is none.
    #[error("{0}")]
    Address(String),
    /// It cannot be reached.
    #[error("cannot reach the relay {relay}: {cause}")]
    Unreachable {
        /// Relay.
        relay: String,
        /// Cause.
        cause: String,
    },
    /// It does not offer TLS.
    #[error("the relay {0} offers no TLS; use smtps://, or a relay on this machine")]
    NoTls(String),
    /// It refused.
    #[error("the relay refused {what}: {answer}")]
    Refused {
        /// What was asked.
        what: String,
        /// Its answer.
        answer: String,
    },
}

/// A mail relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    host: String,
    port: u16,
    /// TLS from the first byte.
    tls: bool,
}

impl Relay {
    /// `smtp://HOST:PORT` (STARTTLS unless the host is this machine) or `smtps://HOST:PORT`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Relay, MailError> {
        let wrong = || {
            MailError::Address(format!(
                "{text:?} is no relay; expected smtp://HOST:PORT or smtps://HOST:PORT"
            ))
        };
        let (tls, rest) = match (text.strip_prefix("smtps://"), text.strip_prefix("smtp://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(wrong()),
        };
        let (host, port) = match rest.trim_end_matches('/').rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
            None => (rest.trim_end_matches('/'), if tls { 465 } else { 587 }),
        };
        if host.is_empty() || host.contains(['@', '/']) {
            return Err(wrong());
        }
        Ok(Relay {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            tls,
        })
    }

    fn local(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback())
    }

    fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// A file that goes with a message.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub kind: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who sends.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
}

fn address(text: &str) -> Result<&str, MailError> {
    let fine = |c: char| !c.is_control() && !c.is_whitespace() && !"<>\"(),:;\\".contains(c);
    match text.split_once('@') {
        Some((name, host))
            if !name.is_empty()
                && host.contains('.')
                && !host.contains('@')
                && text.chars().all(fine)
                && text.is_ascii() =>
        {
            Ok(text)
        }
        _ => Err(MailError::Address(format!("{text:?} is no e-mail address"))),
    }
}

/// A header's words, encoded where they are not plain.
fn words(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.is_ascii() && clean.len() < 60 {
        return clean;
    }
    let chars: Vec<char> = clean.chars().collect();
    let parts: Vec<String> = chars
        .chunks(12)
        .map(|part| format!("=?UTF-8?B?{}?=", STANDARD.encode(part.iter().collect::<String>())))
        .collect();
    parts.join("\r\n ")
}

fn lines(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut out = String::with_capacity(text.len() + text.len() / 38);
    for chunk in text.as_bytes().chunks(76) {
        out.push_str(std::str::from_utf8(chunk).unwrap_or_default());
        out.push_str("\r\n");
    }
    out
}

impl Message {
    /// The message as it goes over the wire.
    fn write(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(&self.subject);
        hasher.update(self.at_us.to_be_bytes());
        self.attachments.iter().for_each(|a| hasher.update(&a.bytes));
        let id: String = hasher.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect();
        let host = self.from.split_once('@').map_or("localhost", |(_, host)| host);
        let at = jiff::Timestamp::from_microsecond(self.at_us).unwrap_or_default();
        let mut out = format!(
            "Date: {}\r\nFrom: <{}>\r\nTo: {}\r\nMessage-ID: <{id}@{host}>\r\nSubject: {}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{id}\"\r\n\r\n",
            at.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            self.from,
            self.to
                .iter()
                .map(|t| format!("<{t}>"))
                .collect::<Vec<_>>()
                .join(",\r\n "),
            words(&self.subject)
        );
        out.push_str(&format!(
            "--{id}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            lines(self.text.as_bytes())
        ));
        for file in &self.attachments {
            let name: String = file
                .name
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || "._-".contains(c) {
                        c
                    } else {
                        '_'
                    }
                })
                .collect();
            out.push_str(&format!("--{id}\r\nContent-Type: {}\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}", file.kind, lines(&file.bytes)));
        }
        out.push_str(&format!("--{id}--\r\n"));
        out
    }
}

/// Sends a message; `login` is a name and its password, given over TLS only.
///
/// # Errors
/// If an address is none, the relay cannot be reached or trusted, or it refuses.
pub async fn send(relay: &Relay, login: Option<(&str, &str)>, message: &Message) -> Result<(), MailError> {
    address(&message.from)?;
    for to in &message.to {
        address(to)?;
    }
    if message.to.is_empty() {
        return Err(MailError::Address("nobody is named who gets the message".into()));
    }
    let unreachable = |cause: String| MailError::Unreachable {
        relay: relay.name(),
        cause,
    };
    let connect = TcpStream::connect((relay.host.as_str(), relay.port));
    let stream = tokio::time::timeout(PATIENCE, connect)
        .await
        .map_err(|_| unreachable("it does not answer".into()))?
        .map_err(|e| unreachable(e.to_string()))?;
    if relay.tls {
        let mut talk = Talk::new(secure(relay, stream).await?);
        talk.answer("its greeting", 220).await?;
        talk.greet().await?;
        return talk.deliver(login, message).await;
    }
    let mut talk = Talk::new(stream);
    talk.answer("its greeting", 220).await?;
    let offers = talk.greet().await?;
    if offers
        .lines()
        .any(|l| l.get(4..).is_some_and(|o| o.trim().eq_ignore_ascii_case("STARTTLS")))
    {
        talk.ask("STARTTLS", 220).await?;
        let mut talk = Talk::new(secure(relay, talk.stream).await?);
        talk.greet().await?;
        return talk.deliver(login, message).await;
    }
    if !relay.local() {
        return Err(MailError::NoTls(relay.name()));
    }
    talk.deliver(login, message).await
}

async fn secure(relay: &Relay, stream: TcpStream) -> Result<tokio_rustls::client::TlsStream<TcpStream>, MailError> {
    let fail = |cause: String| MailError::Unreachable {
        relay: relay.name(),
        cause,
    };
    let mut roots = RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // One that cannot be read is one that is not trusted.
        let _ = roots.add(certificate);
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| fail(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(relay.host.clone()).map_err(|e| fail(e.to_string()))?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|e| fail(e.to_string()))
}

struct Talk<S> {
    stream: S,
    waiting: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    fn new(stream: S) -> Talk<S> {
        Talk {
            stream,
            waiting: Vec::new(),
        }
    }

    async fn greet(&mut self) -> Result<String, MailError> {
        self.ask("EHLO steward.localdomain", 250).await
    }

    async fn deliver(&mut self, login: Option<(&str, &str)>, message: &Message) -> Result<(), MailError> {
        if let Some((name, password)) = login {
            let secret = STANDARD.encode(format!("\0{name}\0{password}"));
            self.say(&format!("AUTH PLAIN {secret}\r\n")).await?;
            self.answer("the login", 235).await?;
        }
        self.ask(&format!("MAIL FROM:<{}>", message.from), 250).await?;
        for to in &message.to {
            self.ask(&format!("RCPT TO:<{to}>"), 250).await?;
        }
        self.ask("DATA", 354).await?;
        // No line of ours begins with a dot but by chance: base64 has none, headers neither.
        let text = message.write().replace("\r\n.", "\r\n..");
        self.say(&text).await?;
        self.say(".\r\n").await?;
        self.answer("the message", 250).await?;
        // It has the message; how it takes leave is of no matter.
        let _ = self.say("QUIT\r\n").await;
        Ok(())
    }

    async fn ask(&mut self, line: &str, code: u16) -> Result<String, MailError> {
        self.say(&format!("{line}\r\n")).await?;
        self.answer(line, code).await
    }

    async fn say(&mut self, text: &str) -> Result<(), MailError> {
        let broken = |e: String| MailError::Refused {
            what: "what was sent".into(),
            answer: e,
        };
        tokio::time::timeout(PATIENCE, self.stream.write_all(text.as_bytes()))
            .await
            .map_err(|_| broken("no answer in time".into()))?
            .map_err(|e| broken(e.to_string()))?;
        self.stream.flush().await.map_err(|e| broken(e.to_string()))
    }

    /// All lines of an answer, if it has the code.
    async fn answer(&mut self, what: &str, code: u16) -> Result<String, MailError> {
        let refused = |answer: String| MailError::Refused {
            what: what.to_owned(),
            answer,
        };
        loop {
            let text = String::from_utf8_lossy(&self.waiting).into_owned();
            // The last line has a blank after its code.
            let whole = text.ends_with('\n')
                && text
                    .lines()
                    .last()
                    .is_some_and(|l| l.len() >= 3 && l.as_bytes().get(3) != Some(&b'-'));
            if whole {
                self.waiting.clear();
                let good = text.get(..3).and_then(|c| c.parse::<u16>().ok()) == Some(code);
                return if good {
                    Ok(text)
                } else {
                    Err(refused(text.trim().to_owned()))
                };
            }
            let mut buffer = [0; 4096];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer))
                .await
                .map_err(|_| refused("no answer in time".into()))?
                .map_err(|e| refused(e.to_string()))?;
            self.waiting.extend(buffer.get(..read).unwrap_or_default());
            if read == 0 || self.waiting.len() > ANSWER {
                return Err(refused("it hung up, or talks without end".into()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_and_relays_are_what_they_should_be() {
        assert!(address("mara@larkspur.example").is_ok());
        for bad in [
            "mara",
            "mara@",
            "a@b@c.d",
            "x@y.z\r\nBcc: all@z.y",
            "<a@b.c>",
            "a b@c.d",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
        assert_eq!(Relay::parse("smtps://mail.example").unwrap().port, 465);
        assert!(Relay::parse("smtp://127.0.0.1:2525").unwrap().local());
        for bad in ["mail.example", "smtp://", "smtp://a@b:25", "smtp://h:port"] {
            assert!(Relay::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_message_is_plain_ascii_and_the_same_again() {
        let message = Message {
            from: "steward@larkspur.example".into(),
            to: vec!["mara@larkspur.example".into()],
            subject: "Größe der Körbe\r\nBcc: x".into(),
            text: "Grüße".into(),
            attachments: vec![Attachment {
                name: "pack ä.pdf".into(),
                kind: "application/pdf",
                bytes: vec![0; 200],
            }],
            at_us: 1_767_225_600_000_000,
        };
        let text = message.write();
        assert_eq!(text, message.write());
        assert!(
            text.is_ascii() && text.lines().all(|l| l.len() <= 200) && !text.contains("\nBcc"),
            "{text}"
        );
        assert!(
            text.contains("Date: Thu, 01 Jan 2026 00:00:00 +0000") && text.contains("filename=\"pack__.pdf\""),
            "{text}"
        );
    }
}
