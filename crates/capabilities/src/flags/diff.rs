//! Lines of a text that change.

use serde::Serialize;

/// Lines around a change that are shown with it.
const AROUND: usize = 2;
/// Largest table of common lines; beyond it, what differs is shown as one block.
const TABLE: usize = 1 << 22;

/// A line of a diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiffLine {
    /// ` ` stays, `-` goes, `+` comes, `…` stands for lines left out.
    pub sign: char,
    /// Its number in the text before (in the text after, for `+`), from 1.
    pub number: usize,
    /// The line.
    pub text: String,
}

/// What differs between two texts, line by line.
pub fn diff(before: &str, after: &str) -> Vec<DiffLine> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let middle = |lines: &[&'_ str]| lines.len() - tail;
    let (gone, come) = (
        old_rest.get(..middle(old_rest)).unwrap_or_default(),
        new_rest.get(..middle(new_rest)).unwrap_or_default(),
    );
    let mut all = Vec::new();
    let mut line = |sign, number: usize, text: &str| {
        all.push(DiffLine {
            sign,
            number: number + 1,
            text: text.to_owned(),
        });
    };
    for (at, text) in old.iter().take(head).enumerate() {
        line(' ', at, text);
    }
    let (mut i, mut j) = (0, 0);
    for (a, b) in common(gone, come).into_iter().chain([(gone.len(), come.len())]) {
        gone.get(i..a)
            .unwrap_or_default()
            .iter()
            .enumerate()
            .for_each(|(n, t)| line('-', head + i + n, t));
        come.get(j..b)
            .unwrap_or_default()
            .iter()
            .enumerate()
            .for_each(|(n, t)| line('+', head + j + n, t));
        if let Some(text) = gone.get(a) {
            line(' ', head + a, text);
        }
        (i, j) = (a + 1, b + 1);
    }
    for (at, text) in old.iter().enumerate().skip(old.len() - tail) {
        line(' ', at, text);
    }
    near(all)
}

/// Places of the longest common lines of both.
fn common(a: &[&str], b: &[&str]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    if a.len().saturating_mul(width) > TABLE {
        return Vec::new();
    }
    let mut longest = vec![0u32; (a.len() + 1) * width];
    let at = |i: usize, j: usize| i * width + j;
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let get = |place: usize| longest.get(place).copied().unwrap_or(0);
            let value = if x == y {
                get(at(i + 1, j + 1)) + 1
            } else {
                get(at(i + 1, j)).max(get(at(i, j + 1)))
            };
            if let Some(place) = longest.get_mut(at(i, j)) {
                *place = value;
            }
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let get = |place: usize| longest.get(place).copied().unwrap_or(0);
        if x == y {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if get(at(i + 1, j)) >= get(at(i, j + 1)) {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

/// Only what stands near a change.
fn near(lines: Vec<DiffLine>) -> Vec<DiffLine> {
    let changes: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, l)| l.sign != ' ')
        .map(|(at, _)| at)
        .collect();
    let mut kept: Vec<DiffLine> = Vec::new();
    let mut left_out = false;
    for (at, line) in lines.into_iter().enumerate() {
        let next = changes.partition_point(|c| *c < at);
        let close = |c: Option<&usize>| c.is_some_and(|c| c.abs_diff(at) <= AROUND);
        if close(changes.get(next)) || close(next.checked_sub(1).and_then(|n| changes.get(n))) {
            if left_out && !kept.is_empty() {
                kept.push(DiffLine {
                    sign: '…',
                    number: line.number,
                    text: String::new(),
                });
            }
            left_out = false;
            kept.push(line);
        } else {
            left_out = true;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::diff;

    #[test]
    fn only_what_changes_is_shown_with_its_neighbours() {
        let before: Vec<String> = (1..=20).map(|n| format!("line {n}")).collect();
        let mut after = before.clone();
        after[4] = "other".into();
        after.remove(10);
        after.insert(15, "new".into());
        let found = diff(&before.join("\n"), &after.join("\n"));
        let shown: Vec<String> = found
            .iter()
            .map(|l| format!("{}{} {}", l.sign, l.number, l.text))
            .collect();
        let expected = [
            " 3 line 3",
            " 4 line 4",
            "-5 line 5",
            "+5 other",
            " 6 line 6",
            " 7 line 7",
            "…9 ",
            " 9 line 9",
            " 10 line 10",
            "-11 line 11",
            " 12 line 12",
            " 13 line 13",
            "…15 ",
            " 15 line 15",
            " 16 line 16",
            "+16 new",
            " 17 line 17",
            " 18 line 18",
        ];
        assert_eq!(shown, expected);
        assert!(diff("a\nb", "a\nb").is_empty());
        assert_eq!(diff("", "a").len(), 1);
    }
}
