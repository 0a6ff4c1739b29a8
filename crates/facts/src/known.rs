//! Which keys were seen.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// Fingerprints are random already.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }
}

type Set = HashSet<u128, BuildHasherDefault<Itself>>;

/// The newest keys, at least [`super::HORIZON`] of them: in two generations, of which the older one goes when the newer
/// is full. Kept as 128-bit fingerprints under secret keys: two keys of one fingerprint are not to be met.
pub(crate) struct Known {
    newer: Set,
    older: Set,
    most: usize,
    hashes: [RandomState; 2],
}

impl Known {
    pub(crate) fn new(most: usize) -> Known {
        Known {
            newer: Set::default(),
            older: Set::default(),
            most,
            hashes: [RandomState::new(), RandomState::new()],
        }
    }

    pub(crate) fn fingerprint(&self, key: &str) -> u128 {
        let [high, low] = &self.hashes;
        (u128::from(high.hash_one(key)) << 64) | u128::from(low.hash_one(key))
    }

    /// Whether the key is new; then it is known from now on.
    pub(crate) fn add(&mut self, fingerprint: u128) -> bool {
        if self.older.contains(&fingerprint) || !self.newer.insert(fingerprint) {
            return false;
        }
        if self.newer.len() >= self.most {
            self.older = std::mem::take(&mut self.newer);
        }
        true
    }

    /// Takes back what was added and not written.
    pub(crate) fn forget(&mut self, fingerprints: &[u128]) {
        for f in fingerprints {
            if !self.newer.remove(f) {
                self.older.remove(f);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Known;

    #[test]
    fn the_newest_keys_are_known_and_the_oldest_forgotten() {
        let mut known = Known::new(100);
        let mut add = |n: u32| {
            let f = known.fingerprint(&n.to_string());
            known.add(f)
        };
        assert!((0..1000).all(&mut add));
        assert!((900..1000).all(|n| !add(n)));
        assert!(add(0));
    }

    #[test]
    fn what_was_not_written_is_forgotten() {
        let mut known = Known::new(10);
        let all: Vec<u128> = (0..15).map(|n: u32| known.fingerprint(&n.to_string())).collect();
        assert!(all.iter().all(|f| known.add(*f)));
        known.forget(&all);
        assert!(all.iter().all(|f| known.add(*f)));
    }
}
