//! "Did you mean": the known word nearest to a mistyped one.

/// The candidate that `word` most likely stands for, if one is near enough to be worth naming.
///
/// Letter case, `-` against `_` and spaces do not count; beyond that, up to a third of the letters may differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = fold(word);
    let length = wanted.chars().count();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate == word {
            continue;
        }
        let folded = fold(candidate);
        let mut distance = strsim::osa_distance(&wanted, &folded);
        let allowed = (length.max(folded.chars().count()) / 3).max(1);
        // A whole word inside the other is a likely slip too: `visits` for `visit_count` is not, `country` for `user__country` is.
        if distance > allowed {
            let part = length >= 4 && folded.split("__").any(|p| p == wanted);
            if !part {
                continue;
            }
            distance = allowed;
        }
        if best.is_none_or(|(least, name)| (distance, candidate) < (least, name)) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, name)| name)
}

fn fold(word: &str) -> String {
    word.chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == '-' || c == ' ' { '_' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_named_and_strangers_are_not() {
        let known = ["revenue", "orders", "user__country", "visit_rate"];
        assert_eq!(nearest("revenu", known), Some("revenue"));
        assert_eq!(nearest("Visit-Rate", known), Some("visit_rate"));
        assert_eq!(nearest("country", known), Some("user__country"));
        assert_eq!(nearest("churn", known), None);
        assert_eq!(nearest("x", known), None);
    }
}
