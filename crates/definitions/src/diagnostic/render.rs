//! Problems for people: the message, the line, and a caret below what is wrong.

use std::fmt::Write as _;

use super::{Diagnostic, Severity};
use crate::project::Source;

/// The widest piece of a source line that is shown, in characters.
const WIDTH: usize = 140;

/// Writes all problems with their source lines. Empty if there are none. With `colour`, in ANSI
/// colours: the caller knows whether it writes to a terminal.
///
/// Control characters of the sources are replaced, so that a hostile file cannot write to the terminal.
pub fn render(problems: &[Diagnostic], sources: &[Source], colour: bool) -> String {
    let mut out = String::new();
    for problem in problems {
        one(problem, sources, colour, &mut out);
        out.push('\n');
    }
    out
}

fn one(problem: &Diagnostic, sources: &[Source], colour: bool, out: &mut String) {
    let paint = |text: String, code: &str| {
        if colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text
        }
    };
    let tone = if problem.severity == Severity::Error {
        "1;31"
    } else {
        "1;33"
    };
    let head = paint(format!("{}[{}]", problem.severity, problem.code), tone);
    let _ = writeln!(out, "{head}: {}", paint(printable(&problem.message), "1"));
    let _ = writeln!(out, "  --> {}", printable(&problem.span.to_string()));
    if let Some(line) = source_line(problem, sources) {
        let number = problem.span.line.to_string();
        let gutter = " ".repeat(number.len());
        let column = usize::try_from(problem.span.column).unwrap_or(usize::MAX).max(1) - 1;
        // Tabs count as one character, so that the caret stands where the column says.
        let shown: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let from = if column + 20 > WIDTH {
            (column + 20 - WIDTH).min(shown.len())
        } else {
            0
        };
        let piece: String = shown.iter().skip(from).take(WIDTH).collect();
        let _ = writeln!(out, "{gutter} |\n{number} | {}", piece.trim_end());
        if problem.span.column > 0 && column <= shown.len() {
            let caret = paint("^".repeat(length(&shown, column).min(WIDTH)), tone);
            let _ = writeln!(out, "{gutter} | {}{caret}", " ".repeat(column - from));
        }
    }
    if let Some(expected) = &problem.expected {
        let _ = writeln!(out, "  = expected {}", printable(expected));
    }
    if let Some(hint) = &problem.hint {
        let _ = writeln!(out, "  = {}", printable(hint));
    }
}

fn source_line<'a>(problem: &Diagnostic, sources: &'a [Source]) -> Option<&'a str> {
    let index = usize::try_from(problem.span.line).ok()?.checked_sub(1)?;
    let text = &sources.iter().find(|s| s.path == problem.span.file)?.text;
    text.strip_prefix('\u{feff}').unwrap_or(text).lines().nth(index)
}

/// How many characters belong to what starts at the column: a quoted text, or all up to the next separator.
fn length(line: &[char], column: usize) -> usize {
    let rest = line.get(column..).unwrap_or_default();
    let length = match rest.first() {
        Some(quote @ ('"' | '\'' | '`')) => rest.iter().skip(1).position(|c| c == quote).map_or(1, |end| end + 2),
        _ => rest
            .iter()
            .position(|c| c.is_whitespace() || matches!(c, ':' | ',' | '{' | '}' | '[' | ']' | '#'))
            .unwrap_or(rest.len()),
    };
    length.max(1)
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
