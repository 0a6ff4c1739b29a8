"""Golden numbers of many comparisons: closed testing by brute force, Dunnett by scipy and by quadrature."""

import itertools

import numpy as np
from scipy import optimize, stats

from common import write


def graph_weights(subset, weights, g):
    """Weights of an intersection hypothesis: the graph with all others removed (Bretz et al. 2009, algorithm 1)."""
    w, g = np.array(weights, float), np.array(g, float)
    m = len(w)
    left = list(range(m))
    for j in [i for i in range(m) if i not in subset]:
        left.remove(j)
        new = np.zeros_like(g)
        for l in left:
            w[l] += w[j] * g[j, l]
            for k in left:
                if l != k and g[l, j] * g[j, l] < 1:
                    new[l, k] = (g[l, k] + g[l, j] * g[j, k]) / (1 - g[l, j] * g[j, l])
        g = new
    return w


def closed(p, weights, g):
    """Adjusted p: the largest, over all intersections with i, of the weighted Bonferroni p."""
    m = len(p)
    out = []
    for i in range(m):
        worst = 0.0
        for r in range(1, m + 1):
            for s in itertools.combinations(range(m), r):
                if i in s:
                    w = graph_weights(s, weights, g)
                    worst = max(worst, min((p[j] / w[j] if w[j] > 0 else np.inf) for j in s))
        out.append(min(1.0, worst))
    return out


def graphs():
    rng = np.random.default_rng(9)
    parallel = [[0, 0, .5, .5], [0, 0, .5, .5], [0, 1, 0, 0], [1, 0, 0, 0]]
    fallback = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    holm = [[0, 1 / 3, 1 / 3, 1 / 3], [1 / 3, 0, 1 / 3, 1 / 3], [1 / 3, 1 / 3, 0, 1 / 3], [1 / 3, 1 / 3, 1 / 3, 0]]
    cases = []
    for w, g in (([.5, .5, 0, 0], parallel), ([.6, .3, .1], fallback), ([1, 0, 0], fallback), ([.25] * 4, holm)):
        for _ in range(6):
            p = (rng.uniform(size=len(w)) ** 3 * 0.2).tolist()
            cases.append({"p": p, "weights": w, "transitions": g, "adjusted": closed(p, w, g)})
    return cases


def tail(c, lam, df, two):
    """P(max T > c) on dense Gauss-Legendre grids, in the probability scale of S."""
    x, wx = np.polynomial.legendre.leggauss(300)
    z, wz = 9 * x, 9 * wx * stats.norm.pdf(9 * x)
    if df is None:
        s, ws = np.ones(1), np.ones(1)
    else:
        top = stats.chi.isf(1e-16, df) / np.sqrt(df)
        x, wx = np.polynomial.legendre.leggauss(400)
        s = top * (x + 1) / 2
        ws = top / 2 * wx * stats.chi.pdf(s * np.sqrt(df), df) * np.sqrt(df)
    product = np.ones((len(s), len(z)))
    for l in lam:
        r = np.sqrt(1 - l * l)
        p = stats.norm.cdf((c * s[:, None] + l * z) / r)
        if two:
            p = p - stats.norm.cdf((-c * s[:, None] + l * z) / r)
        product *= p
    return 1 - float(ws @ product @ wz)


def dunnett():
    rng = np.random.default_rng(3)
    cases = []
    for sizes, shifts in (((12, 9, 15), (0, 1.2, 0.4)), ((30, 30, 30, 30), (0, 0.2, 0.9, -0.6)), ((6, 6), (0, 1.5))):
        groups = [rng.normal(5 + s, 1.1, n) for n, s in zip(sizes, shifts)]
        df = sum(sizes) - len(sizes)
        v = sum(((g - g.mean()) ** 2).sum() for g in groups) / df
        lam = [np.sqrt(1 / (1 + sizes[0] / n)) for n in sizes[1:]]
        case = {"groups": [g.tolist() for g in groups], "df": df}
        se = [np.sqrt(v * (1 / sizes[0] + 1 / n)) for n in sizes[1:]]
        d = [g.mean() - groups[0].mean() for g in groups[1:]]
        # λ² = Var C / se².
        lam = [np.sqrt(v / sizes[0]) / s for s in se]
        for side, two in (("two_sided", True), ("greater", False)):
            ts = [x / s for x, s in zip(d, se)]
            case[side] = {"p": [tail(abs(x) if two else x, lam, df, two) for x in ts]}
            c = optimize.brentq(lambda c: tail(c, lam, df, two) - 0.05, 1, 6, xtol=1e-9)
            case[side]["low"] = [x - c * s for x, s in zip(d, se)]
            case[side]["high"] = [x + c * s for x, s in zip(d, se)] if two else None
            r = stats.dunnett(*groups[1:], control=groups[0], alternative="two-sided" if two else "greater", random_state=1)
            case[side]["scipy_p"] = r.pvalue.tolist()
        cases.append(case)
    return cases


def normal_criticals():
    """Large samples, equal arms: correlation 1/2."""
    return [[k, optimize.brentq(lambda c: tail(c, [np.sqrt(.5)] * k, None, True) - 0.05, 1.5, 4, xtol=1e-11)] for k in (1, 2, 3, 6)]


write("multiple", {"graphs": graphs(), "dunnett": dunnett(), "normal_criticals": normal_criticals()})
