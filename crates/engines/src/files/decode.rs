//! Text of any encoding of the WHATWG standard as a stream of UTF-8 without a byte order mark.

use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding, UTF_8};

const CHUNK: usize = 64 * 1024;

/// Reads `source`, decoding it. Valid UTF-8 passes unchecked: bytes that are not UTF-8 are left for the reader of
/// fields to report with their line.
pub(crate) struct DecodeReader<R> {
    source: R,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
    started: bool,
    ended: bool,
    quotes: u64,
}

/// The encoding of a label such as `latin1`.
pub(crate) fn encoding(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label(label.trim().as_bytes())
}

impl<R: Read> DecodeReader<R> {
    /// Decodes from `encoding`; UTF-8 is handed through as it is, less its byte order mark.
    pub(crate) fn new(source: R, encoding: &'static Encoding) -> Self {
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_with_bom_removal());
        DecodeReader {
            source,
            decoder,
            raw: vec![0; CHUNK],
            ready: Vec::with_capacity(CHUNK * 3),
            at: 0,
            started: false,
            ended: false,
            quotes: 0,
        }
    }

    /// Double quotes handed out so far; an odd number at the end means that one was not closed.
    pub(crate) fn quotes(&self) -> u64 {
        self.quotes
    }

    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.at = 0;
        while self.ready.is_empty() && !self.ended {
            let mut read = self.source.read(&mut self.raw)?;
            if !self.started {
                self.started = true;
                // Enough for a byte order mark, however short the first read was.
                while read < 3 {
                    let more = self.source.read(&mut self.raw[read..])?;
                    if more == 0 {
                        break;
                    }
                    read += more;
                }
                if self.decoder.is_none() && self.raw[..read].starts_with(b"\xEF\xBB\xBF") {
                    self.ready.extend_from_slice(&self.raw[3..read]);
                    continue;
                }
            }
            self.ended = read == 0;
            match &mut self.decoder {
                None => self.ready.extend_from_slice(&self.raw[..read]),
                Some(decoder) => {
                    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(read).unwrap_or(CHUNK * 4));
                    let (_, consumed, _) = decoder.decode_to_string(&self.raw[..read], &mut text, self.ended);
                    debug_assert_eq!(consumed, read);
                    self.ready.extend_from_slice(text.as_bytes());
                }
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for DecodeReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            self.fill()?;
        }
        let n = out.len().min(self.ready.len() - self.at);
        out[..n].copy_from_slice(&self.ready[self.at..self.at + n]);
        self.at += n;
        self.quotes += out[..n].iter().filter(|b| **b == b'"').count() as u64;
        Ok(n)
    }
}
