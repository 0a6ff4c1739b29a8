//! What kind of content a file is said to have, by its name: as MLflow's server says it.

/// Endings of text.
const TEXT: [&str; 24] = [
    "txt",
    "log",
    "err",
    "cfg",
    "conf",
    "cnf",
    "cf",
    "ini",
    "properties",
    "prop",
    "hocon",
    "toml",
    "yaml",
    "yml",
    "xml",
    "json",
    "js",
    "py",
    "py3",
    "csv",
    "tsv",
    "md",
    "rst",
    "ipynb",
];

/// Other endings.
const OTHERS: [(&str, &str); 36] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("bmp", "image/bmp"),
    ("svg", "image/svg+xml"),
    ("webp", "image/webp"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("ico", "image/vnd.microsoft.icon"),
    ("avif", "image/avif"),
    ("pdf", "application/pdf"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("css", "text/css"),
    ("mjs", "text/javascript"),
    ("wasm", "application/wasm"),
    ("zip", "application/zip"),
    ("tar", "application/x-tar"),
    ("h5", "application/x-hdf5"),
    ("hdf", "application/x-hdf"),
    ("doc", "application/msword"),
    ("ps", "application/postscript"),
    ("sh", "application/x-sh"),
    ("tex", "application/x-tex"),
    ("latex", "application/x-latex"),
    ("pyc", "application/x-python-code"),
    ("xls", "application/vnd.ms-excel"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/x-wav"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
    ("c", "text/plain"),
];

/// The kind of a file's content.
pub fn of(name: &str) -> &'static str {
    if matches!(name, "MLmodel" | "mlproject" | "MLproject") {
        return "text/plain";
    }
    let ending = name.rsplit_once('.').map_or(name, |(_, ending)| ending);
    if TEXT.contains(&ending) {
        return "text/plain";
    }
    let ending = ending.to_ascii_lowercase();
    let found = OTHERS.iter().find(|(known, _)| *known == ending && name.contains('.'));
    found.map_or("application/octet-stream", |(_, kind)| kind)
}

/// `attachment` with the name, for browsers of old and of today (RFC 6266): a file is never shown on this server's pages.
pub fn disposition(name: &str) -> String {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_ascii() {
        return match name.chars().all(token) {
            true => format!("attachment; filename={name}"),
            false => format!(
                "attachment; filename=\"{}\"",
                name.replace('\\', "\\\\").replace('"', "\\\"")
            ),
        };
    }
    let plain: String = name.chars().filter(|c| token(*c)).collect();
    let plain = if plain.is_empty() { "download".to_owned() } else { plain };
    let mut coded = String::new();
    for byte in name.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&b) => coded.push(b.into()),
            b => coded.push_str(&format!("%{b:02X}")),
        }
    }
    format!("attachment; filename={plain}; filename*=UTF-8''{coded}")
}

#[cfg(test)]
mod tests {
    use super::{disposition, of};

    #[test]
    fn names_tell_what_is_in_a_file() {
        for (name, kind) in [
            ("a.txt", "text/plain"),
            ("b.pkl", "application/octet-stream"),
            ("c.png", "image/png"),
            ("C.PNG", "image/png"),
            ("MLmodel", "text/plain"),
            ("png", "application/octet-stream"),
            ("a.html", "text/html"),
        ] {
            assert_eq!(of(name), kind, "{name}");
        }
    }

    #[test]
    fn a_name_passes_a_header_whatever_it_holds() {
        assert_eq!(disposition("a%1.txt"), "attachment; filename=a%1.txt");
        assert_eq!(disposition("a \"b\".txt"), "attachment; filename=\"a \\\"b\\\".txt\"");
        assert_eq!(
            disposition("ü.txt"),
            "attachment; filename=.txt; filename*=UTF-8''%C3%BC.txt"
        );
        assert_eq!(
            disposition("文"),
            "attachment; filename=download; filename*=UTF-8''%E6%96%87"
        );
    }
}
