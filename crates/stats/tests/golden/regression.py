"""Regression: statsmodels OLS with every covariance; CR2 and its degrees of freedom by the full n x n matrices."""

import numpy as np
import statsmodels.api as sm
from common import write
from scipy import linalg, stats

rng = np.random.default_rng(41)


def fits(y, X, kind):
    r = sm.OLS(y, X).fit(cov_type=kind, use_t=True) if kind != "nonrobust" else sm.OLS(y, X).fit()
    return {"point": r.params.tolist(), "se": r.bse.tolist(), "p": r.pvalues.tolist(), "low": r.conf_int()[:, 0].tolist(),
            "r2": r.rsquared}


ols = []
for name, n, k, base in (("plain", 60, 2, 0.0), ("mean 1e8", 80, 1, 1e8), ("wide", 40, 5, 3.0)):
    x = base + rng.normal(0, 2, (n, k))
    # At mean 1e8 the reference is given the centred column, which has the same slope and standard error.
    y = 4 + (x - base) @ np.arange(1, k + 1) + rng.normal(0, 1, n) * (1 + np.abs(x[:, 0] - base))
    X = np.column_stack([np.ones(n), x - x.mean(0) if base > 1e6 else x])
    ols.append({"name": name, "y": y.tolist(), "x": x.tolist(), "slopes_only": base > 1e6,
                **{k: fits(y, X, t) for k, t in (("classical", "nonrobust"), ("hc0", "HC0"), ("hc1", "HC1"), ("hc2", "HC2"), ("hc3", "HC3"))}})


def cr2(y, X, g):
    """Bell and McCaffrey as defined, without any shortcut."""
    n, k = X.shape
    M = np.linalg.inv(X.T @ X)
    H = X @ M @ X.T
    e = y - H @ y
    A = {}
    for c in np.unique(g):
        s = np.where(g == c)[0]
        w, V = np.linalg.eigh(np.eye(len(s)) - H[np.ix_(s, s)])
        A[c] = (V * np.where(w > 1e-10, 1 / np.sqrt(np.maximum(w, 1e-300)), 0)) @ V.T
    meat = sum(np.outer(v, v) for v in (X[g == c].T @ A[c] @ e[g == c] for c in A))
    V = M @ meat @ M
    df = []
    for j in range(k):
        columns = []
        for c in A:
            p = np.zeros(n)
            p[g == c] = A[c] @ X[g == c] @ M[:, j]
            columns.append((np.eye(n) - H) @ p)
        P = np.array(columns) @ np.array(columns).T
        df.append(float(np.trace(P) ** 2 / np.trace(P @ P)))
    return {"se": np.sqrt(np.diag(V)).tolist(), "df": df}


clusters = []
for name, sizes, by_cluster in (("even", [10] * 12, True), ("uneven", [3, 30, 8, 1, 14, 22], True), ("rows", [5] * 15, False)):
    g = np.repeat(np.arange(len(sizes)), sizes)
    n = len(g)
    d = (np.arange(len(sizes)) % 2)[g] if by_cluster else rng.integers(0, 2, n)
    x = np.column_stack([d, rng.normal(0, 1, n)]).astype(float)
    y = 5 + 0.5 * d + rng.normal(0, 1, len(sizes))[g] + rng.normal(0, 1, n)
    X = sm.add_constant(x)
    r0 = sm.OLS(y, X).fit(cov_type="cluster", cov_kwds={"groups": g, "use_correction": False}, use_t=True)
    r1 = sm.OLS(y, X).fit(cov_type="cluster", cov_kwds={"groups": g, "use_correction": True}, use_t=True)
    clusters.append({"name": name, "y": y.tolist(), "x": x.tolist(), "clusters": g.tolist(), "point": r0.params.tolist(),
                     "cr0": {"se": r0.bse.tolist(), "p": r0.pvalues.tolist()},
                     "cr1": {"se": r1.bse.tolist(), "p": r1.pvalues.tolist()}, "cr2": cr2(y, X, g)})

# Clusters of one row: CR2 is HC2, and its degrees of freedom are those of Imbens & Kolesar (2016) for two groups.
y = np.r_[rng.normal(0, 1, 6), rng.normal(1, 3, 20)]
d = np.r_[np.zeros(6), np.ones(20)]
single = {"y": y.tolist(), "x": d[:, None].tolist(), "se": sm.OLS(y, sm.add_constant(d)).fit(cov_type="HC2").bse.tolist()}

# Lin, analysis of covariance, post-stratification.
adjusted = []
for n1, n2, k in ((80, 120, 2), (30, 400, 3)):
    n = n1 + n2
    t = np.r_[np.zeros(n1), np.ones(n2)]
    x = rng.normal(5, 2, (n, k))
    y = 10 + x @ np.linspace(1, 2, k) + t * (1 + 0.5 * (x[:, 0] - 5)) + rng.normal(0, 1 + t, n)
    c = x - x.mean(0)
    r = sm.OLS(y, np.column_stack([np.ones(n), t, c, c * t[:, None]])).fit(cov_type="HC2", use_t=True)
    plain = sm.OLS(y, sm.add_constant(t)).fit(cov_type="HC2", use_t=True)
    a = sm.OLS(y, np.column_stack([np.ones(n), t, x])).fit()
    # The same interacted point with the variance for units of a wider population, from the two regressions.
    parts, slopes = 0.0, []
    for arm in (0, 1):
        f = sm.OLS(y[t == arm], sm.add_constant(x[t == arm])).fit()
        parts += f.scale / (t == arm).sum()
        slopes.append(f.params[1:])
    gap = slopes[1] - slopes[0]
    wide = parts + gap @ np.cov(x.T) @ gap / n
    adjusted.append({"y": y.tolist(), "treated": t.astype(bool).tolist(), "x": x.tolist(),
                     "raw": {"point": plain.params[1], "se": plain.bse[1]},
                     "lin": {"point": r.params[1], "se": r.bse[1], "df": r.df_resid, "p": r.pvalues[1]},
                     "interacted": {"point": r.params[1], "se": float(np.sqrt(wide)), "df": n - 2 - 2 * k},
                     "ancova": {"point": a.params[1], "se": a.bse[1], "df": a.df_resid, "p": a.pvalues[1]}})

# Three arms.
t = np.repeat([0, 1, 2], [40, 50, 60])
x = rng.normal(0, 1, (150, 1))
y = 3 + 0.4 * (t == 1) + 0.8 * (t == 2) + 2 * x[:, 0] + rng.normal(0, 1, 150)
a = sm.OLS(y, np.column_stack([np.ones(150), t == 1, t == 2, x]).astype(float)).fit()
three = {"y": y.tolist(), "arm": t.tolist(), "x": x.tolist(),
         "effects": [{"point": a.params[j], "se": a.bse[j], "df": a.df_resid, "p": a.pvalues[j]} for j in (1, 2)]}

# Post-stratification is the saturated regression, whose HC2 is s2/n cell by cell.
h = rng.integers(0, 3, 200)
t = rng.integers(0, 2, 200)
y = 10 * h + t * (1 + h) + rng.normal(0, 1 + h, 200)
D = np.column_stack([(h == s) & (t == a) for s in range(3) for a in (0, 1)]).astype(float)
r = sm.OLS(y, D).fit(cov_type="HC2")
share = np.bincount(h) / 200
test = r.t_test(np.ravel([[-w, w] for w in share]))
strata = {"y": y.tolist(), "stratum": h.tolist(), "treated": t.astype(bool).tolist(),
          "point": float(test.effect.item()), "se": float(test.sd.item())}
write("regression", {"ols": ols, "clusters": clusters, "single": single, "adjusted": adjusted, "three": three,
                     "strata": strata}, "statsmodels")
