//! Reference distributions: survival functions with full relative precision far into the tail, and their inverses.
//!
//! p-values come from survival functions, never from 1 − cdf: 1e-40 or 1e-200 is a number like any other. The
//! incomplete beta and gamma are own implementations, because the continued fraction times a prefix in log scale
//! keeps relative precision down to the smallest normal f64, at any degrees of freedom.

use statrs::function::gamma::ln_gamma;

/// P(Z > z) of the standard normal.
pub fn normal_sf(z: f64) -> f64 {
    let half = 0.5 * normal_two_sided(z);
    if z >= 0.0 { half } else { 1.0 - half }
}

/// P(|Z| > |z|) of the standard normal, as the tail of chi-square with one degree of freedom: statrs 0.19.1's `erfc` is
/// off by 4e-9 at the very z = 1.96.
pub fn normal_two_sided(z: f64) -> f64 {
    chi_square_sf(z * z, 1.0)
}

/// P(|T| > |t|) of Student's t with `df` > 0 degrees of freedom (infinite allowed); NaN outside.
pub fn t_two_sided(t: f64, df: f64) -> f64 {
    if t.is_nan() || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    if df > 1e10 {
        return normal_two_sided(t);
    }
    let square = t * t;
    if square.is_infinite() {
        return 0.0;
    }
    beta_regularized(
        df / 2.0,
        0.5,
        df / (df + square),
        square / (df + square),
        -(square / df).ln_1p(),
    )
}

/// P(T > t) of Student's t.
pub fn t_sf(t: f64, df: f64) -> f64 {
    let half = 0.5 * t_two_sided(t, df);
    if t >= 0.0 { half } else { 1.0 - half }
}

/// The t > 0 with P(|T| > t) = `p`, for 0 < p < 1; NaN outside. Newton steps in (ln t, ln p), where the curve is
/// concave, inside a bracket.
pub fn t_two_sided_isf(p: f64, df: f64) -> f64 {
    if !(p > 0.0 && p < 1.0) || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    let z = normal_isf(p / 2.0);
    if df > 1e10 {
        return z;
    }
    let target = p.ln();
    let log_density_scale = std::f64::consts::LN_2 - ln_beta(df / 2.0, 0.5) - 0.5 * df.ln();
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut u = (z * (1.0 + (z * z + 1.0) / (4.0 * df))).ln();
    for _ in 0..200 {
        let t = u.exp();
        let tail = t_two_sided(t, df);
        let error = tail.ln() - target;
        if error > 0.0 {
            low = low.max(u)
        } else {
            high = high.min(u)
        }
        let log_density = log_density_scale - 0.5 * (df + 1.0) * (t * t / df).ln_1p();
        let slope = -(log_density + u).exp() / tail;
        let mut next = u - error / slope;
        if !next.is_finite() || next < low || next > high {
            next = match (low.is_finite(), high.is_finite()) {
                (true, true) => 0.5 * (low + high),
                (true, false) => low + 2.0,
                _ => high - 2.0,
            };
        }
        if (next - u).abs() <= 2.0 * f64::EPSILON * (1.0 + u.abs()) {
            return next.exp();
        }
        u = next;
    }
    u.exp()
}

/// P(X > x) of chi-square with `df` > 0 degrees of freedom.
pub fn chi_square_sf(x: f64, df: f64) -> f64 {
    if x.is_nan() || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 1.0;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let (a, x) = (df / 2.0, x / 2.0);
    let prefix = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        // Series for the lower tail, where the upper one is at least about 0.3.
        let (mut term, mut sum, mut k) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-17 {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        return (1.0 - prefix * sum).max(0.0);
    }
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for i in 1..1_000_000 {
        let i = i as f64;
        let an = -i * (i - a);
        b += 2.0;
        d = away_from_zero(an * d + b).recip();
        c = away_from_zero(b + an / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    prefix * fraction
}

/// ln B(a, b) without the cancellation of three log-gammas when `a` is large.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let (a, b) = if a >= b { (a, b) } else { (b, a) };
    if a < 10.0 {
        return ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    }
    ln_gamma(b) - (a - 0.5) * (b / a).ln_1p() - b * (a + b).ln() + b + stirling(a) - stirling(a + b)
}

/// ln Γ(x) minus Stirling's leading terms, x ≥ 10.
fn stirling(x: f64) -> f64 {
    let r = 1.0 / (x * x);
    (1.0 / 12.0
        - r * (1.0 / 360.0
            - r * (1.0 / 1260.0
                - r * (1.0 / 1680.0 - r * (1.0 / 1188.0 - r * (691.0 / 360_360.0 - r * (1.0 / 156.0)))))))
        / x
}

const TINY: f64 = 1e-300;

fn away_from_zero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}

/// P(X ≤ x) of the beta distribution with `a`, `b` > 0; NaN outside.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if x.is_nan() || !(a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()) {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    beta_regularized(a, b, x, 1.0 - x, x.ln())
}

/// Regularised incomplete beta I_x(a, b), given y = 1 − x and ln x computed without loss.
fn beta_regularized(a: f64, b: f64, x: f64, y: f64, ln_x: f64) -> f64 {
    if y <= 0.0 {
        return 1.0;
    }
    let log_prefix = a * ln_x + b * y.ln() - ln_beta(a, b);
    if x < (a + 1.0) / (a + b + 2.0) {
        (log_prefix - a.ln()).exp() * beta_fraction(a, b, x)
    } else {
        1.0 - (log_prefix - b.ln()).exp() * beta_fraction(b, a, y)
    }
}

/// Continued fraction of the incomplete beta (modified Lentz).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = away_from_zero(1.0 - (a + b) * x / (a + 1.0)).recip();
    let mut fraction = d;
    for m in 1..1_000_000 {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = away_from_zero(1.0 + even * d).recip();
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = away_from_zero(1.0 + odd * d).recip();
        c = away_from_zero(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

/// Standard normal quantile, relative error about 1e-16 (Wichura 1988, AS 241 PPND16). ±∞ at 0 and 1, NaN outside.
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * horner(&CENTRE_A, r) / horner(&CENTRE_B, r);
    }
    if q < 0.0 { -normal_isf(p) } else { normal_isf(1.0 - p) }
}

/// Standard normal value exceeded with probability `p`: full precision for small `p`.
pub fn normal_isf(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 {
        return f64::INFINITY;
    }
    if p > 0.075_1 {
        return -normal_quantile(p);
    }
    let r = (-p.ln()).sqrt();
    if r <= 5.0 {
        horner(&MIDDLE_C, r - 1.6) / horner(&MIDDLE_D, r - 1.6)
    } else {
        horner(&FAR_E, r - 5.0) / horner(&FAR_F, r - 5.0)
    }
}

/// Polynomial with coefficients from the constant upwards.
fn horner(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

const CENTRE_A: [f64; 8] = [
    3.387_132_872_796_366_5,
    1.331_416_678_917_843_8e2,
    1.971_590_950_306_551_3e3,
    1.373_169_376_550_946e4,
    4.592_195_393_154_987e4,
    6.726_577_092_700_87e4,
    3.343_057_558_358_813e4,
    2.509_080_928_730_122_7e3,
];
const CENTRE_B: [f64; 8] = [
    1.0,
    4.231_333_070_160_091e1,
    6.871_870_074_920_579e2,
    5.394_196_021_424_751e3,
    2.121_379_430_158_659_7e4,
    3.930_789_580_009_271e4,
    2.872_908_573_572_194_3e4,
    5.226_495_278_852_545e3,
];
const MIDDLE_C: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    2.417_807_251_774_506e-1,
    2.272_384_498_926_918_4e-2,
    7.745_450_142_783_414e-4,
];
const MIDDLE_D: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    6.897_673_349_851e-1,
    1.481_039_764_274_800_8e-1,
    1.519_866_656_361_645_7e-2,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_E: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    2.965_605_718_285_048_7e-1,
    2.653_218_952_657_612_4e-2,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_F: [f64; 8] = [
    1.0,
    5.998_322_065_558_88e-1,
    1.369_298_809_227_358e-1,
    1.487_536_129_085_061_5e-2,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];
