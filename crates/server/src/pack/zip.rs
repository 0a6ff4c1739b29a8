//! ZIP archives of stored files with one fixed date: the same files give the same bytes.

/// 1980-01-01, the first day that the format knows.
const DATE: u16 = (1 << 5) | 1;

/// An archive in the making.
#[derive(Default)]
pub struct Zip {
    body: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Zip {
    /// Adds a file.
    pub fn add(&mut self, name: &str, bytes: &[u8]) {
        let crc = crc32(bytes);
        let size = bytes.len() as u32;
        let offset = self.body.len() as u32;
        let head = |out: &mut Vec<u8>| {
            out.extend(20u16.to_le_bytes());
            out.extend([0; 4]);
            out.extend(0u16.to_le_bytes());
            out.extend(DATE.to_le_bytes());
            out.extend(crc.to_le_bytes());
            out.extend(size.to_le_bytes());
            out.extend(size.to_le_bytes());
            out.extend((name.len() as u16).to_le_bytes());
            out.extend(0u16.to_le_bytes());
        };
        self.body.extend(0x0403_4b50u32.to_le_bytes());
        head(&mut self.body);
        self.body.extend(name.as_bytes());
        self.body.extend(bytes);
        self.directory.extend(0x0201_4b50u32.to_le_bytes());
        self.directory.extend(20u16.to_le_bytes());
        head(&mut self.directory);
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
    }

    /// The archive.
    pub fn finish(mut self) -> Vec<u8> {
        let start = self.body.len() as u32;
        let size = self.directory.len() as u32;
        self.body.append(&mut self.directory);
        self.body.extend(0x0605_4b50u32.to_le_bytes());
        self.body.extend([0; 4]);
        self.body.extend(self.count.to_le_bytes());
        self.body.extend(self.count.to_le_bytes());
        self.body.extend(size.to_le_bytes());
        self.body.extend(start.to_le_bytes());
        self.body.extend(0u16.to_le_bytes());
        self.body
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// Text inside XML; characters that XML does not know are left out.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if (c as u32) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
