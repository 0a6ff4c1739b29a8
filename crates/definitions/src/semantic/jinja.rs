//! Jinja in dbt's filters: `{{ Dimension('user__country') }}` is the name `user__country`.

/// Grains that a name may end with.
pub const GRAINS: [&str; 11] = [
    "nanosecond",
    "microsecond",
    "millisecond",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "year",
];

/// Replaces every `{{ … }}` by the name that it stands for.
///
/// # Errors
/// What is wrong, to be put after the filter's text.
pub fn resolve(text: &str) -> Result<String, String> {
    if text.contains("{%") || text.contains("{#") {
        return Err(
            "holds Jinja statements or comments; only `{{ Dimension('…') }}` and its like are accepted".to_owned(),
        );
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((call, behind)) = after.split_once("}}") else {
            return Err("opens `{{` and does not close it".to_owned());
        };
        out.push_str(before);
        out.push_str(&name(call.trim())?);
        rest = behind;
    }
    if rest.contains("}}") {
        return Err("closes `}}` without opening it".to_owned());
    }
    out.push_str(rest);
    Ok(out)
}

/// `TimeDimension('order__ts', 'day')` → `order__ts__day`.
fn name(call: &str) -> Result<String, String> {
    let refuse = |why: &str| Err(format!("holds `{{{{ {call} }}}}`, {why}"));
    let Some((function, arguments, rest)) = split_call(call) else {
        return refuse("which is no call such as `Dimension('user__country')`");
    };
    let arguments = match parse_arguments(arguments) {
        Ok(arguments) => arguments,
        Err(why) => return refuse(&why),
    };
    let named = |key: &str| arguments.iter().find(|a| a.key == Some(key)).map(|a| &a.values);
    let by_position = |index: usize| {
        arguments
            .iter()
            .filter(|a| a.key.is_none())
            .nth(index)
            .map(|a| &a.values)
    };
    let one = |values: Option<&Vec<String>>| values.and_then(|v| v.first().cloned());
    let allowed: &[&str] = match function {
        "Dimension" => &["name", "entity_path"],
        "TimeDimension" => &[
            "time_dimension_name",
            "time_granularity_name",
            "name",
            "grain",
            "entity_path",
        ],
        "Entity" => &["entity_name", "name", "entity_path"],
        "Metric" => {
            return refuse(
                "a metric as a condition; filter by dimensions, or make the metric's value a column of a dataset",
            );
        }
        _ => return refuse("which is not one of `Dimension`, `TimeDimension`, `Entity`"),
    };
    if let Some(other) = arguments.iter().filter_map(|a| a.key).find(|k| !allowed.contains(k)) {
        return refuse(&format!("whose argument `{other}` is not supported"));
    }
    let positions = if function == "TimeDimension" { 3 } else { 2 };
    if arguments.iter().filter(|a| a.key.is_none()).count() > positions {
        return refuse("which has too many arguments");
    }
    let first = one(by_position(0))
        .or_else(|| one(named("name")))
        .or_else(|| one(named("time_dimension_name")))
        .or_else(|| one(named("entity_name")));
    let Some(first) = first else {
        return refuse("which names nothing");
    };
    let path_position = if function == "TimeDimension" { 2 } else { 1 };
    let mut parts: Vec<String> = named("entity_path")
        .or_else(|| by_position(path_position))
        .cloned()
        .unwrap_or_default();
    parts.push(first);
    let mut grain = None;
    if function == "TimeDimension" {
        grain = one(named("time_granularity_name"))
            .or_else(|| one(named("grain")))
            .or_else(|| one(by_position(1)));
    }
    if !rest.is_empty() {
        match split_call(rest.trim_start_matches('.').trim()) {
            Some(("grain", argument, "")) if function != "Entity" && rest.starts_with('.') => {
                grain = parse_arguments(argument)
                    .ok()
                    .and_then(|a| a.first()?.values.first().cloned());
            }
            _ => return refuse("of which only `.grain('…')` may follow"),
        }
    }
    if let Some(grain) = grain {
        let grain = grain.to_lowercase();
        if !GRAINS.contains(&grain.as_str()) {
            return refuse(&format!("whose grain `{grain}` is unknown"));
        }
        parts.push(grain);
    }
    let name = parts.join("__");
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if plain {
        Ok(name)
    } else {
        refuse("whose name is not made of letters, digits and `_`")
    }
}

/// Function, arguments and what follows; strings may hold brackets.
fn split_call(text: &str) -> Option<(&str, &str, &str)> {
    let (function, rest) = text.split_once('(')?;
    let mut quote = None;
    for (at, c) in rest.char_indices() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == ')' => return Some((function.trim(), rest.get(..at)?, rest.get(at + 1..)?.trim())),
            None => {}
        }
    }
    None
}

struct Argument<'t> {
    key: Option<&'t str>,
    values: Vec<String>,
}

/// `'a', grain='day', entity_path=['user', "account"]`.
fn parse_arguments(text: &str) -> Result<Vec<Argument<'_>>, String> {
    let mut all = Vec::new();
    for piece in split_outside(text) {
        let piece = piece.trim();
        if piece.is_empty() {
            continue;
        }
        let (key, value) = match piece.split_once('=') {
            Some((key, value)) if !key.contains(['\'', '"']) => (Some(key.trim()), value.trim()),
            _ => (None, piece),
        };
        let values = match value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
            Some(list) => split_outside(list)
                .into_iter()
                .filter(|v| !v.trim().is_empty())
                .map(|v| unquote(v.trim()))
                .collect::<Result<_, _>>()?,
            None => vec![unquote(value)?],
        };
        all.push(Argument { key, values });
    }
    Ok(all)
}

/// Pieces between commas that stand outside quotes and square brackets.
fn split_outside(text: &str) -> Vec<&str> {
    let (mut pieces, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_i32, None);
    for (at, c) in text.char_indices() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '"' => quote = Some(c),
                '[' => depth += 1,
                ']' => depth -= 1,
                ',' if depth == 0 => {
                    pieces.push(text.get(start..at).unwrap_or_default());
                    start = at + 1;
                }
                _ => {}
            },
        }
    }
    pieces.push(text.get(start..).unwrap_or_default());
    pieces
}

fn unquote(text: &str) -> Result<String, String> {
    let inner = ['\'', '"']
        .into_iter()
        .find_map(|q| text.strip_prefix(q)?.strip_suffix(q))
        .filter(|inner| !inner.contains(['\'', '"', '\\']));
    inner
        .map(|t| t.trim().to_owned())
        .ok_or_else(|| format!("whose argument `{text}` is no text in quotes"))
}
