"""Golden numbers of the outlook of a running experiment: two looks to come, by scipy's multivariate normal distribution."""

import numpy as np
from scipy import stats

from common import write


def above(z, t, looks, theta):
    """Chance of crossing at the first or the second look, B(s) = Z(s) sqrt(s) from B(t) = z sqrt(t) on."""
    (s1, c1), (s2, c2) = looks
    here = z * np.sqrt(t)
    mean = np.array([here + theta * (s1 - t), here + theta * (s2 - t)])
    cov = np.array([[s1 - t, s1 - t], [s1 - t, s2 - t]])
    first = stats.norm.sf((c1 * np.sqrt(s1) - mean[0]) / np.sqrt(cov[0, 0]))
    below = stats.norm.cdf((c1 * np.sqrt(s1) - mean[0]) / np.sqrt(cov[0, 0]))
    inside = stats.multivariate_normal.cdf(
        np.array([c1 * np.sqrt(s1), c2 * np.sqrt(s2)]), mean, cov, abseps=1e-12, releps=1e-12, maxpts=2_000_000)
    return float(first + below - inside)


def cases():
    out = []
    for effect, se, t, looks, planned in (
            (0.5, 0.4, 0.4, ((0.7, 2.5), (1.0, 2.0)), 1.0),
            (-0.1, 0.3, 0.3, ((0.6, 2.67), (1.0, 1.98)), 0.6),
            (1.2, 0.5, 0.5, ((0.75, 2.36), (1.0, 2.014)), 1.0)):
        z = effect / se
        x, w = np.polynomial.hermite_e.hermegauss(80)
        drift = z / np.sqrt(t) + x / np.sqrt(t)
        out.append({"effect": effect, "se": se, "t": t, "looks": looks, "planned": planned,
                    "at_planned": above(z, t, looks, planned / (se * np.sqrt(t))),
                    "trend": above(z, t, looks, z / np.sqrt(t)), "null": above(z, t, looks, 0.0),
                    "predictive": float(sum(wi * above(z, t, looks, d) for wi, d in zip(w, drift)) / w.sum())})
    return out


write("outlook", {"two": cases()}, "scipy")
