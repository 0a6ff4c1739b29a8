//! `steward.yaml`.

use crate::decode::{Decoder, MapReader, Mention, moment};
use crate::nearest::nearest;
use crate::project::Source;
use crate::{Diagnostic, EngineSettings, FlagSettings, Person, SdkConnection, Settings, Span, yaml};

/// Reads the settings; what is missing or wrong is reported and takes its default.
pub(super) fn read(source: Option<&Source>, problems: &mut Vec<Diagnostic>, mentions: &mut Vec<Mention>) -> Settings {
    let mut settings = super::default_settings();
    let Some(source) = source else {
        let span = Span {
            file: super::SETTINGS_FILE.to_owned(),
            line: 0,
            column: 0,
        };
        problems.push(
            Diagnostic::error("missing-settings", span, "the project has no `steward.yaml`")
                .hint("start with the lines `project: NAME` and `owner: HANDLE`, or run `steward init`"),
        );
        return settings;
    };
    let (documents, syntax) = yaml::parse(&source.path, &source.text);
    let broken = !syntax.is_empty();
    problems.extend(syntax);
    let decoder = Decoder::new(&source.path);
    match documents.as_slice() {
        [] if broken => {}
        [] => {
            let span = Span {
                file: source.path.clone(),
                line: 0,
                column: 0,
            };
            decoder.report(
                Diagnostic::error("missing-key", span, "`steward.yaml` is empty").expected("the key `project`"),
            );
        }
        [one, more @ ..] => {
            if let Some(map) = decoder.map(one, "`steward.yaml`") {
                read_map(map, &mut settings);
            }
            for other in more {
                decoder.error(
                    "extra-document",
                    other.place,
                    "`steward.yaml` holds more than one document",
                );
            }
        }
    }
    mentions.extend(decoder.take_mentions());
    problems.extend(decoder.into_diagnostics());
    settings
}

fn read_map(mut map: MapReader<'_>, settings: &mut Settings) {
    map.rename("`steward.yaml`");
    settings.name = map.required_text("project");
    settings.label = map.text("label");
    settings.owner = map.text("owner");
    map.ignore(&["description", "version"]);
    if let Some(zone) = map.text("time_zone") {
        // Whether the zone exists is for the machine's time zone data, which this crate does not read.
        let shaped = zone
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'));
        if shaped && !zone.is_empty() {
            check_zone(&map, &zone);
            settings.time_zone = zone;
        } else {
            map.error(
                "bad-value",
                "time_zone",
                format!("`{zone}` is not the name of a time zone"),
            );
        }
    }
    if let Some(currency) = map.text("currency") {
        if currency.len() == 3 && currency.chars().all(|c| c.is_ascii_uppercase()) {
            settings.currency = Some(currency);
        } else if let Some(node) = map.get("currency") {
            map.decoder().bad_value(
                node,
                format!("`{currency}` is not a currency code"),
                "three capital letters of ISO 4217, such as `EUR`",
            );
        }
    }
    if let Some(as_of) = map.text("as_of") {
        if moment(&as_of).is_some() {
            settings.as_of = Some(as_of);
        } else if let Some(node) = map.get("as_of") {
            map.decoder().bad_value(
                node,
                format!("`as_of` is `{as_of}`"),
                "a moment such as `2025-12-31T00:00:00Z`",
            );
        }
    }
    if let Some(alpha) = map.number("alpha") {
        if alpha > 0.0 && alpha < 1.0 {
            settings.alpha = alpha;
        } else if let Some(node) = map.get("alpha") {
            map.decoder().bad_value(
                node,
                format!("`alpha` is {alpha}"),
                "a number between 0 and 1, such as 0.05",
            );
        }
    }
    settings.allow_outside = map.boolean("allow_outside").unwrap_or_default();
    if let Some(place) = map.text("artifacts") {
        match artifacts(&place) {
            Ok(()) => settings.artifacts = Some(place),
            Err(cause) => {
                if let Some(node) = map.get("artifacts") {
                    let expected = "a folder, or `s3://`, `gs://` or `az://` with a bucket";
                    map.decoder().bad_value(node, cause, expected);
                }
            }
        }
    }
    if let Some(place) = map.text("tracking") {
        match tracking(&place) {
            Ok(()) => settings.tracking = Some(place),
            Err(cause) => {
                if let Some(node) = map.get("tracking") {
                    let expected = "`env:NAME` or `file:PATH` of a URL, or `postgresql://user@host/database`";
                    map.decoder().bad_value(node, cause, expected);
                }
            }
        }
    }
    if let Some(mut inner) = map.map("webhooks") {
        settings.webhooks.allow_private = inner.boolean("allow_private").unwrap_or_default();
        settings.webhooks.allow_http = inner.boolean("allow_http").unwrap_or_default();
        inner.finish();
    }
    if let Some(engine) = map.get("engine") {
        settings.engine = read_engine(map.decoder(), engine);
    }
    if let Some(mut inner) = map.map("attributes") {
        let names: Vec<String> = inner.node().entries().iter().map(|e| e.key.clone()).collect();
        for name in names {
            if let Some(kind) = inner.choice(&name, &crate::flags::ATTRIBUTE_TYPES) {
                settings.attributes.insert(name, kind);
            }
        }
    }
    for mut inner in map.maps("sdk") {
        let connection = read_connection(&mut inner);
        if settings.sdk.iter().any(|c| c.key == connection.key) {
            inner.error(
                "duplicate-name",
                "key",
                format!("the client key `{}` is given twice", connection.key),
            );
        }
        inner.finish();
        settings.sdk.push(connection);
    }
    if let Some(inner) = map.map("flags") {
        settings.flags = read_flags(inner);
    }
    settings.people = map
        .list("people")
        .iter()
        .filter_map(|p| read_person(map.decoder(), p))
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    for (person, node) in settings.people.iter().zip(map.list("people")) {
        if !seen.insert(person.name.clone()) {
            map.decoder().error(
                "duplicate-name",
                node.place,
                format!("the person `{}` is listed twice", person.name),
            );
        }
    }
    settings.portfolio = super::portfolio::read(&mut map, settings);
    for mut inner in map.maps("protected") {
        let protection = super::protected::read(&mut inner, settings);
        if settings.protected.iter().any(|p| p.policy == protection.policy) {
            let message = format!("the policy `{}` is given twice", protection.policy);
            inner.error("duplicate-name", "policy", message);
        }
        inner.finish();
        settings.protected.push(protection);
    }
    map.finish();
}

/// Where what runs log may be kept. What is a secret does not stand in the address.
fn tracking(place: &str) -> Result<(), String> {
    let named = |rest: Option<&str>| rest.is_some_and(|r| !r.trim().is_empty());
    if named(place.strip_prefix("env:")) || named(place.strip_prefix("file:")) {
        return Ok(());
    }
    let url = place
        .strip_prefix("postgresql://")
        .or(place.strip_prefix("postgres://"));
    let Some(url) = url else {
        return Err("`tracking` is no reference to a PostgreSQL database".to_owned());
    };
    let user = url
        .split('/')
        .next()
        .unwrap_or_default()
        .rsplit_once('@')
        .map_or("", |(user, _)| user);
    match user.contains(':') || url.contains("password=") {
        true => Err("`tracking` carries a password: refer to it by `env:NAME` or `file:PATH`".to_owned()),
        false => Ok(()),
    }
}

/// Where files may be kept. What is a secret does not stand in the address.
fn artifacts(place: &str) -> Result<(), String> {
    let Some((scheme, rest)) = place.split_once("://") else {
        return match place.trim().is_empty() {
            true => Err("`artifacts` names no place".to_owned()),
            false => Ok(()),
        };
    };
    if !matches!(scheme, "file" | "s3" | "s3a" | "gs" | "az" | "abfs" | "abfss" | "azure") {
        return Err(format!("`artifacts` lies on `{scheme}://`, which is not known"));
    }
    let bucket = rest.split('/').next().unwrap_or_default();
    if rest.contains('?')
        || bucket
            .split('@')
            .next()
            .is_some_and(|user| bucket.contains('@') && user.contains(':'))
    {
        return Err("`artifacts` carries credentials: they come from the environment".to_owned());
    }
    match scheme != "file" && bucket.is_empty() {
        true => Err("`artifacts` names no bucket".to_owned()),
        false => Ok(()),
    }
}

/// Names that jiff's bundled or system data knows are let through; a name near to a common one gets a hint.
fn check_zone(map: &MapReader<'_>, zone: &str) {
    const COMMON: [&str; 12] = [
        "UTC",
        "Europe/Berlin",
        "Europe/London",
        "Europe/Paris",
        "Europe/Madrid",
        "Europe/Amsterdam",
        "Europe/Zurich",
        "America/New_York",
        "America/Chicago",
        "America/Los_Angeles",
        "Asia/Tokyo",
        "Asia/Kolkata",
    ];
    if !zone.contains('/')
        && !matches!(
            zone,
            "UTC" | "GMT" | "Etc" | "CET" | "EET" | "WET" | "MET" | "Japan" | "Israel"
        )
    {
        let problem = Diagnostic::error(
            "bad-value",
            map.value_span("time_zone"),
            format!("`{zone}` is not the name of a time zone"),
        );
        let near = nearest(zone, COMMON).or_else(|| COMMON.into_iter().find(|c| c.ends_with(&format!("/{zone}"))));
        map.decoder().report(
            problem
                .expected("an IANA name such as `Europe/Berlin`, or `UTC`")
                .did_you_mean(near),
        );
    }
}

fn read_engine(decoder: &Decoder, node: &yaml::Node) -> EngineSettings {
    const KINDS: [&str; 2] = ["datafusion", "postgres"];
    let mut engine = EngineSettings {
        kind: "datafusion".to_owned(),
        ..Default::default()
    };
    if matches!(node.value, yaml::Value::Str(_)) {
        engine.kind = decoder.choice(node, "`engine`", &KINDS).unwrap_or(engine.kind);
        return engine;
    }
    let Some(mut map) = decoder.map(node, "`engine`") else {
        return engine;
    };
    engine.kind = map.choice("kind", &KINDS).unwrap_or(engine.kind);
    engine.memory_mib = map.count("memory_mib");
    engine.url = map.text("url");
    by_reference(&map, "url", engine.url.as_deref(), "the connection address");
    if engine.kind == "postgres" && engine.url.is_none() {
        let problem = Diagnostic::error("missing-key", map.span(), "the engine `postgres` has no `url`");
        decoder.report(problem.expected("a reference to a secret: `env:NAME` or `file:PATH`"));
    }
    map.finish();
    engine
}

fn read_flags(mut map: MapReader<'_>) -> FlagSettings {
    let usual = FlagSettings::default();
    let guard_seconds = map.duration_seconds("guard_every");
    if guard_seconds == Some(0) {
        map.error(
            "bad-value",
            "guard_every",
            "guards cannot look without a pause: give `1s` or more",
        );
    }
    let ofrep_rate = map.number("ofrep_rate");
    if ofrep_rate.is_some_and(|rate| rate <= 0.0) {
        map.error("bad-value", "ofrep_rate", "`ofrep_rate` is requests a second, above 0");
    }
    map.finish();
    FlagSettings {
        guard_seconds: guard_seconds.filter(|s| *s > 0).unwrap_or(usual.guard_seconds),
        ofrep_rate: ofrep_rate.filter(|rate| *rate > 0.0),
    }
}

fn read_connection(map: &mut MapReader<'_>) -> SdkConnection {
    let connection = SdkConnection {
        key: map.required_text("key"),
        encryption: map.text("encryption"),
        remote: map.boolean("remote").unwrap_or_default(),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !connection.key.chars().all(plain) {
        let message = format!("the client key `{}` does not fit into an address", connection.key);
        map.error("bad-value", "key", message);
    }
    by_reference(
        map,
        "encryption",
        connection.encryption.as_deref(),
        "the encryption key",
    );
    if connection.remote && connection.encryption.is_some() {
        let message = "`remote` gives nothing out that could be encrypted: leave `encryption` out";
        map.error("bad-value", "encryption", message);
    }
    connection
}

/// A secret in the folder would end in git; it is not echoed either.
fn by_reference(map: &MapReader<'_>, key: &str, given: Option<&str>, what: &str) {
    if given.is_some_and(|text| !(text.starts_with("env:") || text.starts_with("file:"))) {
        let message = format!("{what} is written out in the project folder");
        let problem = Diagnostic::error("secret-in-text", map.value_span(key), message);
        map.decoder()
            .report(problem.expected("a reference to a secret: `env:NAME` or `file:PATH`"));
    }
}

fn read_person(decoder: &Decoder, node: &yaml::Node) -> Option<Person> {
    if let Some(name) = node.as_str() {
        return Some(Person {
            name: name.to_owned(),
            ..Default::default()
        });
    }
    let mut map = decoder.map(node, "a person")?;
    let person = Person {
        name: map.required_text("name"),
        label: map.text("label"),
        email: map.text("email"),
        team: map.text("team"),
    };
    map.finish();
    Some(person)
}
