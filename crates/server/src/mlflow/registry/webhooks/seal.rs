//! Secrets of webhooks, encrypted at rest: AES-128-CBC under one half of the key, then HMAC-SHA256 under the other over
//! what is kept (encrypt-then-MAC, as Fernet does).

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Half of a key, in bytes; a block, and so an initial vector, too.
const HALF: usize = 16;

fn halves(key: &[u8; 32]) -> ([u8; HALF], [u8; HALF]) {
    let mut halves = ([0; HALF], [0; HALF]);
    halves.0.copy_from_slice(&key[..HALF]);
    halves.1.copy_from_slice(&key[HALF..]);
    halves
}

fn mac(key: &[u8; HALF], bytes: &[u8]) -> Result<Hmac<Sha256>, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|e| e.to_string())?;
    mac.update(bytes);
    Ok(mac)
}

/// Encrypts a secret: base64 of initial vector, text and code.
pub fn seal(secret: &str, key: &[u8; 32]) -> Result<String, String> {
    let (hide, sign) = halves(key);
    let mut iv = [0; HALF];
    getrandom::fill(&mut iv).map_err(|e| format!("the operating system gives no random numbers: {e}"))?;
    let cipher = cbc::Encryptor::<aes::Aes128>::new(&hide.into(), &iv.into());
    let mut bytes = iv.to_vec();
    bytes.extend(cipher.encrypt_padded_vec_mut::<Pkcs7>(secret.as_bytes()));
    let code = mac(&sign, &bytes)?.finalize().into_bytes();
    bytes.extend_from_slice(&code);
    Ok(STANDARD.encode(bytes))
}

/// The secret.
pub fn open(sealed: &str, key: &[u8; 32]) -> Result<String, String> {
    let broken = || "the secret cannot be read: it was kept under another key".to_owned();
    let (hide, sign) = halves(key);
    let bytes = STANDARD.decode(sealed).map_err(|_| broken())?;
    let end = bytes
        .len()
        .checked_sub(32)
        .filter(|end| *end > HALF)
        .ok_or_else(broken)?;
    let (kept, code) = bytes.split_at(end);
    mac(&sign, kept)?.verify_slice(code).map_err(|_| broken())?;
    let (iv, text) = kept.split_at(HALF);
    let iv: [u8; HALF] = iv.try_into().map_err(|_| broken())?;
    let cipher = cbc::Decryptor::<aes::Aes128>::new(&hide.into(), &iv.into());
    let plain = cipher.decrypt_padded_vec_mut::<Pkcs7>(text).map_err(|_| broken())?;
    String::from_utf8(plain).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use super::{open, seal};

    #[test]
    fn a_secret_comes_back_under_its_key_alone() {
        let (key, other) = ([7; 32], [8; 32]);
        let sealed = seal("hush", &key).unwrap();
        assert!(!sealed.contains("hush"));
        assert_ne!(sealed, seal("hush", &key).unwrap(), "two seals of one secret differ");
        assert_eq!(open(&sealed, &key).unwrap(), "hush");
        assert!(open(&sealed, &other).is_err());
        let mut changed = sealed.into_bytes();
        changed[3] = if changed[3] == b'A' { b'B' } else { b'A' };
        assert!(open(&String::from_utf8(changed).unwrap(), &key).is_err());
        assert!(open("", &key).is_err());
    }
}
