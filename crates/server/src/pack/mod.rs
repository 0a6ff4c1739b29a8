//! Packs: a report as one self-contained HTML document.
