//! Regular expressions of conditions: JavaScript's syntax without the `u` flag, as far as it can be matched in linear time.
//!
//! JavaScript matches UTF-16 code units. The translated expression works on a text in which every astral character is
//! written as its two surrogates, each mapped into the last private plane; [`units`] writes a text so. Texts without astral
//! characters stand for themselves.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

use super::shape::Shape;

/// Why an expression is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// JavaScript refuses it too.
    #[error("it is no regular expression: {0}")]
    Invalid(String),
    /// It needs backtracking, whose time is not bounded.
    #[error("{0} cannot be matched in linear time")]
    Unsupported(&'static str),
    /// Clients that backtrack could hang on it.
    #[error("`{0}` repeats what can be read in several ways: clients that backtrack hang on some texts")]
    Catastrophic(String),
    /// It would need too much memory.
    #[error("its repetitions expand to more than {MAX_SIZE} parts")]
    TooLarge,
}

/// Most parts that an expression may expand to.
pub const MAX_SIZE: u64 = 5_000;
const MAX_DEPTH: usize = 60;
/// Where the mapped surrogates begin: 0xD800 is written as this.
const SURROGATES: u32 = 0x0010_F800;

pub(super) type Ranges = Vec<(u16, u16)>;

/// A text as code units: astral characters become two mapped surrogates.
pub fn units(text: &str) -> String {
    text.encode_utf16().filter_map(unit_char).collect()
}

/// Whether [`units`] changes the text.
pub fn has_astral(text: &str) -> bool {
    text.as_bytes().iter().any(|b| *b >= 0xF0)
}

fn unit_char(unit: u16) -> Option<char> {
    let code = u32::from(unit);
    char::from_u32(if (0xD800..0xE000).contains(&code) {
        code - 0xD800 + SURROGATES
    } else {
        code
    })
}

/// Writes an expression in the syntax of the `regex` crate (for its `bytes` module, Unicode on), to be searched in [`units`].
pub fn translate(pattern: &str, insensitive: bool) -> Result<String, PatternError> {
    let mut reader = Reader {
        units: pattern.encode_utf16().collect(),
        at: 0,
        insensitive,
        depth: 0,
    };
    let part = reader.alternatives()?;
    if reader.at < reader.units.len() {
        return Err(PatternError::Invalid("unmatched `)`".to_owned()));
    }
    if part.size > MAX_SIZE {
        return Err(PatternError::TooLarge);
    }
    Ok(part.text)
}

/// Refuses what [`translate`] refuses, and what would hang clients that backtrack.
pub fn check(pattern: &str) -> Result<(), PatternError> {
    let mut reader = Reader {
        units: pattern.encode_utf16().collect(),
        at: 0,
        insensitive: false,
        depth: 0,
    };
    let part = reader.alternatives()?;
    if reader.at < reader.units.len() {
        return Err(PatternError::Invalid("unmatched `)`".to_owned()));
    }
    if let Some(text) = part.nested {
        return Err(PatternError::Catastrophic(text));
    }
    if part.size > MAX_SIZE {
        return Err(PatternError::TooLarge);
    }
    Ok(())
}

/// A piece of the expression, translated.
#[derive(Default)]
struct Part {
    text: String,
    /// Parts after expanding repetitions.
    size: u64,
    /// Holds a repetition without bound, or of more than a few.
    repeats: bool,
    /// A repetition of a repetition, or of what can be read in several ways, as written.
    nested: Option<String>,
    shape: Shape,
}

struct Reader {
    units: Vec<u16>,
    at: usize,
    insensitive: bool,
    depth: usize,
}

fn unit(c: char) -> u16 {
    c as u16
}

impl Reader {
    fn peek(&self) -> Option<u16> {
        self.units.get(self.at).copied()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(unit(c));
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Option<u16> {
        let found = self.peek();
        self.at += usize::from(found.is_some());
        found
    }

    fn alternatives(&mut self) -> Result<Part, PatternError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(PatternError::TooLarge);
        }
        let mut whole = self.sequence()?;
        while self.eat('|') {
            let next = self.sequence()?;
            whole.text.push('|');
            let shape = std::mem::take(&mut whole.shape).or(&next.shape);
            whole.add(next);
            whole.shape = shape;
        }
        self.depth -= 1;
        Ok(whole)
    }

    fn sequence(&mut self) -> Result<Part, PatternError> {
        let mut whole = Part::default();
        while let Some(next) = self.peek() {
            if next == unit('|') || next == unit(')') {
                break;
            }
            let start = self.at;
            let (part, repeatable) = self.atom()?;
            let part = self.quantified(part, repeatable, start)?;
            let shape = std::mem::take(&mut whole.shape).then(&part.shape);
            whole.add(part);
            whole.shape = shape;
        }
        Ok(whole)
    }

    fn atom(&mut self) -> Result<(Part, bool), PatternError> {
        let Some(next) = self.next() else {
            return Ok((Part::default(), false));
        };
        let assertion = |text: &str| {
            let text = text.to_owned();
            let size = 1;
            Part {
                text,
                size,
                ..Part::default()
            }
        };
        Ok(match char::from_u32(u32::from(next)) {
            Some('^') => (assertion(r"\A"), false),
            Some('$') => (assertion(r"\z"), false),
            Some('(') => (self.group()?, true),
            Some('.') => {
                let breaks = vec![(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)];
                (Part::class(&complement(breaks)), true)
            }
            Some('[') => (self.class()?, true),
            Some('\\') => self.escape()?,
            Some(c @ ('*' | '+' | '?')) => {
                return Err(PatternError::Invalid(format!("nothing to repeat before `{c}`")));
            }
            Some('{') => {
                self.at -= 1;
                let start = self.at;
                if self.bounds().is_some() {
                    return Err(PatternError::Invalid("nothing to repeat before `{`".to_owned()));
                }
                self.at = start + 1;
                (self.literal(next), true)
            }
            _ => (self.literal(next), true),
        })
    }

    fn literal(&self, unit: u16) -> Part {
        Part::class(&self.folded(vec![(unit, unit)]))
    }

    fn group(&mut self) -> Result<Part, PatternError> {
        if self.eat('?') {
            match self.next().and_then(|u| char::from_u32(u32::from(u))) {
                Some(':') => {}
                Some('=' | '!') => return Err(PatternError::Unsupported("a look-ahead")),
                Some('<') => match self.peek().and_then(|u| char::from_u32(u32::from(u))) {
                    Some('=' | '!') => return Err(PatternError::Unsupported("a look-behind")),
                    _ => return Err(PatternError::Unsupported("a named group")),
                },
                _ => return Err(PatternError::Invalid("unknown group `(?`".to_owned())),
            }
        }
        let mut inner = self.alternatives()?;
        if !self.eat(')') {
            return Err(PatternError::Invalid("a group is not closed".to_owned()));
        }
        inner.text = format!("(?:{})", inner.text);
        Ok(inner)
    }

    /// `{n}`, `{n,}`, `{n,m}`: consumed only if it is one.
    fn bounds(&mut self) -> Option<(u64, Option<u64>)> {
        let start = self.at;
        let mut read = || {
            if !self.eat('{') {
                return None;
            }
            let low = self.digits()?;
            let high = if self.eat(',') {
                if self.peek() == Some(unit('}')) {
                    None
                } else {
                    Some(self.digits()?)
                }
            } else {
                Some(low)
            };
            self.eat('}').then_some((low, high))
        };
        let found = read();
        if found.is_none() {
            self.at = start;
        }
        found
    }

    fn digits(&mut self) -> Option<u64> {
        let start = self.at;
        let mut value: u64 = 0;
        while let Some(digit) = self.peek().filter(|u| (0x30..=0x39).contains(u)) {
            value = value.saturating_mul(10).saturating_add(u64::from(digit - 0x30));
            self.at += 1;
        }
        (self.at > start).then_some(value)
    }

    fn quantified(&mut self, mut part: Part, repeatable: bool, start: usize) -> Result<Part, PatternError> {
        let (low, high) = if self.eat('*') {
            (0, None)
        } else if self.eat('+') {
            (1, None)
        } else if self.eat('?') {
            (0, Some(1))
        } else if let Some(bounds) = self.bounds() {
            bounds
        } else {
            return Ok(part);
        };
        if !repeatable {
            return Err(PatternError::Invalid("an assertion is repeated".to_owned()));
        }
        if high.is_some_and(|h| h < low) {
            return Err(PatternError::Invalid(
                "the bounds of a repetition are out of order".to_owned(),
            ));
        }
        self.eat('?');
        let many = high.is_none_or(|h| h > 4);
        if many && (part.repeats || part.shape.clashes_with_itself()) && part.nested.is_none() {
            part.nested = Some(String::from_utf16_lossy(
                self.units.get(start..self.at).unwrap_or_default(),
            ));
        }
        part.repeats |= many;
        part.shape = std::mem::take(&mut part.shape).times(low, high);
        part.size = part.size.max(1).saturating_mul(high.unwrap_or(low).max(1));
        if part.size > MAX_SIZE {
            return Err(PatternError::TooLarge);
        }
        let inner = std::mem::take(&mut part.text);
        let _ = match high {
            None => write!(part.text, "(?:{inner}){{{low},}}"),
            Some(high) => write!(part.text, "(?:{inner}){{{low},{high}}}"),
        };
        Ok(part)
    }

    fn escape(&mut self) -> Result<(Part, bool), PatternError> {
        let word = |text: &str| {
            let text = text.to_owned();
            let size = 1;
            (
                Part {
                    text,
                    size,
                    ..Part::default()
                },
                false,
            )
        };
        match self.peek().and_then(|u| char::from_u32(u32::from(u))) {
            None => return Err(PatternError::Invalid(r"`\` at the end".to_owned())),
            Some('b') => {
                self.at += 1;
                return Ok(word(r"(?-u:\b)"));
            }
            Some('B') => {
                self.at += 1;
                return Ok(word(r"(?-u:\B)"));
            }
            Some('1'..='9') => return Err(PatternError::Unsupported("a back-reference")),
            Some('k') => return Err(PatternError::Unsupported("a named back-reference")),
            _ => {}
        }
        let set = self.escaped()?;
        let set = match set {
            Escaped::Unit(unit) => self.folded(vec![(unit, unit)]),
            Escaped::Set(set) => self.folded(set),
        };
        Ok((Part::class(&set), true))
    }

    /// What a backslash says, outside and inside of classes.
    fn escaped(&mut self) -> Result<Escaped, PatternError> {
        let Some(next) = self.next() else {
            return Err(PatternError::Invalid(r"`\` at the end".to_owned()));
        };
        let digit = || vec![(0x30, 0x39)];
        let word = || vec![(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];
        Ok(match char::from_u32(u32::from(next)) {
            Some('d') => Escaped::Set(digit()),
            Some('D') => Escaped::Set(complement(digit())),
            Some('w') => Escaped::Set(word()),
            Some('W') => Escaped::Set(complement(word())),
            Some('s') => Escaped::Set(spaces()),
            Some('S') => Escaped::Set(complement(spaces())),
            Some('t') => Escaped::Unit(0x09),
            Some('n') => Escaped::Unit(0x0A),
            Some('v') => Escaped::Unit(0x0B),
            Some('f') => Escaped::Unit(0x0C),
            Some('r') => Escaped::Unit(0x0D),
            Some('0') if !self.peek().is_some_and(|u| (0x30..=0x39).contains(&u)) => Escaped::Unit(0),
            Some('0'..='9') => return Err(PatternError::Unsupported("an octal escape")),
            Some('c') => match self
                .peek()
                .filter(|u| u8::try_from(*u).is_ok_and(|b| b.is_ascii_alphabetic()))
            {
                Some(letter) => {
                    self.at += 1;
                    Escaped::Unit(letter % 32)
                }
                None => {
                    self.at -= 1;
                    Escaped::Unit(unit('\\'))
                }
            },
            Some('x') => self.hexadecimal(2).map_or(Escaped::Unit(next), Escaped::Unit),
            Some('u') => self.hexadecimal(4).map_or(Escaped::Unit(next), Escaped::Unit),
            _ => Escaped::Unit(next),
        })
    }

    fn hexadecimal(&mut self, count: usize) -> Option<u16> {
        let digits = self.units.get(self.at..self.at + count)?;
        let mut value: u32 = 0;
        for digit in digits {
            value = value * 16 + char::from_u32(u32::from(*digit))?.to_digit(16)?;
        }
        self.at += count;
        u16::try_from(value).ok()
    }

    fn class(&mut self) -> Result<Part, PatternError> {
        let negated = self.eat('^');
        let mut set: Ranges = Vec::new();
        loop {
            let open = || PatternError::Invalid("a class is not closed".to_owned());
            if self.peek().is_none() {
                return Err(open());
            }
            if self.eat(']') {
                break;
            }
            let first = self.class_atom()?;
            let dash = self.peek() == Some(unit('-')) && self.units.get(self.at + 1).is_some_and(|u| *u != unit(']'));
            if !dash {
                set.extend(first.ranges());
                continue;
            }
            self.at += 1;
            let last = self.class_atom()?;
            match (first, last) {
                (Escaped::Unit(low), Escaped::Unit(high)) if low <= high => set.push((low, high)),
                (Escaped::Unit(_), Escaped::Unit(_)) => {
                    return Err(PatternError::Invalid("a range in a class is out of order".to_owned()));
                }
                (first, last) => {
                    set.extend(first.ranges());
                    set.push((unit('-'), unit('-')));
                    set.extend(last.ranges());
                }
            }
        }
        let set = self.folded(set);
        Ok(Part::class(&if negated { complement(set) } else { set }))
    }

    fn class_atom(&mut self) -> Result<Escaped, PatternError> {
        let Some(next) = self.next() else {
            return Err(PatternError::Invalid("a class is not closed".to_owned()));
        };
        if next != unit('\\') {
            return Ok(Escaped::Unit(next));
        }
        if self.eat('b') {
            return Ok(Escaped::Unit(0x08));
        }
        if self.peek() == Some(unit('c')) {
            return Err(PatternError::Unsupported("a control escape in a class"));
        }
        self.escaped()
    }

    /// With everything that equals it when upper and lower case are one.
    fn folded(&self, set: Ranges) -> Ranges {
        if !self.insensitive {
            return set;
        }
        let (canonical, members) = folds();
        let mut more = Vec::new();
        for (unit, canon) in canonical {
            if set.iter().any(|(low, high)| (*low..=*high).contains(unit)) {
                more.extend(members.get(canon).into_iter().flatten().map(|u| (*u, *u)));
            }
        }
        let mut set = set;
        set.extend(more);
        set
    }
}

enum Escaped {
    Unit(u16),
    Set(Ranges),
}

impl Escaped {
    fn ranges(self) -> Ranges {
        match self {
            Escaped::Unit(unit) => vec![(unit, unit)],
            Escaped::Set(set) => set,
        }
    }
}

impl Part {
    fn add(&mut self, other: Part) {
        self.text.push_str(&other.text);
        self.size = self.size.saturating_add(other.size);
        self.repeats |= other.repeats;
        self.nested = self.nested.take().or(other.nested);
    }

    /// A class of code units.
    fn class(set: &Ranges) -> Part {
        let mut text = String::from("[");
        for (low, high) in merged(set) {
            let (low, high) = (u32::from(low), u32::from(high));
            for (low, high, shift) in [
                (low, high.min(0xD7FF), 0),
                (low.max(0xD800), high.min(0xDFFF), SURROGATES - 0xD800),
                (low.max(0xE000), high, 0),
            ] {
                if low <= high {
                    let _ = write!(text, "\\x{{{:X}}}-\\x{{{:X}}}", low + shift, high + shift);
                }
            }
        }
        text.push(']');
        if text == "[]" {
            // Matches nothing, as JavaScript's `[]`.
            text = r"[^\x{0}-\x{10FFFF}]".to_owned();
        }
        Part {
            text,
            size: 1,
            shape: Shape::of(&merged(set)),
            ..Part::default()
        }
    }
}

fn merged(set: &Ranges) -> Ranges {
    let mut sorted = set.clone();
    sorted.sort_unstable();
    let mut all: Ranges = Vec::new();
    for (low, high) in sorted {
        match all.last_mut() {
            Some(last) if u32::from(low) <= u32::from(last.1) + 1 => last.1 = last.1.max(high),
            _ => all.push((low, high)),
        }
    }
    all
}

fn complement(set: Ranges) -> Ranges {
    let (mut all, mut next) = (Vec::new(), 0u32);
    for (low, high) in merged(&set) {
        if let (Ok(from), Some(to)) = (u16::try_from(next), low.checked_sub(1))
            && next < u32::from(low)
        {
            all.push((from, to));
        }
        next = u32::from(high) + 1;
    }
    if let Ok(from) = u16::try_from(next) {
        all.push((from, u16::MAX));
    }
    all
}

fn spaces() -> Ranges {
    vec![
        (0x09, 0x0D),
        (0x20, 0x20),
        (0xA0, 0xA0),
        (0x1680, 0x1680),
        (0x2000, 0x200A),
        (0x2028, 0x2029),
        (0x202F, 0x202F),
        (0x205F, 0x205F),
        (0x3000, 0x3000),
        (0xFEFF, 0xFEFF),
    ]
}

type Folds = (Vec<(u16, u16)>, HashMap<u16, Vec<u16>>);

/// ECMA-262 Canonicalize without `u`: the upper case, if it is one code unit and does not fall into ASCII from outside.
fn folds() -> &'static Folds {
    static FOLDS: OnceLock<Folds> = OnceLock::new();
    FOLDS.get_or_init(|| {
        let mut members: HashMap<u16, Vec<u16>> = HashMap::new();
        for code in 0..=u16::MAX {
            members.entry(canonical(code)).or_default().push(code);
        }
        members.retain(|_, all| all.len() > 1);
        let mut all: Vec<(u16, u16)> = members.iter().flat_map(|(c, m)| m.iter().map(|u| (*u, *c))).collect();
        all.sort_unstable();
        (all, members)
    })
}

fn canonical(code: u16) -> u16 {
    let Some(c) = char::from_u32(u32::from(code)) else {
        return code;
    };
    let mut upper = c.to_uppercase();
    match (
        upper.next().and_then(|u| u16::try_from(u32::from(u)).ok()),
        upper.next(),
    ) {
        (Some(one), None) if !(code >= 128 && one < 128) => one,
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use super::{PatternError, check};

    #[test]
    fn refuses_what_hangs_or_is_wrong() {
        for bad in [
            r"(a+)+$",
            r"^(\w+\s?)*$",
            r"(?:.*)*x",
            r"((ab)*c?)+",
            r"(a|aa)*b",
            r"(\d|\w)+$",
            r"(aa?)*$",
            r"(a?a)+$",
            r"(?:x|y|xy){5,}",
            r"([a-z]|\w\d)*!",
            r"(a{1,2}){9}",
        ] {
            assert!(matches!(check(bad), Err(PatternError::Catastrophic(_))), "{bad}");
        }
        for bad in ["(", "[a", "a)", "*a", "a**", r"\", "[z-a]", "a{2,1}"] {
            assert!(matches!(check(bad), Err(PatternError::Invalid(_))), "{bad}");
        }
        for bad in [r"(?=a)", r"(a)\1", r"(?<!x)y"] {
            assert!(matches!(check(bad), Err(PatternError::Unsupported(_))), "{bad}");
        }
        assert_eq!(check("(?:a{1000}){1000}"), Err(PatternError::TooLarge));
        for good in [
            r"^[a-z]+@larkspur\.example$",
            r"a{,3}",
            "x{",
            r"(ab|cd)?e",
            r"^(foo|far|bar)+$",
            r"(ab?)*c",
            r"^([a-z]|\d)+$",
            r"(a|aa)b",
            r"(?:\d\d:){6}",
            r"^(?:[a-f]\d?)+$",
            r"^\d{1,3}(\.\d{1,3}){3}$",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }
}
