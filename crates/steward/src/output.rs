//! What commands print: words for people on a terminal, one JSON document with `--json`.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Prints a value as one JSON document.
pub fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::world(format!("cannot write JSON: {e}")))?;
    text_line(&text)
}

/// Prints text and a line end; a closed pipe ends quietly.
pub fn text_line(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())?;
    if text.ends_with('\n') { Ok(()) } else { bytes(b"\n") }
}

/// Prints bytes; a closed pipe ends quietly.
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(bytes) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::world(format!("cannot write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// Aligned columns.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|h| h.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut out = String::new();
        for (cell, width) in cells.zip(&widths) {
            out.push_str(cell);
            out.extend(std::iter::repeat_n(
                ' ',
                width + 2 - cell.chars().count().min(width + 2),
            ));
        }
        out.trim_end().to_string()
    };
    let mut out = vec![bold(&line(&mut header.iter().copied()))];
    out.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    out.join("\n")
}

/// Whether standard output and error may be coloured: a terminal, and `NO_COLOR` not set.
pub fn colour() -> bool {
    std::env::var_os("NO_COLOR").is_none() && std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}

fn paint(code: &str, text: &str) -> String {
    if colour() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_string()
    }
}

/// Red on a terminal.
pub fn red(text: &str) -> String {
    paint("31;1", text)
}

/// Green on a terminal.
pub fn green(text: &str) -> String {
    paint("32;1", text)
}

/// Yellow on a terminal.
pub fn yellow(text: &str) -> String {
    paint("33;1", text)
}

/// Bold on a terminal.
pub fn bold(text: &str) -> String {
    paint("1", text)
}
