//! Pages of A4 that fill from the top, with the tags of what stands on them.

use super::font::{self, Face};
use super::write::{Tag, document};

const HIGH: f64 = 842.0;
const WIDE: f64 = 595.0;
const TOP: f64 = HIGH - 54.0;
const BOTTOM: f64 = 54.0;
/// Left margin, in points.
pub(super) const LEFT: f64 = 54.0;
/// Width between the margins.
pub(super) const WIDTH: f64 = WIDE - 2.0 * LEFT;

/// Pages in the making.
pub(super) struct Paper {
    title: String,
    pages: Vec<Page>,
    y: f64,
    /// The tree of what is on the pages; open ones are indices into it.
    tags: Vec<Tag>,
    open: Vec<usize>,
}

/// One page: what is drawn, and which tag each marked piece belongs to.
#[derive(Default)]
pub(super) struct Page {
    pub(super) content: Vec<u8>,
    /// The tag of each marked piece, by its number on the page.
    pub(super) marks: Vec<usize>,
}

fn number(v: f64) -> String {
    let text = format!("{:.2}", if v == 0.0 { 0.0 } else { v });
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Paper {
    pub(super) fn new(title: &str) -> Paper {
        Paper {
            title: title.to_owned(),
            pages: vec![Page::default()],
            y: TOP,
            tags: Vec::new(),
            open: Vec::new(),
        }
    }

    pub(super) fn y(&self) -> f64 {
        self.y
    }

    pub(super) fn set_y(&mut self, y: f64) {
        self.y = y;
    }

    /// Leaves room between blocks.
    pub(super) fn gap(&mut self, points: f64) {
        self.y -= points;
    }

    /// Begins a page if so much does not fit on this one.
    pub(super) fn room(&mut self, points: f64) {
        if self.y - points < BOTTOM {
            self.pages.push(Page::default());
            self.y = TOP;
        }
    }

    /// Opens a tag.
    pub(super) fn open(&mut self, kind: &'static str) {
        let parent = self.open.last().copied();
        self.tags.push(Tag {
            kind,
            parent,
            alt: None,
            pieces: Vec::new(),
        });
        self.open.push(self.tags.len() - 1);
    }

    /// Closes the tag that was opened last.
    pub(super) fn close(&mut self) {
        self.open.pop();
    }

    /// A tagged block.
    pub(super) fn block(&mut self, kind: &'static str, draw: impl FnOnce(&mut Paper)) {
        self.open(kind);
        draw(self);
        self.close();
        self.gap(3.0);
    }

    /// A picture with the words that stand for it.
    pub(super) fn picture(&mut self, words: &str, draw: impl FnOnce(&mut Paper)) {
        self.open("Figure");
        if let Some(tag) = self.open.last().and_then(|t| self.tags.get_mut(*t)) {
            tag.alt = Some(words.to_owned());
        }
        self.mark("Figure");
        draw(self);
        self.put("EMC\n");
        self.close();
    }

    fn put(&mut self, operators: &str) {
        if let Some(page) = self.pages.last_mut() {
            page.content.extend(operators.as_bytes());
        }
    }

    /// Begins a marked piece of the open tag.
    fn mark(&mut self, kind: &str) {
        let page = self.pages.len() - 1;
        let Some(tag) = self.open.last().copied() else { return };
        let piece = self.pages[page].marks.len();
        self.pages[page].marks.push(tag);
        self.tags[tag].pieces.push((page, piece));
        self.put(&format!("/{kind} <</MCID {piece}>> BDC\n"));
    }

    /// Text over the whole width, wrapped, that goes on on the next page.
    pub(super) fn paragraph(&mut self, text: &str, face: Face, size: f64, colour: [f64; 3]) {
        for line in font::wrap(text, face, size, WIDTH) {
            self.room(size * 1.35);
            self.y -= size * 1.35;
            let y = self.y;
            self.marked(&line, face, size, colour, LEFT, y);
        }
    }

    /// Text in a column, wrapped, on this page.
    pub(super) fn column(&mut self, text: &str, face: Face, size: f64, colour: [f64; 3], x: f64, wide: f64) {
        for line in font::wrap(text, face, size, wide) {
            self.y -= size * 1.3;
            let y = self.y;
            self.marked(&line, face, size, colour, x, y);
        }
    }

    fn marked(&mut self, text: &str, face: Face, size: f64, colour: [f64; 3], x: f64, y: f64) {
        let kind = self.open.last().and_then(|t| self.tags.get(*t)).map_or("P", |t| t.kind);
        self.mark(kind);
        self.word(text, face, size, colour, x, y);
        self.put("EMC\n");
    }

    /// A row of a table; all its cells on one page.
    pub(super) fn row(
        &mut self,
        kind: &'static str,
        cells: &[(&str, bool)],
        widths: &[f64],
        face: Face,
        size: f64,
        colour: [f64; 3],
    ) {
        let wrapped: Vec<Vec<String>> = cells
            .iter()
            .zip(widths)
            .map(|((text, _), wide)| font::wrap(text, face, size, wide - 8.0))
            .collect();
        let lines = wrapped.iter().map(Vec::len).max().unwrap_or(1);
        let height = lines as f64 * size * 1.3 + 5.0;
        self.room(height);
        let top = self.y;
        self.open("TR");
        let mut x = LEFT;
        for (((_, right), lines), wide) in cells.iter().zip(wrapped).zip(widths) {
            self.open(kind);
            for (n, line) in lines.iter().enumerate() {
                let at = if *right {
                    x + wide - 8.0 - font::width(line, face, size)
                } else {
                    x
                };
                self.marked(line, face, size, colour, at, top - (n + 1) as f64 * size * 1.3);
            }
            self.close();
            x += wide;
        }
        self.close();
        self.y = top - height;
        let (y, end) = (self.y + 1.0, LEFT + widths.iter().sum::<f64>());
        self.put("/Artifact BMC\n");
        self.line(LEFT, y, end, y, 0.4, [0.88, 0.88, 0.85], false);
        self.put("EMC\n");
    }

    /// Text at a place, without a mark of its own.
    pub(super) fn word(&mut self, text: &str, face: Face, size: f64, [r, g, b]: [f64; 3], x: f64, y: f64) {
        let hex: String = font::encode(text).iter().map(|c| format!("{c:02x}")).collect();
        self.put(&format!(
            "BT {} {} {} rg /{} {} Tf {} {} Td <{hex}> Tj ET\n",
            number(r),
            number(g),
            number(b),
            face.name(),
            number(size),
            number(x),
            number(y)
        ));
    }

    /// A straight line.
    #[allow(clippy::too_many_arguments, reason = "two points, a width, a colour, a dash")]
    pub(super) fn line(&mut self, x0: f64, y0: f64, x1: f64, y1: f64, wide: f64, colour: [f64; 3], dashed: bool) {
        self.lines(&[(x0, y0), (x1, y1)], wide, colour, dashed);
    }

    /// A line through points.
    pub(super) fn lines(&mut self, points: &[(f64, f64)], wide: f64, [r, g, b]: [f64; 3], dashed: bool) {
        let dash = if dashed { "[3 3] 0 d" } else { "[] 0 d" };
        let mut path = format!(
            "{} w {dash} {} {} {} RG 1 j\n",
            number(wide),
            number(r),
            number(g),
            number(b)
        );
        for (n, (x, y)) in points.iter().enumerate() {
            path.push_str(&format!(
                "{} {} {}\n",
                number(*x),
                number(*y),
                if n == 0 { "m" } else { "l" }
            ));
        }
        self.put(&format!("{path}S\n"));
    }

    /// A filled rectangle.
    pub(super) fn bar(&mut self, x: f64, y: f64, w: f64, h: f64, [r, g, b]: [f64; 3]) {
        self.put(&format!(
            "{} {} {} rg {} {} {} {} re f\n",
            number(r),
            number(g),
            number(b),
            number(x),
            number(y),
            number(w),
            number(h)
        ));
    }

    /// The document, with numbered pages.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let all = self.pages.len();
        for (n, page) in self.pages.iter_mut().enumerate() {
            let text = format!("{} of {all}", n + 1);
            let hex: String = font::encode(&text).iter().map(|c| format!("{c:02x}")).collect();
            let x = WIDE - LEFT - font::width(&text, Face::Plain, 8.0);
            page.content.extend(
                format!(
                    "/Artifact BMC\nBT 0.34 0.36 0.4 rg /F1 8 Tf {} 30 Td <{hex}> Tj ET\nEMC\n",
                    number(x)
                )
                .as_bytes(),
            );
        }
        document(&self.title, &self.pages, &self.tags, (WIDE, HIGH))
    }
}
