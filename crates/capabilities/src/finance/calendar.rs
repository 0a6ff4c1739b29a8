//! Contracts' days as an iCalendar feed (RFC 5545).

use jiff::Timestamp;
use jiff::civil::Date;

use super::terms::Terms;
use crate::{CapabilityError, Context};

/// Days of the next terms that the feed holds.
const TERMS: usize = 2;
/// Octets of a line before it is folded.
const FOLD: usize = 75;

/// The feed: by when notice is due and when terms end, from today on. Contracts whose days cannot be told are left out.
///
/// # Errors
/// If "now" is no moment of the calendar.
pub fn calendar(context: &Context) -> Result<String, CapabilityError> {
    let now = Timestamp::from_microsecond(context.now_us).map_err(|e| CapabilityError::Invalid(e.to_string()))?;
    let today = jiff::tz::TimeZone::UTC.to_datetime(now).date();
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let host = context
        .project
        .settings
        .name
        .to_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let mut feed = Feed::default();
    feed.line("BEGIN:VCALENDAR");
    feed.line("VERSION:2.0");
    feed.line(concat!(
        "PRODID:-//Steward//Steward ",
        env!("CARGO_PKG_VERSION"),
        "//EN"
    ));
    feed.line("CALSCALE:GREGORIAN");
    feed.line(&format!("X-WR-CALNAME:{}", text("Contracts")));
    for (name, contract) in &context.project.contracts {
        let Ok(terms) = Terms::of(contract) else { continue };
        let title = contract.meta.label.as_deref().unwrap_or(name);
        let mut event = |what: &str, day: Date, summary: String, words: String| {
            let Ok(next) = day.tomorrow() else { return };
            feed.line("BEGIN:VEVENT");
            feed.line(&format!("UID:{what}-{name}-{day}@{host}.steward"));
            feed.line(&format!("DTSTAMP:{stamp}"));
            feed.line(&format!("DTSTART;VALUE=DATE:{}", day.strftime("%Y%m%d")));
            feed.line(&format!("DTEND;VALUE=DATE:{}", next.strftime("%Y%m%d")));
            feed.line(&format!("SUMMARY:{}", text(&summary)));
            feed.line(&format!("DESCRIPTION:{}", text(&words)));
            feed.line(&format!("CATEGORIES:{}", text("Contract")));
            feed.line("TRANSP:TRANSPARENT");
            if what == "notice" {
                feed.line("BEGIN:VALARM");
                feed.line("ACTION:DISPLAY");
                feed.line(&format!("DESCRIPTION:{}", text(&summary)));
                feed.line("TRIGGER:-P14D");
                feed.line("END:VALARM");
            }
            feed.line("END:VEVENT");
        };
        let coming = (0..)
            .map_while(|n| terms.term(n))
            .take(2_400)
            .filter(|t| t.end > today)
            .take(TERMS);
        for term in coming {
            if term.notice_by >= today && terms.tacit() {
                let words = format!(
                    "{} with {}: notice by {} ends it on {}; else it renews. Owner: {}.",
                    title, contract.supplier, term.notice_by, term.end, contract.meta.owner
                );
                event("notice", term.notice_by, format!("Notice due: {title}"), words);
            }
            let what = if terms.tacit() { "renews" } else { "ends" };
            let words = format!(
                "{} with {} {what} on {}. Owner: {}.",
                title, contract.supplier, term.end, contract.meta.owner
            );
            event("term", term.end, format!("{title} {what}"), words);
        }
    }
    feed.line("END:VCALENDAR");
    Ok(feed.text)
}

#[derive(Default)]
struct Feed {
    text: String,
}

impl Feed {
    /// A content line, folded at 75 octets between characters.
    fn line(&mut self, line: &str) {
        let mut used = 0;
        for c in line.chars() {
            if used + c.len_utf8() > FOLD {
                self.text.push_str("\r\n ");
                used = 1;
            }
            self.text.push(c);
            used += c.len_utf8();
        }
        self.text.push_str("\r\n");
    }
}

/// Text with what has a meaning in it escaped.
fn text(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
