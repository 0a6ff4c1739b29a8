//! FNV-1a over UTF-16 code units, buckets and ranges, in the very order of floating-point operations of the JavaScript SDK.

use super::value::Value;

/// A slice of hash values: from (inclusive), to (exclusive).
pub type Range = [f64; 2];

const OFFSET: u32 = 0x811C_9DC5;

fn feed(mut state: u32, text: &str) -> u32 {
    let mut add = |unit: u32| state = (state ^ unit).wrapping_mul(0x0100_0193);
    if text.is_ascii() {
        text.bytes().for_each(|b| add(u32::from(b)));
    } else {
        text.encode_utf16().for_each(|u| add(u32::from(u)));
    }
    state
}

/// A seed, ready to hash values with.
#[derive(Clone, Debug)]
pub struct Hasher {
    seed: Box<str>,
    /// The state after the seed (version 2 puts it first).
    state: u32,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Biased,
    Unbiased,
    Unknown,
}

impl Hasher {
    /// For a seed and a version of the hash; versions other than 1 and 2 include nobody.
    pub fn new(seed: &str, version: f64) -> Hasher {
        let version = if version == 1.0 {
            Version::Biased
        } else if version == 2.0 {
            Version::Unbiased
        } else {
            Version::Unknown
        };
        Hasher {
            seed: seed.into(),
            state: feed(OFFSET, seed),
            version,
        }
    }

    /// The hash of a value, from 0 (inclusive) to 1 (exclusive) in steps of 1/1000 (version 1) or 1/10000 (version 2).
    pub fn hash(&self, value: &Value) -> Option<f64> {
        match self.version {
            Version::Unbiased => {
                let first = value.as_text(|text| feed(self.state, text));
                Some(f64::from(decimal(first) % 10_000) / 10_000.0)
            }
            Version::Biased => {
                let state = feed(value.as_text(|text| feed(OFFSET, text)), &self.seed);
                Some(f64::from(state % 1_000) / 1_000.0)
            }
            Version::Unknown => None,
        }
    }
}

/// The hash of a number's decimal digits.
fn decimal(mut number: u32) -> u32 {
    let mut digits = [0u8; 10];
    let mut count = 0;
    while let Some(place) = digits.get_mut(count) {
        *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        count += 1;
        if number == 0 {
            break;
        }
    }
    let written = digits.iter().take(count).rev();
    written.fold(OFFSET, |state, digit| {
        (state ^ u32::from(*digit)).wrapping_mul(0x0100_0193)
    })
}

/// Whether a hash lies in a range.
pub fn in_range(n: f64, range: &Range) -> bool {
    n >= range[0] && n < range[1]
}

/// The first range that holds the hash.
pub fn choose(n: f64, ranges: &[Range]) -> Option<usize> {
    ranges.iter().position(|r| in_range(n, r))
}

/// Ranges of variants by their weights; weights that are too few, too many or do not sum to 1 count as equal.
pub fn bucket_ranges(count: usize, coverage: f64, weights: Option<&[f64]>) -> Vec<Range> {
    let coverage = if coverage < 0.0 {
        0.0
    } else if coverage > 1.0 {
        1.0
    } else {
        coverage
    };
    #[allow(clippy::cast_precision_loss)]
    let equal = vec![1.0 / count as f64; count];
    let weights = weights.filter(|w| w.len() == count).filter(|w| {
        let total = w.iter().fold(0.0, |sum, w| sum + w);
        !(total < 0.99 || total > 1.01)
    });
    let mut cumulative = 0.0;
    let mut ranges = Vec::with_capacity(count);
    for weight in weights.unwrap_or(&equal) {
        let start = cumulative;
        cumulative += weight;
        ranges.push([start, start + coverage * weight]);
    }
    ranges
}
