//! Groups of rows as bytes: length, checksum, one Arrow stream.

use std::io::Cursor;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

/// Length and checksum, little-endian.
pub(crate) const HEAD: usize = 8;

/// Writes one group.
pub(crate) fn encode(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut bytes = vec![0; HEAD];
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    drop(writer);
    let body = bytes.get(HEAD..).unwrap_or_default();
    let length = u32::try_from(body.len()).map_err(|_| ArrowError::IpcError("a group of rows exceeds 4 GiB".into()))?;
    let sum = crc32fast::hash(body);
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes[4..HEAD].copy_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// A whole group, so many bytes long.
    Group(RecordBatch, usize),
    /// Nothing more.
    End,
    /// A group whose writing was cut off: it reaches the end of the bytes, or was never begun on disk.
    Torn,
    /// Something that no crash leaves behind.
    Damaged(String),
}

/// Reads the first group.
pub(crate) fn decode(bytes: &[u8], schema: &SchemaRef) -> Next {
    if bytes.is_empty() {
        return Next::End;
    }
    let Some((length, sum)) = head(bytes) else {
        return Next::Torn;
    };
    let end = HEAD + length;
    if length == 0 {
        // A file grows before its bytes arrive: zeros to the end are a group that was not written.
        return match bytes.iter().all(|b| *b == 0) {
            true => Next::Torn,
            false => Next::Damaged("a group of no bytes is followed by others".into()),
        };
    }
    let Some(body) = bytes.get(HEAD..end) else {
        return Next::Torn;
    };
    if crc32fast::hash(body) != sum {
        return match end == bytes.len() {
            true => Next::Torn,
            false => Next::Damaged("a group's checksum does not fit its bytes".into()),
        };
    }
    match rows(body) {
        Ok(batch) if batch.schema().fields() == schema.fields() => Next::Group(batch, end),
        Ok(_) => Next::Damaged("a group has other columns; another version of the program wrote it".into()),
        Err(e) => Next::Damaged(format!("a group cannot be read: {e}")),
    }
}

fn head(bytes: &[u8]) -> Option<(usize, u32)> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    Some((word(0)? as usize, word(4)?))
}

fn rows(body: &[u8]) -> Result<RecordBatch, ArrowError> {
    let mut reader = StreamReader::try_new(Cursor::new(body), None)?;
    match (reader.next(), reader.next()) {
        (Some(batch), None) => batch,
        _ => Err(ArrowError::IpcError("one batch of rows was expected".into())),
    }
}
