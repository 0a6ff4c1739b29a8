//! Counter-based random numbers: draw `index` of stream `(seed, stream)` is a pure function of the three.
//!
//! A generator is a key and a counter, so that any row of a simulated table can be made by any thread, in any order,
//! with the same bytes: key one stream per entity (`Rng::keyed(seed, &[table, row])`) instead of sharing one
//! generator. The function is two rounds of the splitmix64 finaliser (Steele, Lea & Flood 2014) with a second key
//! between them; about 2 ns a draw. Not for cryptography.

/// Weyl increment of splitmix64, 2⁶⁴ / golden ratio.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
/// 2⁻⁵³, the spacing of [`Rng::uniform`].
const ULP: f64 = 1.0 / 9_007_199_254_740_992.0;

/// The finaliser of splitmix64: a bijection of 64 bits in which each input bit flips each output bit half the time.
#[inline]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A stream of random numbers; copy it to replay it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rng {
    offset: u64,
    key: u64,
    index: u64,
}

impl Rng {
    /// Stream `stream` of `seed`, from its first draw.
    #[inline]
    pub const fn new(seed: u64, stream: u64) -> Self {
        let offset = mix(mix(seed.wrapping_add(GAMMA)) ^ stream.wrapping_mul(GAMMA).wrapping_add(stream >> 32));
        Rng {
            offset,
            key: mix(offset ^ mix(stream.wrapping_add(GAMMA))),
            index: 0,
        }
    }

    /// A stream named by a path of numbers, e.g. `[table, row, purpose]`; order matters.
    #[inline]
    pub fn keyed(seed: u64, path: &[u64]) -> Self {
        let folded = path.iter().fold(seed, |key, &part| {
            mix(key.wrapping_add(GAMMA) ^ mix(part.wrapping_add(GAMMA)))
        });
        Rng::new(folded, path.len() as u64)
    }

    /// The same stream at draw `index`.
    #[inline]
    pub const fn at(self, index: u64) -> Self {
        Rng { index, ..self }
    }

    /// Draws made (or skipped) so far.
    #[inline]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// 64 random bits.
    #[inline]
    pub const fn next_u64(&mut self) -> u64 {
        self.index = self.index.wrapping_add(1);
        mix(mix(self.offset.wrapping_add(self.index.wrapping_mul(GAMMA))) ^ self.key)
    }

    /// Uniform on [0, 1), 53 bits.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * ULP
    }

    /// Uniform on (0, 1): never an end, so that logarithms and quantiles stay finite.
    #[inline]
    pub fn uniform_open(&mut self) -> f64 {
        // 52 bits and a half step: the largest value, 1 − 2⁻⁵³, is representable.
        ((self.next_u64() >> 12) as f64 + 0.5) * (2.0 * ULP)
    }

    /// Uniform integer below `n` (0 for `n` = 0), by multiply-shift; bias below n / 2⁶⁴.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.next_u64() as u128 * n as u128) >> 64) as u64
    }

    /// True with probability `p`.
    #[inline]
    pub fn bernoulli(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Standard normal by the inverse distribution function: exactly one draw each.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        crate::dist::normal_quantile(self.uniform_open())
    }

    /// Exponential of mean 1: exactly one draw.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        -self.uniform_open().ln()
    }

    /// Gamma of the given shape and scale 1 (Marsaglia & Tsang 2000); 0 for a shape that is not positive.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape.is_nan() || shape <= 0.0 {
            return 0.0;
        }
        if shape < 1.0 {
            // G(a) = G(a + 1) · U^(1/a).
            let boost = self.uniform_open().ln() / shape;
            return self.gamma(shape + 1.0) * boost.exp();
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            let u = self.uniform_open();
            if u < 1.0 - 0.0331 * x.powi(4) || u.ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
                return d * v;
            }
        }
    }

    /// Beta of shapes `a` and `b`, as X / (X + Y) of two gammas.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        if x + y > 0.0 {
            x / (x + y)
        } else if self.uniform() * (a + b) < a {
            1.0
        } else {
            0.0
        }
    }

    /// Poisson of mean `lambda` (0 for a mean that is not positive): inversion below 12, else transformed rejection
    /// (Hörmann 1993, PTRS).
    pub fn poisson(&mut self, lambda: f64) -> u64 {
        if lambda.is_nan() || lambda <= 0.0 {
            return 0;
        }
        if lambda < 12.0 {
            let (mut k, mut term) = (0u64, (-lambda).exp());
            let mut rest = self.uniform();
            while rest >= term && k < 200 {
                rest -= term;
                k += 1;
                term *= lambda / k as f64;
            }
            return k;
        }
        let b = 0.931 + 2.53 * lambda.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let v_r = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.uniform_open() - 0.5;
            let v = self.uniform_open();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + lambda + 0.43).floor();
            if us >= 0.07 && v <= v_r {
                return k as u64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let accept = v.ln() + inverse_alpha.ln() - (a / (us * us) + b).ln();
            if accept <= k * lambda.ln() - lambda - statrs::function::gamma::ln_gamma(k + 1.0) {
                return k as u64;
            }
        }
    }

    /// Index drawn with probability proportional to `weights` (0 if none is positive).
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut rest = self.uniform() * weights.iter().sum::<f64>();
        let mut last = 0;
        for (i, &w) in weights.iter().enumerate() {
            if w > 0.0 {
                if rest < w {
                    return i;
                }
                rest -= w;
                last = i;
            }
        }
        last
    }
}
