//! Payloads as the SDKs decrypt them: AES-128-CBC with PKCS#7 padding, `base64(iv).base64(ciphertext)`.

use aes::cipher::{BlockEncryptMut, KeyIvInit, block_padding::Pkcs7};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Encrypts a text under a key in base64. The initialisation vector is derived from key and text, so that the same
/// payload has the same bytes: it says no more than that two payloads are equal, which their ETag says as well.
pub fn encrypt(text: &str, key: &str) -> Result<String, String> {
    let wrong = || "the encryption key is not 16 bytes in base64; make one with `openssl rand -base64 16`".to_owned();
    let key: [u8; 16] = STANDARD
        .decode(key.trim())
        .ok()
        .and_then(|k| k.try_into().ok())
        .ok_or_else(wrong)?;
    let digest = Sha256::new().chain_update(key).chain_update(text).finalize();
    let iv: [u8; 16] = std::array::from_fn(|at| digest[at]);
    let sealed =
        cbc::Encryptor::<aes::Aes128>::new(&key.into(), &iv.into()).encrypt_padded_vec_mut::<Pkcs7>(text.as_bytes());
    Ok(format!("{}.{}", STANDARD.encode(iv), STANDARD.encode(sealed)))
}
