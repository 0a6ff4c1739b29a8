//! Secrets by reference: `env:NAME` or `file:PATH`. Their values are never printed.

use std::io::ErrorKind;
use std::path::Path;

use crate::failure::Failure;

/// The secret that a reference names.
pub fn resolve(reference: &str) -> Result<String, Failure> {
    match reference.split_once(':') {
        Some(("env", name)) => std::env::var(name).map_err(|_| {
            Failure::call(format!(
                "the environment variable {name} is not set; the project's engine.url refers to it"
            ))
        }),
        Some(("file", path)) => std::fs::read_to_string(path)
            .map(|text| text.trim().to_string())
            .map_err(|e| Failure::world(format!("cannot read the secret in {path}: {e}"))),
        _ => Err(Failure::call(
            "a secret is given by reference, env:NAME or file:PATH, never as its value (see engine.url in steward.yaml)",
        )),
    }
}

/// A key of the program's own: 32 random bytes in hex, in a file that its owner alone reads, made when first asked for.
pub fn own_key(folder: &Path, purpose: &str) -> Result<[u8; 32], String> {
    let path = folder.join(purpose);
    let fail = |what: &str, e: &dyn std::fmt::Display| format!("cannot {what} {}: {e}", path.display());
    match std::fs::read_to_string(&path) {
        Ok(text) => return read_key(text.trim()).ok_or_else(|| format!("{} holds no key", path.display())),
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(fail("read", &e)),
    }
    std::fs::create_dir_all(folder).map_err(|e| fail("make the folder of", &e))?;
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|e| fail("draw random numbers for", &e))?;
    let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&path).and_then(|mut file| {
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()
    });
    match written {
        Ok(()) => Ok(key),
        // Another process was faster.
        Err(e) if e.kind() == ErrorKind::AlreadyExists => own_key(folder, purpose),
        Err(e) => Err(fail("write", &e)),
    }
}

fn read_key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(key)
}
