//! Notes between two people, unreadable at rest.
//!
//! A note is encrypted with AES-128 in CBC mode and authenticated with HMAC-SHA-256 over everything that is stored
//! (encrypt, then authenticate); the three keys come from the secret by HMAC under different words. The initialisation
//! vector is an HMAC of the note's id and text, so that it is as unpredictable as the key and never repeats for two
//! notes. Notes stand beside the ledger, not in it: they can be deleted. Nothing but the two names and the time is
//! readable without the key.

use std::path::PathBuf;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::{CapabilityError, Context};

const FOLDER: &str = ".steward/private/notes";
/// Shortest secret, in characters.
const SHORTEST: usize = 16;

/// The secret of notes; never printed.
pub struct NoteKey(String);

impl NoteKey {
    /// A secret of at least 16 characters.
    ///
    /// # Errors
    /// If it is shorter.
    pub fn of(secret: &str) -> Result<NoteKey, CapabilityError> {
        let secret = secret.trim();
        if secret.chars().count() < SHORTEST {
            return Err(CapabilityError::Invalid(format!(
                "the key of notes is shorter than {SHORTEST} characters"
            )));
        }
        Ok(NoteKey(secret.to_owned()))
    }

    fn derive(&self, word: &[u8], parts: &[&[u8]]) -> Result<[u8; 32], CapabilityError> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).map_err(|e| CapabilityError::Invalid(e.to_string()))?;
        mac.update(word);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac.finalize().into_bytes().into())
    }
}

/// A note, read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Id.
    pub id: String,
    /// The two people, in order of their names.
    pub between: [String; 2],
    /// Who wrote it.
    pub author: String,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// What it says.
    pub text: String,
}

/// A note as it is stored.
#[derive(Serialize, Deserialize)]
struct Sealed {
    id: String,
    between: [String; 2],
    author: String,
    at_us: i64,
    iv: String,
    sealed: String,
    mac: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok())
        .collect()
}

impl Sealed {
    fn mac(&self, key: &NoteKey) -> Result<String, CapabilityError> {
        let at = self.at_us.to_be_bytes();
        let [a, b] = &self.between;
        let parts: [&[u8]; 7] = [
            self.id.as_bytes(),
            a.as_bytes(),
            b.as_bytes(),
            self.author.as_bytes(),
            &at,
            self.iv.as_bytes(),
            self.sealed.as_bytes(),
        ];
        Ok(hex(&key.derive(b"steward note mac", &parts)?))
    }
}

fn pair(one: &str, other: &str) -> Result<[String; 2], CapabilityError> {
    let fine = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.@".contains(c));
    if !fine(one) || !fine(other) || one == other {
        return Err(CapabilityError::Invalid(format!(
            "a note is between two different people, not {one:?} and {other:?}"
        )));
    }
    let mut both = [one.to_owned(), other.to_owned()];
    both.sort();
    Ok(both)
}

fn folder(context: &Context, between: &[String; 2]) -> PathBuf {
    context.folder.join(FOLDER).join(between.join("+"))
}

fn known(context: &Context, person: &str) -> Result<(), CapabilityError> {
    let people = &context.project.settings.people;
    if people.is_empty() || people.iter().any(|p| p.name == person) {
        return Ok(());
    }
    Err(CapabilityError::Unknown {
        kind: "person".into(),
        name: person.into(),
        near: steward_definitions::nearest::nearest(person, people.iter().map(|p| p.name.as_str())).map(str::to_owned),
    })
}

/// Keeps a note between its author and another person; answers its id.
///
/// # Errors
/// If one of them is not known, or it cannot be written.
pub fn add_note(
    context: &Context,
    author: &str,
    with: &str,
    text: &str,
    key: &NoteKey,
) -> Result<String, CapabilityError> {
    known(context, author)?;
    known(context, with)?;
    if text.trim().is_empty() {
        return Err(CapabilityError::Invalid("the note is empty".into()));
    }
    let between = pair(author, with)?;
    let id = Uuid::now_v7().to_string();
    let iv = key.derive(b"steward note iv", &[id.as_bytes(), text.as_bytes()])?;
    let cipher = key.derive(b"steward note cipher", &[])?;
    let iv: [u8; 16] = std::array::from_fn(|i| iv[i]);
    let aes: [u8; 16] = std::array::from_fn(|i| cipher[i]);
    let sealed =
        cbc::Encryptor::<aes::Aes128>::new(&aes.into(), &iv.into()).encrypt_padded_vec_mut::<Pkcs7>(text.as_bytes());
    let mut note = Sealed {
        id: id.clone(),
        author: author.to_owned(),
        at_us: context.facts.now_us(),
        iv: hex(&iv),
        sealed: hex(&sealed),
        mac: String::new(),
        between,
    };
    note.mac = note.mac(key)?;
    let folder = folder(context, &note.between);
    let path = folder.join(format!("{id}.json"));
    let fail = |cause: String| CapabilityError::File {
        path: path.display().to_string(),
        cause,
    };
    let json = serde_json::to_vec(&note).map_err(|e| fail(e.to_string()))?;
    let part = folder.join(format!(".{id}"));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&part, json))
        .and_then(|()| std::fs::rename(&part, &path))
        .map_err(|e| fail(e.to_string()))?;
    Ok(id)
}

/// The notes between the reader and another person, oldest first. Nobody else's can be asked for.
///
/// # Errors
/// If one cannot be read, was changed, or was sealed with another key.
pub fn notes(context: &Context, reader: &str, with: &str, key: &NoteKey) -> Result<Vec<Note>, CapabilityError> {
    known(context, reader)?;
    let between = pair(reader, with)?;
    let folder = folder(context, &between);
    let mut paths: Vec<PathBuf> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries
            .filter_map(|e| Some(e.ok()?.path()))
            .filter(|p| p.extension().is_some_and(|e| e == "json"))
            .collect(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => {
            return Err(CapabilityError::File {
                path: folder.display().to_string(),
                cause: e.to_string(),
            });
        }
    };
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let fail = |cause: &str| CapabilityError::File {
            path: path.display().to_string(),
            cause: cause.to_owned(),
        };
        let text = std::fs::read_to_string(&path).map_err(|e| fail(&e.to_string()))?;
        let note: Sealed = serde_json::from_str(&text).map_err(|_| fail("it is no note"))?;
        let mac = unhex(&note.mac).unwrap_or_default();
        let own = unhex(&note.mac(key)?).unwrap_or_default();
        // Compared without a hint of where they differ.
        let differs = mac.len() != own.len() || mac.iter().zip(&own).fold(0, |all, (a, b)| all | (a ^ b)) != 0;
        if differs || note.between != between {
            return Err(CapabilityError::Refused(format!(
                "{} was changed, or sealed with another key",
                path.display()
            )));
        }
        let cipher = key.derive(b"steward note cipher", &[])?;
        let aes: [u8; 16] = std::array::from_fn(|i| cipher[i]);
        let iv: [u8; 16] = unhex(&note.iv)
            .and_then(|v| v.try_into().ok())
            .ok_or_else(|| fail("it is no note"))?;
        let sealed = unhex(&note.sealed).ok_or_else(|| fail("it is no note"))?;
        let plain = cbc::Decryptor::<aes::Aes128>::new(&aes.into(), &iv.into())
            .decrypt_padded_vec_mut::<Pkcs7>(&sealed)
            .map_err(|_| fail("it is no note"))?;
        let text = String::from_utf8(plain).map_err(|_| fail("it is no note"))?;
        all.push(Note {
            id: note.id,
            between: note.between,
            author: note.author,
            at_us: note.at_us,
            text,
        });
    }
    Ok(all)
}
