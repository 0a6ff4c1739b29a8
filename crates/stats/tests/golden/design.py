"""Golden numbers of planning: statsmodels, and the recursion of sequential.py for designs with looks."""

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.power import NormalIndPower, TTestIndPower

from common import write
from sequential import recursion, spending


def plain():
    cases = []
    for effect, alpha, power, ratio in ((0.2, 0.05, 0.8, 1.0), (0.5, 0.01, 0.9, 2.0), (0.05, 0.1, 0.5, 0.25)):
        for side, name in (("two-sided", "two"), ("larger", "greater")):
            z = NormalIndPower().solve_power(effect_size=effect, alpha=alpha, power=power, ratio=ratio, alternative=side)
            t = TTestIndPower().solve_power(effect_size=effect, alpha=alpha, power=power, ratio=ratio, alternative=side)
            cases.append({"effect": effect, "alpha": alpha, "power": power, "ratio": ratio, "side": name, "n_z": float(z), "n_t": float(t),
                          "power_t_at_30": float(TTestIndPower().power(effect, 30, alpha, ratio=ratio, alternative=side)),
                          "power_z_at_30": float(NormalIndPower().power(effect, 30, alpha, ratio=ratio, alternative=side))})
    return cases


def noncentral():
    return [[t, df, l, float(stats.nct.sf(t, df, l))] for t, df, l in ((2.0, 10, 1.5), (1.96, 400, 2.8), (3.2, 3, 2.0), (2.1, 25.5, 0.0), (-1.0, 8, 0.7), (12.7, 1, 3.0))]


def conditional():
    """Monte-Carlo free: the end given the present is normal (Lan & Wittes 1988)."""
    cases = []
    for effect, se, t, planned in ((0.5, 0.4, 0.5, 1.0), (-0.2, 0.3, 0.3, 0.6), (1.5, 0.5, 0.8, 1.0)):
        z, c = effect / se, stats.norm.isf(0.025)
        end = lambda theta: stats.norm(z * np.sqrt(t) + theta * (1 - t), np.sqrt(1 - t))
        both = lambda d: float(d.sf(c) + d.cdf(-c))
        # Predictive: average over the flat posterior of the drift, by quadrature.
        x, w = np.polynomial.hermite_e.hermegauss(120)
        drift = z / np.sqrt(t) + x / np.sqrt(t)
        cases.append({"effect": effect, "se": se, "t": t, "planned": planned, "current_trend": both(end(z / np.sqrt(t))),
                      "planned_effect": both(end(planned / (se * np.sqrt(t)))), "null": both(end(0.0)),
                      "predictive": float(sum(wi * both(end(d)) for wi, d in zip(w, drift)) / w.sum())})
    return cases


def looks():
    """Information needed with five looks over that of one test, at 90% power."""
    even = [0.2, 0.4, 0.6, 0.8, 1.0]
    fixed = optimize.brentq(lambda d: stats.norm.sf(stats.norm.isf(0.025) - d) - 0.9, 1, 6, xtol=1e-12)
    out = []
    for kind in ("obrien_fleming", "pocock"):
        z = recursion(even, 0.05, True, spending(kind, None))
        drift = optimize.brentq(lambda d: sum(recursion(even, 0.05, True, None, drift=d, z=z)) - 0.9, fixed, fixed * 1.3, xtol=1e-7)
        out.append({"spending": kind, "inflation": float((drift / fixed) ** 2)})
    return out


write("design", {"looks": looks(), "plain": plain(), "noncentral": noncentral(), "conditional": conditional()}, "statsmodels")
