"""Rates, exact intervals, dilution, missing days, power of shares, best arms, wild bootstrap: scipy, statsmodels, numpy."""

import itertools
import warnings

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import zeta
from scipy.stats import binomtest, norm, poisson
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import power_proportions_2indep, proportion_confint, proportion_effectsize
from statsmodels.stats.rates import test_poisson_2indep

from common import write

warnings.filterwarnings("ignore")


def rate(a, ea, b, eb):
    share = eb / (ea + eb)
    t = binomtest(b, a + b, share)
    ci = t.proportion_ci(0.95, "exact")
    ratio = lambda x: x / (1 - x) * ea / eb if x < 1 else None
    d = test_poisson_2indep(b, eb, a, ea, method="wald", compare="diff")
    out = {"control": [a, ea], "treatment": [b, eb],
           "exact": {"p": t.pvalue, "low": ratio(ci.low), "high": ratio(ci.high)},
           "greater": binomtest(b, a + b, share, alternative="greater").pvalue,
           "less": binomtest(b, a + b, share, alternative="less").pvalue,
           "difference": {"point": b / eb - a / ea, "p": float(d.pvalue)}}
    if a and b:
        se = np.sqrt(1 / a + 1 / b)
        log = np.log(b / eb / (a / ea))
        out["ratio"] = {"point": np.exp(log), "low": np.exp(log - norm.isf(0.025) * se), "high": np.exp(log + norm.isf(0.025) * se),
                        "p": 2 * norm.sf(abs(log) / se)}
    return out


def shares():
    out = []
    for p, effect, n, ratio, alpha in ((0.1, 0.02, 3000, 1.0, 0.05), (0.5, -0.08, 400, 2.0, 0.01), (0.02, 0.01, 1500, 1.0, 0.1)):
        # statsmodels' nobs1 is of the first group (prop2 + diff) and ratio nobs2/nobs1: the treatment first here.
        pooled = power_proportions_2indep(effect, p, n * ratio, ratio=1 / ratio, alpha=alpha, return_results=False)
        h = proportion_effectsize(p + effect, p)
        out.append({"share": p, "effect": effect, "n": n, "ratio": ratio, "alpha": alpha, "pooled": float(pooled),
                    "arcsine": float(NormalIndPower().power(abs(h), n, alpha, ratio=ratio))})
    return out


def arms():
    mixture = lambda x: minimize_scalar(lambda l: (2 * l - 2 * l * np.log(4 * l) + np.log(zeta(2 * l)) - 0.5 * np.log(1 - l) + x) / l,
                                        bounds=(0.5 + 1e-9, 1 - 1e-12), method="bounded", options={"xatol": 1e-12}).fun
    plays, means = np.array([400, 380, 120]), np.array([0.12, 0.18, 0.09])
    t, k, delta = plays.sum(), 3, 0.05
    kl = lambda x, y: x * np.log(x / y) + (1 - x) * np.log((1 - x) / (1 - y))

    def z(d):
        a = 1
        out = []
        for b in range(3):
            m = (plays[a] * means[a] + plays[b] * means[b]) / (plays[a] + plays[b])
            out.append(plays[a] * d(means[a], m) + plays[b] * d(means[b], m))
        out[a] = 0.0
        return out

    return {"plays": plays.tolist(), "means": means.tolist(), "delta": delta, "variance": 0.12,
            "bernoulli": z(kl), "gaussian": z(lambda x, y: (x - y) ** 2 / (2 * 0.12)),
            "stylised": float(np.log((1 + np.log(t)) / delta)), "proved_bernoulli": float(np.log(2 * t * (k - 1) / delta)),
            "proved_gaussian": float(2 * mixture(np.log((k - 1) / delta) / 2) + 4 * np.log(4 + np.log(t / 2)))}


def wild():
    """Every sign of every cluster, each refitted as a whole."""
    rng = np.random.default_rng(8)
    sizes = rng.integers(4, 12, 9)
    ids = np.repeat(np.arange(9), sizes)
    treated = (ids % 2).astype(float)
    other = rng.normal(0, 1, len(ids)) + ids * 0.1
    y = 3 + 0.9 * treated + 0.5 * other + rng.normal(0, 0.7, 9)[ids] + rng.normal(0, 1, len(ids))
    X = np.column_stack([np.ones(len(ids)), treated, other])

    def t_of(v, null):
        b = np.linalg.lstsq(X, v, rcond=None)[0]
        e = v - X @ b
        M = np.linalg.inv(X.T @ X)
        S = sum(np.outer(s, s) for s in (X[ids == g].T @ e[ids == g] for g in range(9)))
        V = M @ S @ M
        return b[1], np.sqrt(V[1, 1]), (b[1] - null) / np.sqrt(V[1, 1])

    def p(null):
        R = X[:, [0, 2]]
        v = y - null * treated
        fit = R @ np.linalg.lstsq(R, v, rcond=None)[0]
        e = v - fit
        seen = abs(t_of(y, null)[2])
        far = [abs(t_of(fit + null * treated + np.array(w)[ids] * e, null)[2]) for w in itertools.product((1, -1), repeat=9)]
        return float(np.mean(np.array(far) >= seen * (1 - 1e-9)))

    beta, se, _ = t_of(y, 0)
    n, k, g = len(y), 3, 9
    return {"y": y.tolist(), "x": [[float(a), float(b)] for a, b in zip(treated, other)], "clusters": ids.tolist(),
            "point": float(beta), "se": float(se * np.sqrt(g / (g - 1) * (n - 1) / (n - k))),
            "nulls": [0.0, 0.4, -0.3, 2.0], "p": [p(r) for r in (0.0, 0.4, -0.3, 2.0)]}


several = [{"several": k, "units": n, "low": proportion_confint(k, n, method="wilson")[0],
            "high": proportion_confint(k, n, method="wilson")[1], "p": binomtest(k, n, 0.01, alternative="greater").pvalue}
           for k, n in ((30, 2000), (0, 500), (12, 2000))]
clopper = [{"k": k, "n": n, "interval": list(proportion_confint(k, n, 0.1, "beta"))} for k, n in ((3, 20), (500, 100000), (19, 20))]
write("rates", {
    "rates": [rate(12, 340.0, 25, 355.5), rate(5, 100.0, 5, 100.0), rate(0, 50.0, 4, 60.0), rate(900, 1e4, 1011, 1.01e4), rate(3, 10.0, 0, 10.0)],
    "several": several, "clopper": clopper,
    "poisson": [{"k": 3, "mean": 30.0, "p": poisson.cdf(3, 30.0)}, {"k": 0, "mean": 12.0, "p": poisson.cdf(0, 12.0)}],
    "shares": shares(), "arms": arms(), "wild": wild(),
}, "statsmodels")
