//! Counter-based random numbers: a stream is named by what it is for, so no draw depends on the order of others.

/// Half-open unit step of a 53-bit uniform.
const STEP: f64 = 1.0 / (1u64 << 53) as f64;
/// SplitMix64's increment.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's finaliser (Stafford's variant 13).
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a draw is about: the table or subject, then the entity. Cheap to copy; `at` opens a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(u64);

impl Key {
    /// The key of an entity of a subject in a world.
    #[inline]
    pub(crate) fn new(seed: u64, subject: Subject, entity: u64) -> Self {
        let world = mix(seed.wrapping_add(GOLDEN));
        Self(mix(
            mix(world ^ (subject as u64).wrapping_mul(0xd1b5_4a32_d192_ed03)).wrapping_add(entity.wrapping_mul(GOLDEN))
        ))
    }

    /// The stream for a day (or other counter) and a purpose.
    #[inline]
    pub(crate) fn at(self, day: u64, purpose: u64) -> Draw {
        Draw(mix(self.0 ^ (day << 16 | purpose).wrapping_mul(0xa24b_aed4_963e_e407)))
    }
}

/// Subjects of draws; a subject's number never changes, or every world changes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Subject {
    /// Day and channel of sign-ups.
    Signup = 1,
    /// Traits of a user.
    User = 2,
    /// Number of sessions of a user on a day.
    Visits = 3,
    /// One session.
    Session = 4,
    /// One session's events.
    Event = 5,
    /// One order.
    Order = 6,
    /// A user's tickets.
    Ticket = 7,
    /// A user's subscription.
    Subscription = 8,
    /// Names, addresses and the like.
    Personal = 9,
    /// Advertising spend.
    Spend = 10,
    /// Advertising touches of a user.
    Touch = 11,
    /// The cloud bill.
    Cloud = 12,
    /// The organisation's own records.
    Organisation = 13,
    /// Assignment to experiments.
    Assignment = 14,
    /// Faults in data delivery.
    Fault = 15,
    /// Catalogue of goods.
    Catalogue = 16,
    /// Exposure records.
    Exposure = 17,
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The next 64 random bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// Uniform on [0, 1).
    #[inline]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * STEP
    }

    /// Uniform on (0, 1).
    #[inline]
    fn open(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) * STEP
    }

    /// Uniform on 0..n; n must be positive and far below 2^32 for the bias to be negligible.
    #[inline]
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// True with probability p.
    #[inline]
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Exponential with mean 1.
    #[inline]
    pub(crate) fn exponential(&mut self) -> f64 {
        -self.open().ln()
    }

    /// Standard normal (Box–Muller, one of the pair).
    #[inline]
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.open().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Gamma with the given shape and rate (Marsaglia and Tsang, 2000).
    pub(crate) fn gamma(&mut self, shape: f64, rate: f64) -> f64 {
        if shape < 1.0 {
            let boost = self.open().powf(1.0 / shape);
            return boost * self.gamma(shape + 1.0, rate);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.open().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v / rate;
            }
        }
    }

    /// Beta(a, b).
    pub(crate) fn beta(&mut self, a: f64, b: f64) -> f64 {
        let x = self.gamma(a, 1.0);
        let y = self.gamma(b, 1.0);
        x / (x + y)
    }

    /// Poisson by inversion of one uniform, hence monotone in the mean; meant for means below about 200.
    #[inline]
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let u = self.unit();
        let mut p = (-mean).exp();
        if u < p {
            return 0;
        }
        let mut sum = p;
        let mut k = 0u32;
        while u >= sum && k < 2_000 {
            k += 1;
            p *= mean / f64::from(k);
            sum += p;
        }
        k
    }

    /// Index drawn by cumulative shares that end in 1.
    #[inline]
    pub(crate) fn pick(&mut self, cumulative: &[f64]) -> usize {
        let u = self.unit();
        cumulative
            .iter()
            .position(|&c| u < c)
            .unwrap_or(cumulative.len().saturating_sub(1))
    }

    /// One of the items, each as likely; the default of an empty slice.
    #[inline]
    pub(crate) fn one<T: Copy + Default>(&mut self, items: &[T]) -> T {
        let index = self.below(items.len() as u64) as usize;
        items.get(index).copied().unwrap_or_default()
    }
}
