"""Golden numbers of one variance in common, coefficients of CUPED, REML, classical and futility boundaries, ratios' posterior.

Student and the pooled z: scipy, statsmodels. CUPED with the coefficient of both arms as one sample: gbstats. REML and
maximum likelihood: scipy's bounded minimiser on the likelihood. Boundaries: own recursion on a Simpson grid. Posterior of
ratios: numpy grids of 4001 by 4001 points. CR3: the full matrices in numpy.
"""

import numpy as np
from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import RegressionAdjustedStatistic, SampleMeanStatistic, compute_theta
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm, ttest_ind
from statsmodels.stats.proportion import proportions_ztest

from common import write


def student():
    rng = np.random.default_rng(1)
    c, t = rng.normal(5, 2, 9), rng.normal(6, 3, 23)
    r = ttest_ind(t, c, equal_var=True)
    ci = r.confidence_interval(0.9)
    return {"control": list(c), "treatment": list(t), "level": 0.9,
            "estimate": {"point": t.mean() - c.mean(), "low": ci.low, "high": ci.high, "p": r.pvalue, "df": r.df}}


def pooled_z():
    z, p = proportions_ztest([45, 30], [400, 390])
    return {"control": [30, 390], "treatment": [45, 400], "p": p, "z": z}


def cuped():
    rng = np.random.default_rng(2)
    out = []
    stats, rows = [], []
    for n, shift in ((40, 0.0), (25, 1.0)):
        x = rng.gamma(2, 2, n)
        y = 3 + 1.4 * x + shift + rng.normal(0, 1, n)
        rows.append([[float(a), float(b)] for a, b in zip(y, x)])
        of = lambda v: SampleMeanStatistic(n=n, sum=float(v.sum()), sum_squares=float((v * v).sum()))
        stats.append(RegressionAdjustedStatistic(n=n, post_statistic=of(y), pre_statistic=of(x),
                                                 post_pre_sum_of_products=float((x * y).sum()), theta=0))
    theta = compute_theta(*stats)
    for s in stats:
        s.theta = theta
    r = TwoSidedTTest(*stats, FrequentistConfig(difference_type="absolute")).compute_result()
    # The relative lift over the raw control by the delta method, its covariance with the adjusted lift included.
    (c, t) = [np.array(r) for r in rows]
    delta = (t[:, 0].mean() - c[:, 0].mean()) - theta * (t[:, 1].mean() - c[:, 1].mean())
    own = [a[:, 0] - theta * a[:, 1] for a in (c, t)]
    var = own[0].var(ddof=1) / len(c) + own[1].var(ddof=1) / len(t)
    base, vb = c[:, 0].mean(), c[:, 0].var(ddof=1) / len(c)
    cov = -np.cov(own[0], c[:, 0])[0, 1] / len(c)
    ratio = delta / base
    se = np.sqrt(var - 2 * ratio * cov + ratio**2 * vb) / abs(base)
    return {"control": rows[0], "treatment": rows[1], "theta": theta,
            "absolute": {"point": r.expected, "low": r.ci[0], "high": r.ci[1], "p": r.p_value},
            "relative_to_raw": {"point": ratio, "se": se}}


def reml():
    out = []
    data = {
        "bcg": ([-0.8893, -1.5854, -1.3481, -1.4416, -0.2175, -0.7861, -1.6209, 0.0120, -0.4694, -1.3713, -0.3394, 0.4459, -0.0173],
                [0.3256**.5, 0.1946**.5, 0.4154**.5, 0.0200**.5, 0.0512**.5, 0.0069**.5, 0.2230**.5, 0.0040**.5, 0.0564**.5, 0.0730**.5, 0.0124**.5, 0.5325**.5, 0.0714**.5]),
        "schools": ([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]),
        "spread": ([1, 5, 9, 2, 14], [1, 1.5, 0.7, 2, 1]),
    }
    for name, (y, s) in data.items():
        y, s = np.array(y, float), np.array(s, float)
        for restricted in (True, False):
            def loss(t2):
                w = 1 / (s * s + t2)
                mu = (w * y).sum() / w.sum()
                return 0.5 * (np.log(s * s + t2).sum() + (w * (y - mu) ** 2).sum() + (np.log(w.sum()) if restricted else 0))
            grid = np.linspace(0, 4 * y.var(), 20001)
            i = int(np.argmin([loss(g) for g in grid]))
            r = minimize_scalar(loss, bounds=(grid[max(i - 1, 0)], grid[i + 1]), method="bounded", options={"xatol": 1e-13})
            tau2 = 0.0 if i == 0 and loss(0) <= r.fun else r.x
            out.append({"name": name, "restricted": restricted, "effects": list(y), "errors": list(s), "tau2": tau2})
    return out


class Path:
    def __init__(self, drift):
        self.drift, self.before, self.grid, self.mass = drift, 0.0, None, None

    def tail(self, x, t, upper):
        dt = t - self.before
        f = norm.sf if upper else norm.cdf
        if self.grid is None:
            return float(f(x, self.drift * dt, np.sqrt(dt)))
        return float(np.sum(self.mass * f(x, self.grid + self.drift * dt, np.sqrt(dt))))

    def stop(self, low, high, t):
        dt = t - self.before
        mean, root = self.drift * t, np.sqrt(t)
        low, high = max(low * root, mean - 8.5 * root), min(high * root, mean + 8.5 * root)
        new = np.linspace(low, high, 1601)
        if self.grid is None:
            density = norm.pdf(new, self.drift * dt, np.sqrt(dt))
        else:
            density = norm.pdf(new[:, None], (self.grid + self.drift * dt)[None, :], np.sqrt(dt)) @ self.mass
        w = np.ones(1601); w[1:-1:2] = 4; w[2:-1:2] = 2
        self.grid, self.mass, self.before = new, density * w * (new[1] - new[0]) / 3, t


def classical():
    out = []
    for shape, bound in (
        ("pocock", lambda c, t, last: c), ("obrien_fleming", lambda c, t, last: c / np.sqrt(t)),
        ("wang_tsiatis", lambda c, t, last: c * t ** (0.25 - 0.5)), ("haybittle_peto", lambda c, t, last: c if last else 3.0),
    ):
        for two, alpha in ((True, 0.05), (False, 0.025)):
            fractions = [0.2, 0.4, 0.6, 0.8, 1.0]
            def spent(c):
                path, total = Path(0.0), 0.0
                for t in fractions:
                    b = bound(c, t, t == 1.0)
                    total += path.tail(b * np.sqrt(t), t, True)
                    path.stop(-b if two else -np.inf, b, t)
                return total - (alpha / 2 if two else alpha)
            c = brentq(spent, 1.0, 5.0, xtol=1e-12)
            out.append({"shape": shape, "two_sided": two, "alpha": alpha, "fractions": fractions, "constant": c})
    return out


def root(f, low, high):
    """Where a rising f is 0; an end of the bracket where it lies outside."""
    if f(high) <= 0:
        return high
    return low if f(low) >= 0 else brentq(f, low, high, xtol=1e-13)


def hsd(gamma):
    return lambda t, a: a * np.expm1(-gamma * t) / np.expm1(-gamma)


def obf(t, a):
    return 2 * norm.sf(norm.isf(a / 2) / np.sqrt(t))


def futility():
    out = []
    for fractions, alpha, beta, (fa, na), (fb, nb), binding in (
        ([1 / 3, 2 / 3, 1.0], 0.025, 0.1, (hsd(-4), -4), (hsd(-2), -2), False),
        ([1 / 3, 2 / 3, 1.0], 0.025, 0.1, (hsd(-4), -4), (hsd(-2), -2), True),
        ([0.3, 0.55, 0.8, 1.0], 0.05, 0.2, (obf, None), (obf, None), False),
    ):
        def bounds(drift):
            null, effect, a0, b0, low, high = Path(0.0), Path(drift), 0.0, 0.0, [], []
            for k, t in enumerate(fractions):
                a1, b1 = (alpha, beta) if k == len(fractions) - 1 else (fa(t, alpha), fb(t, beta))
                u = brentq(lambda z: null.tail(z * np.sqrt(t), t, True) - (a1 - a0), -8, 12, xtol=1e-13)
                l = root(lambda z: effect.tail(z * np.sqrt(t), t, False) - (b1 - b0), -14, 24)
                l = min(l, u) if k < len(fractions) - 1 else l
                null.stop(l if binding else -np.inf, u, t); effect.stop(l, u, t)
                a0, b0 = a1, b1
                low.append(l); high.append(u)
            return low, high
        def gap(drift):
            low, high = bounds(drift)
            return low[-1] - high[-1]
        theta = brentq(gap, 2.3, 3.9, xtol=1e-10)
        low, high = bounds(theta)
        out.append({"fractions": fractions, "alpha": alpha, "beta": beta, "gamma_alpha": na, "gamma_beta": nb,
                    "binding": binding, "low": low, "high": high, "drift": theta})
    return out


def ratios():
    rng = np.random.default_rng(5)
    arms, laws = [], []
    for n, price in ((150, 10.0), (120, 11.0)):
        b = 1.0 + rng.poisson(2.0, n)
        a = price * b + rng.normal(0, 4, n)
        arms.append([[float(x), float(y)] for x, y in zip(a, b)])
        S = np.cov(a, b) / n
        laws.append((a.mean(), b.mean(), S))

    def density(r, law):
        a, b, S = law
        s2 = S[0, 0] - 2 * r * S[0, 1] + r * r * S[1, 1]
        z = (r * b - a) / np.sqrt(s2)
        return norm.pdf(z) * (b * s2 - (r * b - a) * (r * S[1, 1] - S[0, 1])) / s2**1.5

    out = []
    for relative, prior in ((False, None), (True, None), (True, (0.0, 0.05)), (False, (0.2, 0.5))):
        centre = laws[0][0] / laws[0][1]
        se = np.sqrt((laws[0][2][0, 0] - 2 * centre * laws[0][2][0, 1] + centre**2 * laws[0][2][1, 1])) / laws[0][1]
        r = np.linspace(centre - 9 * se, centre + 9 * se, 2001)
        fc = density(r, laws[0]) * (r[1] - r[0])
        top = laws[1][0] / laws[1][1]
        half = 0.25 if relative else 2.5
        mid = (top / centre - 1) if relative else top - centre
        d = np.linspace(mid - half, mid + half, 8001)
        h = np.empty_like(d)
        for i, x in enumerate(d):
            scale = np.abs(r) if relative else 1.0
            extra = scale if relative and prior is None else 1.0
            h[i] = np.sum(fc * density(r + x * scale, laws[1]) * extra)
        if prior:
            h = h * norm.pdf(d, *prior)
        h /= np.trapezoid(h, d) if hasattr(np, "trapezoid") else np.trapz(h, d)
        step = d[1] - d[0]
        mean = np.sum(d * h) * step
        sd = np.sqrt(np.sum((d - mean) ** 2 * h) * step)
        cdf = np.concatenate([[0], np.cumsum((h[1:] + h[:-1]) / 2) * step])
        low, high = np.interp([0.025, 0.975], cdf, d)
        out.append({"relative": relative, "prior": prior, "point": mean, "sd": sd, "low": low, "high": high,
                    "win": 1 - np.interp(0, d, cdf), "risk_keep": np.sum(np.maximum(d, 0) * h) * step})
    return {"control": arms[0], "treatment": arms[1], "cases": out}


def cr3():
    rng = np.random.default_rng(9)
    g = np.repeat(np.arange(7), [3, 5, 4, 6, 3, 4, 5])
    x = np.repeat([0, 1, 0, 1, 1, 0, 1], [3, 5, 4, 6, 3, 4, 5]).astype(float)
    y = 1 + 0.5 * x + rng.normal(0, 1, 7)[g] + rng.normal(0, 1, len(g))
    X = np.column_stack([np.ones_like(x), x])
    M = np.linalg.inv(X.T @ X)
    e = y - X @ (M @ X.T @ y)
    meat = np.zeros((2, 2))
    for k in range(7):
        i = g == k
        A = np.linalg.inv(np.eye(i.sum()) - X[i] @ M @ X[i].T)
        s = X[i].T @ A @ e[i]
        meat += np.outer(s, s)
    V = M @ meat @ M
    return {"y": list(y), "x": list(x), "clusters": [int(k) for k in g], "se": [float(v) for v in np.sqrt(np.diag(V))]}


write("additions", {
    "student": student(), "pooled_z": pooled_z(), "cuped": cuped(), "likelihood": reml(), "classical": classical(),
    "futility": futility(), "ratios": ratios(), "cr3": cr3(),
}, "statsmodels", "gbstats")
