//! Helvetica, which every reader has: widths (Adobe's font metrics, thousandths of the size) and encoding (WinAnsi).

/// A face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// Helvetica.
    Plain,
    /// Helvetica-Bold.
    Bold,
}

impl Face {
    /// Its name among a page's fonts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Face::Plain => "F1",
            Face::Bold => "F2",
        }
    }
}

/// Widths of codes 32 to 255.
#[rustfmt::skip]
const PLAIN: [u16; 224] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, 350,
    556, 350, 222, 556, 333, 1000, 556, 556, 333, 1000, 667, 333, 1000, 350, 611, 350,
    350, 222, 222, 333, 333, 350, 556, 1000, 333, 1000, 500, 333, 944, 350, 500, 667,
    278, 333, 556, 556, 556, 556, 260, 556, 333, 737, 370, 556, 584, 333, 737, 333,
    400, 584, 333, 333, 333, 556, 537, 278, 333, 333, 365, 556, 834, 834, 834, 611,
    667, 667, 667, 667, 667, 667, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278,
    722, 722, 778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611,
    556, 556, 556, 556, 556, 556, 889, 500, 556, 556, 556, 556, 278, 278, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 584, 611, 556, 556, 556, 556, 500, 556, 500,
];
#[rustfmt::skip]
const BOLD: [u16; 224] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
    975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
    333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
    611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584, 350,
    556, 350, 278, 556, 500, 1000, 556, 556, 333, 1000, 667, 333, 1000, 350, 611, 350,
    350, 278, 278, 500, 500, 350, 556, 1000, 333, 1000, 556, 333, 944, 350, 500, 667,
    278, 333, 556, 556, 556, 556, 280, 556, 333, 737, 370, 556, 584, 333, 737, 333,
    400, 584, 333, 333, 333, 611, 556, 278, 333, 333, 365, 556, 834, 834, 834, 611,
    722, 722, 722, 722, 722, 722, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278,
    722, 722, 778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611,
    556, 556, 556, 556, 556, 556, 889, 556, 556, 556, 556, 556, 278, 278, 278, 278,
    611, 611, 611, 611, 611, 611, 611, 584, 611, 611, 611, 611, 611, 556, 611, 556,
];

/// Codes 0x80 to 0x9f of WinAnsi.
const UPPER: [char; 32] = [
    '\u{20ac}', '\u{2022}', '\u{201a}', '\u{0192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{02c6}',
    '\u{2030}', '\u{0160}', '\u{2039}', '\u{0152}', '\u{2022}', '\u{017d}', '\u{2022}', '\u{2022}', '\u{2018}',
    '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{02dc}', '\u{2122}', '\u{0161}',
    '\u{203a}', '\u{0153}', '\u{2022}', '\u{017e}', '\u{0178}',
];

/// The code of a character; what WinAnsi does not have becomes what looks most like it, else a question mark.
fn code(c: char) -> u8 {
    match c {
        ' '..='~' => c as u8,
        '\u{a0}'..='\u{ff}' => c as u32 as u8,
        '\u{2212}' => 0x96,
        '\u{2011}' | '\u{2010}' => b'-',
        '\u{00}'..='\u{1f}' | '\u{2009}' | '\u{202f}' => b' ',
        c => UPPER.iter().position(|u| *u == c).map_or(b'?', |i| 0x80 + i as u8),
    }
}

/// Text in WinAnsi.
pub(super) fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2265}' => out.extend(b">="),
            '\u{2264}' => out.extend(b"<="),
            '\u{2192}' => out.extend(b"->"),
            c => out.push(code(c)),
        }
    }
    out
}

/// The width of a text in points.
pub(super) fn width(text: &str, face: Face, size: f64) -> f64 {
    let table = match face {
        Face::Plain => &PLAIN,
        Face::Bold => &BOLD,
    };
    let sum: u32 = encode(text)
        .iter()
        .map(|c| {
            table
                .get(usize::from(*c).saturating_sub(32))
                .map_or(556, |w| u32::from(*w))
        })
        .sum();
    f64::from(sum) * size / 1000.0
}

/// Lines no wider than `wide`; words that are wider themselves are cut.
pub(super) fn wrap(text: &str, face: Face, size: f64, wide: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if width(&longer, face, size) <= wide {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            line.push(c);
            if width(&line, face, size) > wide && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::take(&mut line));
                line.push(c);
            }
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_wide_as_the_metrics_say() {
        // H 722, e 556, l 222, l 222, o 556.
        assert!((width("Hello", Face::Plain, 10.0) - 22.78).abs() < 1e-9);
        assert_eq!(encode("−5 € ≥"), [0x96, b'5', b' ', 0x80, b' ', b'>', b'=']);
        let lines = wrap("a bb ccc dddd eeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", Face::Plain, 10.0, 40.0);
        assert!(
            lines.len() > 4 && lines.iter().all(|l| width(l, Face::Plain, 10.0) <= 40.0),
            "{lines:?}"
        );
    }
}
