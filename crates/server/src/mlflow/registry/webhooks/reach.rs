//! Which addresses webhooks may reach. The server may reach what the one who names an address may not: other machines
//! behind its firewall, the cloud's metadata, itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use steward_definitions::WebhookSettings;

use super::super::super::MlflowError;
use crate::State;

/// Checks an address when it is given. Whether its host's name leads to a public address is checked at each delivery.
pub async fn check(state: &State, url: &str) -> Result<(), MlflowError> {
    let settings = state.loaded().await.context.project.settings.webhooks.clone();
    let invalid = |detail: String| Err(MlflowError::invalid(detail));
    if url.trim().is_empty() {
        return invalid(format!("Webhook URL cannot be empty or just whitespace: '{url}'"));
    }
    let parsed = match Url::parse(url) {
        Ok(parsed) => parsed,
        Err(e) => return invalid(format!("Invalid webhook URL '{url}': {e}")),
    };
    let schemes: &[&str] = if settings.allow_http {
        &["https", "http"]
    } else {
        &["https"]
    };
    if !schemes.contains(&parsed.scheme()) {
        return invalid(format!(
            "Invalid webhook URL scheme: '{}'. Allowed schemes are: {}.",
            parsed.scheme(),
            schemes.join(", ")
        ));
    }
    if parsed.host_str().is_none_or(str::is_empty) {
        return invalid(format!("Webhook URL must include a hostname: '{url}'"));
    }
    match literal(&parsed, &settings) {
        Ok(()) => Ok(()),
        Err(cause) => invalid(format!(
            "Webhook URL must not resolve to a non-public IP address. {cause}"
        )),
    }
}

/// Checks a host that is an address itself: nobody resolves it.
pub fn literal(url: &Url, settings: &WebhookSettings) -> Result<(), String> {
    if settings.allow_private {
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let local = bare.eq_ignore_ascii_case("localhost") || bare.to_ascii_lowercase().ends_with(".localhost");
    match bare.parse::<IpAddr>() {
        Ok(ip) if !is_public(ip) => Err(format!(
            "'{host}' is not public; `webhooks: {{allow_private: true}}` allows it"
        )),
        Err(_) if local => Err(format!(
            "'{host}' is this machine; `webhooks: {{allow_private: true}}` allows it"
        )),
        _ => Ok(()),
    }
}

/// Names lead to public addresses only.
pub struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if found.is_empty() {
                return Err(format!("{host} leads to no public address").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether everybody can reach an address.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h] = v6.segments();
            let embedded = |high: u16, low: u16| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public_v4(Ipv4Addr::new(a, b, c, d))
            };
            match (a, b) {
                // Mapped, NAT64, 6to4: an address of version 4 in other clothes.
                (0, 0) if (c, d, e, f) == (0, 0, 0, 0xffff) => embedded(g, h),
                (0x64, 0xff9b) => (c, d, e, f) == (0, 0, 0, 0) && embedded(g, h),
                (0x2002, _) => embedded(b, c),
                (0x2001, 0 | 0xdb8) => false,
                // Global unicast is 2000::/3: all else is loopback, local, multicast or reserved.
                _ => (a & 0xe000) == 0x2000,
            }
        }
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let reserved =
        a == 0 || a >= 240 || (a == 192 && b == 0 && (c == 0 || c == 2)) || (a == 198 && (b == 18 || b == 19));
    let documented = (a == 198 && b == 51 && c == 100) || (a == 203 && b == 0 && c == 113);
    !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_broadcast())
        && !(shared || reserved || documented)
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn only_what_everybody_reaches_is_public() {
        for public in [
            "8.8.8.8",
            "1.1.1.1",
            "172.15.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for closed in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "198.18.0.1",
        ] {
            assert!(!is_public(closed.parse().unwrap()), "{closed}");
        }
    }
}
