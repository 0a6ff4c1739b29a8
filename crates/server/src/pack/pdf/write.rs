//! Objects of a PDF 1.7 file and their places (ISO 32000-1), with the tree of structure that tags refer to.

use super::page::Page;

/// A tag: an element of the structure.
pub(super) struct Tag {
    /// `H1`, `P`, `Table`, `TR`, `TD`, `Figure`, ….
    pub(super) kind: &'static str,
    /// The tag that it stands in.
    pub(super) parent: Option<usize>,
    /// What a picture says.
    pub(super) alt: Option<String>,
    /// Page and number of each marked piece.
    pub(super) pieces: Vec<(usize, usize)>,
}

/// Text as a PDF string in UTF-16 with its mark.
fn string(text: &str) -> String {
    let hex: String = text.encode_utf16().map(|u| format!("{u:04x}")).collect();
    format!("<feff{hex}>")
}

/// The file.
pub(super) fn document(title: &str, pages: &[Page], tags: &[Tag], (wide, high): (f64, f64)) -> Vec<u8> {
    // Numbers of objects: fixed ones, then pages with their contents, then tags.
    let (catalogue, tree, root, info, plain, bold, whole, parents) = (1, 2, 3, 4, 5, 6, 7, 8);
    let page_at = |n: usize| 9 + 2 * n;
    let tag_at = |n: usize| 9 + 2 * pages.len() + n;
    let mut file = File::default();
    file.object(catalogue, &format!("<< /Type /Catalog /Pages {tree} 0 R /StructTreeRoot {root} 0 R /MarkInfo << /Marked true >> /Lang (en-GB) /ViewerPreferences << /DisplayDocTitle true >> >>"));
    let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", page_at(n))).collect();
    file.object(
        tree,
        &format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
    );
    file.object(
        root,
        &format!(
            "<< /Type /StructTreeRoot /K [{whole} 0 R] /ParentTree {parents} 0 R /ParentTreeNextKey {} >>",
            pages.len()
        ),
    );
    file.object(
        info,
        &format!(
            "<< /Title {} /Producer (Steward {}) >>",
            string(title),
            env!("CARGO_PKG_VERSION")
        ),
    );
    let font = |name: &str| format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>");
    file.object(plain, &font("Helvetica"));
    file.object(bold, &font("Helvetica-Bold"));
    let top: Vec<String> = (0..tags.len())
        .filter(|n| tags[*n].parent.is_none())
        .map(|n| format!("{} 0 R", tag_at(n)))
        .collect();
    file.object(
        whole,
        &format!(
            "<< /Type /StructElem /S /Document /P {root} 0 R /K [{}] >>",
            top.join(" ")
        ),
    );
    let numbers: String = pages
        .iter()
        .enumerate()
        .map(|(n, page)| {
            let marks: Vec<String> = page.marks.iter().map(|t| format!("{} 0 R", tag_at(*t))).collect();
            format!("{n} [{}] ", marks.join(" "))
        })
        .collect();
    file.object(parents, &format!("<< /Nums [{numbers}] >>"));
    for (n, page) in pages.iter().enumerate() {
        file.object(page_at(n), &format!("<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {wide} {high}] /Resources << /Font << /F1 {plain} 0 R /F2 {bold} 0 R >> >> /Contents {} 0 R /StructParents {n} /Tabs /S >>", page_at(n) + 1));
        file.stream(page_at(n) + 1, &page.content);
    }
    for (n, tag) in tags.iter().enumerate() {
        let children = (0..tags.len())
            .filter(|c| tags[*c].parent == Some(n))
            .map(|c| format!("{} 0 R", tag_at(c)));
        let pieces = tag
            .pieces
            .iter()
            .map(|(page, mark)| format!("<< /Type /MCR /Pg {} 0 R /MCID {mark} >>", page_at(*page)));
        let below: Vec<String> = children.chain(pieces).collect();
        let parent = tag.parent.map_or(whole, tag_at);
        let alt = tag
            .alt
            .as_deref()
            .map(|a| format!(" /Alt {}", string(a)))
            .unwrap_or_default();
        file.object(
            tag_at(n),
            &format!(
                "<< /Type /StructElem /S /{} /P {parent} 0 R /K [{}]{alt} >>",
                tag.kind,
                below.join(" ")
            ),
        );
    }
    file.finish(catalogue, info)
}

struct File {
    bytes: Vec<u8>,
    places: Vec<(usize, usize)>,
}

impl Default for File {
    fn default() -> File {
        // The comment of bytes above 127 tells programs that the file is not text.
        File {
            bytes: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(),
            places: Vec::new(),
        }
    }
}

impl File {
    fn object(&mut self, number: usize, body: &str) {
        self.places.push((number, self.bytes.len()));
        self.bytes
            .extend(format!("{number} 0 obj\n{body}\nendobj\n").as_bytes());
    }

    fn stream(&mut self, number: usize, content: &[u8]) {
        self.places.push((number, self.bytes.len()));
        self.bytes
            .extend(format!("{number} 0 obj\n<< /Length {} >>\nstream\n", content.len()).as_bytes());
        self.bytes.extend(content);
        self.bytes.extend(b"\nendstream\nendobj\n");
    }

    fn finish(mut self, catalogue: usize, info: usize) -> Vec<u8> {
        self.places.sort_unstable();
        let start = self.bytes.len();
        let count = self.places.len() + 1;
        let mut table = format!("xref\n0 {count}\n0000000000 65535 f \n");
        for (_, place) in &self.places {
            table.push_str(&format!("{place:010} 00000 n \n"));
        }
        self.bytes.extend(table.as_bytes());
        self.bytes.extend(
            format!("trailer\n<< /Size {count} /Root {catalogue} 0 R /Info {info} 0 R >>\nstartxref\n{start}\n%%EOF\n")
                .as_bytes(),
        );
        self.bytes
    }
}
