"""Golden numbers of the sequential methods.

    /tmp/golden/bin/pip install spotify-confidence==4.1.0     (beside what common.py names)

Boundaries: an own recursion on a dense Simpson grid in numpy, beside spotify-confidence (precision about 1e-4).
Confidence sequences: gbstats two-sided; one-sided from the paper's formula in mpmath, since gbstats has the sign of the
lesser side wrong. mSPRT: the mixture integral by quadrature in mpmath. Sequential SRM: log-gamma at 50 digits.
"""

import mpmath as mp
import numpy as np
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic
from scipy.optimize import brentq
from scipy.stats import norm
from spotify_confidence.analysis.frequentist.sequential_bound_solver import bounds as spotify

from common import write

mp.mp.dps = 50


def spending(kind, parameter):
    return {
        "obrien_fleming": lambda t, a: 2 * norm.sf(norm.isf(a / 2) / np.sqrt(t)),
        "pocock": lambda t, a: a * np.log1p((np.e - 1) * t),
        "kim_demets": lambda t, a: a * t ** parameter,
        "hwang_shih_decani": lambda t, a: a * np.expm1(-parameter * t) / np.expm1(-parameter),
    }[kind]


def recursion(fractions, alpha, two_sided, spend, drift=None, z=None):
    """Boundaries, or with z given, the chances of crossing upwards. Simpson's rule on 4001 points."""
    side = alpha / 2 if two_sided else alpha
    before, spent, grid, mass = 0.0, 0.0, None, None
    out = []
    theta = drift or 0.0
    for k, t in enumerate(fractions):
        dt = t - before
        def above(x):
            if grid is None:
                return norm.sf(x, theta * dt, np.sqrt(dt))
            return np.sum(mass * norm.sf(x, grid + theta * dt, np.sqrt(dt)))
        if z is None:
            target = spend(min(t, 1.0), side)
            b = brentq(lambda b: above(b * np.sqrt(t)) - (target - spent), -5, 30, xtol=1e-13)
            spent = target
            out.append(b)
        else:
            b = z[k]
            out.append(float(above(b * np.sqrt(t))))
        low = -b * np.sqrt(t) if two_sided else theta * t - 8.5 * np.sqrt(t)
        new = np.linspace(low, b * np.sqrt(t), 4001)
        if grid is None:
            density = norm.pdf(new, theta * dt, np.sqrt(dt))
        else:
            density = np.array([np.sum(mass * norm.pdf(s, grid + theta * dt, np.sqrt(dt))) for s in new])
        w = np.ones(4001); w[1:-1:2] = 4; w[2:-1:2] = 2
        grid, mass, before = new, density * w * (new[1] - new[0]) / 3, t
    return out


def boundaries():
    even = [0.2, 0.4, 0.6, 0.8, 1.0]
    uneven = [0.15, 0.5, 0.62, 1.0]
    cases = []
    for kind, parameter in (("obrien_fleming", None), ("pocock", None), ("kim_demets", 2.0), ("kim_demets", 1.0), ("hwang_shih_decani", -4.0)):
        for fractions in (even, uneven):
            for two_sided, alpha in ((True, 0.05), (False, 0.025), (False, 0.1)):
                z = recursion(fractions, alpha, two_sided, spending(kind, parameter))
                case = {"spending": kind, "parameter": parameter, "fractions": fractions, "two_sided": two_sided,
                        "alpha": alpha, "z": z,
                        "crossing_at_drift_2.5": recursion(fractions, alpha, two_sided, None, drift=2.5, z=z)}
                if kind == "kim_demets" and parameter == 2.0:
                    case["spotify"] = [float(b) for b in spotify(np.array(fractions), alpha, rho=2, ztrun=8, sides=2 if two_sided else 1, max_nints=1000).bounds]
                cases.append(case)
    return cases


def sequences():
    cases = []
    for n, s, d in ((400, 3.0, 0.5), (5000, 12.0, 0.02), (90, 1.0, 0.9), (250000, 40.0, 0.6)):
        a = SampleMeanStatistic(n=n, sum=10.0 * n, sum_squares=(n - 1) * s * s + 100.0 * n)
        b = SampleMeanStatistic(n=n, sum=(10.0 + d) * n, sum_squares=(n - 1) * s * s + (10.0 + d) ** 2 * n)
        for tuned in (1000, 20000):
            test = SequentialTwoSidedTTest(a, b, SequentialConfig(difference_type="absolute", sequential_tuning_parameter=tuned))
            r = test.compute_result()
            se = float(np.sqrt(test.variance))
            alpha, t = mp.mpf("0.05"), mp.mpf(2 * n)
            rho2 = (-2 * mp.log(2 * alpha) + mp.log(1 - 2 * mp.log(2 * alpha))) / tuned
            rr = t * rho2 + 1
            width = mp.mpf(se) * mp.sqrt(2 * rr / (t * rho2) * mp.log(1 + mp.sqrt(rr) / (2 * alpha)))
            z = mp.mpf(r.expected) / mp.mpf(se)
            p1 = min(mp.mpf(1), mp.sqrt(rr) / 2 / mp.expm1(z ** 2 * t * rho2 / (2 * rr)))
            cases.append({"point": r.expected, "se": se, "n": 2 * n, "tuned_for": tuned, "low": r.ci[0], "high": r.ci[1],
                          "p": float(mp.sqrt((t*((-2*mp.log(alpha)+mp.log(1-2*mp.log(alpha)))/tuned)+1)) * mp.exp(-z**2*t*((-2*mp.log(alpha)+mp.log(1-2*mp.log(alpha)))/tuned)/(2*(t*((-2*mp.log(alpha)+mp.log(1-2*mp.log(alpha)))/tuned)+1)))) if r.p_value < 1 else 1.0,
                          "gbstats_p": float(r.p_value),
                          "greater_low": float(mp.mpf(r.expected) - width), "greater_p": float(p1),
                          "less_high": float(mp.mpf(r.expected) + width)})
    return cases


def mixtures():
    cases = []
    for delta, se, tau in ((0.5, 0.4, 0.3), (2.0, 0.4, 0.3), (-0.1, 0.05, 1.0), (3.0, 1.0, 0.01)):
        d, s, t = mp.mpf(delta), mp.mpf(se), mp.mpf(tau)
        centre = d * t * t / (t * t + s * s)
        sd = mp.sqrt(s * s * t * t / (s * s + t * t))
        f = lambda x: mp.npdf(d, x, s) * mp.npdf(x, 0, t)
        top = mp.quad(f, [centre + k * sd for k in range(-12, 13, 2)])
        ratio = top / mp.npdf(d, 0, s)
        # The interval: nulls at which the ratio stays below 20.
        excess = lambda null: mp.log(mp.sqrt(s*s/(s*s+t*t))) + t*t*(d-null)**2/(2*s*s*(s*s+t*t)) - mp.log(20)
        high = mp.findroot(excess, d + 4 * s)
        cases.append({"effect": delta, "se": se, "tau": tau, "log_likelihood_ratio": float(mp.log(ratio)),
                      "p": float(min(1, 1 / ratio)), "high": float(high), "low": float(2 * d - high)})
    return cases


def splits():
    cases = []
    for looks, weights, c in (([[60, 40], [600, 480], [5100, 4800]], [0.5, 0.5], 10000),
                              ([[100, 98, 205]], [1, 1, 2], 10), ([[100000, 101500]], [0.5, 0.5], 10000), ([[7, 2]], [0.5, 0.5], 1)):
        th = [mp.mpf(w) / sum(weights) for w in weights]
        logs = []
        for row in looks:
            n = sum(row)
            log = mp.loggamma(c) - mp.loggamma(c + n)
            for k, q in zip(row, th):
                log += mp.loggamma(c * q + k) - mp.loggamma(c * q) - k * mp.log(q)
            logs.append(log)
        cases.append({"looks": looks, "weights": weights, "concentration": c, "log_bayes_factor": [float(l) for l in logs],
                      "p": float(min(1, min(mp.exp(-l) for l in logs)))})
    return cases


if __name__ == "__main__":
    write("sequential", {"boundaries": boundaries(), "confidence_sequences": sequences(), "mixtures": mixtures(), "splits": splits()},
          "gbstats", "spotify-confidence", "mpmath")
