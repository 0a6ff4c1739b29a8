//! What every definition carries: name, owner, title, meaning, tags, place and digest.

use crate::Settings;
use crate::decode::{Decoder, MapReader, Target};
use crate::project::{Kind, Meta};
use crate::yaml::{self, Node, Place};

/// Reads the name under `name_key` and `owner`, `label`, `description`, `tags`; the digest covers the whole map.
/// The reader is renamed to say which definition it reads.
pub fn meta(map: &mut MapReader<'_>, kind: Kind, name_key: &str, settings: &Settings) -> Meta {
    map.rename(format!("the {}", kind.noun()));
    let place = map.node().get(name_key).map_or(map.place(), |n| n.place);
    let name = map.required_text(name_key);
    let name = if name.trim().is_empty() || !check_name(map.decoder(), place, kind.noun(), &name) {
        String::new()
    } else {
        name
    };
    if !name.is_empty() {
        map.rename(format!("the {} `{name}`", kind.noun()));
    }
    let own = map.text("owner");
    if let Some(owner) = &own {
        map.mention("owner", Target::Owner(owner.clone()));
    }
    let owner = own.or_else(|| settings.owner.clone());
    Meta {
        owner: owner.unwrap_or_else(|| missing_owner(map)),
        name,
        label: map.text("label"),
        description: map.text("description"),
        tags: map.texts("tags"),
        span: map.decoder().span(place),
        digest: yaml::digest(&[map.node()]),
    }
}

fn missing_owner(map: &MapReader<'_>) -> String {
    let problem = crate::Diagnostic::error("missing-owner", map.span(), format!("{} has no owner", map.what()));
    map.decoder()
        .report(problem.expected("`owner:` here, or for the whole project in `steward.yaml`"));
    String::new()
}

/// Reports a name that is not letters, digits, `_`, `-`, `.` after a letter; says whether it is good.
pub fn check_name(decoder: &Decoder, place: Place, what: &str, name: &str) -> bool {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !good {
        let problem = crate::Diagnostic::error(
            "bad-name",
            decoder.span(place),
            format!("`{name}` cannot name a {what}"),
        );
        decoder.report(problem.expected("a letter, then letters, digits, `_`, `-` or `.`"));
    }
    good
}

/// A day of the calendar; anything else is reported.
pub(super) fn is_day(decoder: &Decoder, node: &Node, what: &str) -> Option<String> {
    let text = decoder.text(node, what)?;
    if crate::decode::date(&text).is_none() {
        decoder.bad_value(
            node,
            format!("{what} is `{text}`, which is no day of the calendar"),
            "a day such as `2025-10-01`",
        );
        return None;
    }
    Some(text)
}
