"""Designs: statsmodels (saturated OLS, HAC, prediction), scipy (nnls on the simplex, binomtest, permutation_test)."""

import numpy as np
import statsmodels.api as sm
from common import write
from scipy import optimize, stats

rng = np.random.default_rng(73)

# Factorial 2 x 3 x 2, saturated regression with HC2 (= s2/n by cell).
cells, sizes = [], rng.integers(15, 40, 12)
for c in range(12):
    a, b, d = c // 6, c // 2 % 3, c % 2
    cells.append(np.round(10 + a + 0.5 * b - 0.3 * d + 0.8 * a * (b == 2) + rng.normal(0, 1 + a, sizes[c]), 4))
y = np.concatenate(cells)
D = np.repeat(np.eye(12), sizes, axis=0)
fit = sm.OLS(y, D).fit(cov_type="HC2")


def contrast(sign):
    w = np.array([sign(c // 6, c // 2 % 3, c % 2) for c in range(12)], float)
    t = fit.t_test(w)
    return {"point": float(t.effect.item()), "se": float(t.sd.item())}


pick = lambda x, l: 1 if x == l else (-1 if x == 0 else 0)
factorial = {"cells": [c.tolist() for c in cells],
             "main": [contrast(lambda a, b, d: pick(a, 1) / 6), contrast(lambda a, b, d: pick(b, 1) / 4),
                      contrast(lambda a, b, d: pick(b, 2) / 4), contrast(lambda a, b, d: pick(d, 1) / 6)],
             "interactions": [contrast(lambda a, b, d: pick(a, 1) * pick(b, 1) / 2), contrast(lambda a, b, d: pick(a, 1) * pick(b, 2) / 2),
                              contrast(lambda a, b, d: pick(a, 1) * pick(d, 1) / 3), contrast(lambda a, b, d: pick(b, 1) * pick(d, 1) / 2),
                              contrast(lambda a, b, d: pick(b, 2) * pick(d, 1) / 2)]}
# The first two factors as overlapping layers (cells pooled over the third).
pooled = [np.concatenate([cells[2 * i], cells[2 * i + 1]]) for i in range(6)]
g = sm.OLS(np.concatenate(pooled), np.repeat(np.eye(6), [len(p) for p in pooled], axis=0)).fit(cov_type="HC2")
R = np.array([[pick(i // 3, 1) * pick(i % 3, l) for i in range(6)] for l in (1, 2)], float)
w = g.wald_test(R, use_f=False, scalar=True)
layers = {"cells": [[p.tolist() for p in pooled[:3]], [p.tolist() for p in pooled[3:]]], "wald": float(w.statistic), "p": float(w.pvalue)}

# HAC, one series and several.
n = 120
x = np.c_[(np.arange(n) // 6) % 2, rng.normal(0, 1, n)].astype(float)
e = np.zeros(n)
for t in range(1, n):
    e[t] = 0.6 * e[t - 1] + rng.normal()
y1 = 3 + 0.7 * x[:, 0] + x[:, 1] + e
one = sm.OLS(y1, sm.add_constant(x)).fit(cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": True}, use_t=True)
groups = np.repeat(np.arange(3), 40)
panel = sm.OLS(y1, sm.add_constant(x)).fit(cov_type="hac-panel", cov_kwds={"groups": groups, "maxlags": 3, "use_correction": False}, use_t=True)
hac = {"y": y1.tolist(), "x": x.tolist(), "lags": 4, "point": one.params.tolist(), "se": one.bse.tolist(), "p": one.pvalues.tolist(),
       "series": groups.tolist(), "panel_lags": 3, "panel_se": (panel.bse * np.sqrt(n / (n - 3))).tolist()}

# Switchback: two regions, blocks of five periods, burn-in of two.
periods = []
for region in range(2):
    treated = np.repeat(rng.integers(0, 2, 16), 5)
    level = rng.normal(20, 2)
    state = 0.0
    for t in range(80):
        state = 0.5 * state + 1.0 * treated[t]
        periods.append([region, t, int(treated[t]), round(float(level + state + np.sin(t % 4) + rng.normal(0, 0.3)), 4)])
P = np.array(periods)
age, block = np.zeros(160, int), np.zeros(160, int)
for i in range(160):
    if i % 80 == 0:
        age[i], block[i] = 99, block[i - 1] + 1 if i else 0
    elif P[i, 2] != P[i - 1, 2]:
        age[i], block[i] = 0, block[i - 1] + 1
    else:
        age[i], block[i] = age[i - 1] + 1, block[i - 1]


def design(rows, lag=False):
    cols = [np.ones(len(rows))]
    if lag:
        cols.append(P[rows - 1, 2])
    cols += [P[rows, 2], P[rows, 0] == 1] + [P[rows, 1] % 4 == s for s in (1, 2, 3)]
    return np.column_stack(cols).astype(float)


kept = np.where(age >= 2)[0]
f = sm.OLS(P[kept, 3], design(kept)).fit()
nw = sm.OLS(P[kept, 3], design(kept)).fit(cov_type="hac-panel", cov_kwds={"groups": P[kept, 0].astype(int), "maxlags": 3, "use_correction": False})
naive = sm.OLS(P[:, 3], design(np.arange(160))).fit()
lagged = np.where(P[:, 1] > 0)[0]
carry = sm.OLS(P[lagged, 3], design(lagged, True)).fit()
switchback = {"periods": periods, "effect": f.params[1], "naive": naive.params[1], "carry_over": carry.params[1], "used": len(kept),
              "newey_west_se": float(nw.bse[1] * np.sqrt(len(kept) / (len(kept) - 6)))}

# Synthetic control: 12 periods before, 5 after, 9 donors; the simplex by heavily weighted non-negative least squares.
F = np.cumsum(rng.normal(0, 1, (17, 2)), axis=0)
donors = 50 + F @ rng.normal(0, 2, (2, 9)) + rng.normal(0, 0.5, (17, 9))
truth = np.r_[0.5, 0.3, 0.2, np.zeros(6)]
treated = donors @ truth + rng.normal(0, 0.4, 17)
treated[12:] += 4


def simplex(A, b):
    """Non-negative least squares on differences: exact to 1e-9 by eliminating the sum constraint iteratively."""
    w = optimize.nnls(np.vstack([A, 1e4 * np.ones(A.shape[1])]), np.r_[b, 1e4])[0]
    s = w > 1e-7
    # Equality-constrained least squares on the support: exact.
    k = s.sum()
    K = np.block([[A[:, s].T @ A[:, s], np.ones((k, 1))], [np.ones((1, k)), np.zeros((1, 1))]])
    out = np.zeros(len(w))
    out[s] = np.linalg.solve(K, np.r_[A[:, s].T @ b, 1.0])[:k]
    return out


def synth(y, X):
    w = simplex(X[:12], y[:12])
    gap = y - X @ w
    return w, gap, np.sqrt((gap[:12] ** 2).mean()), np.sqrt((gap[12:] ** 2).mean())


w, gap, before, after = synth(treated, donors)
ratios = [synth(donors[:, j], np.delete(donors, j, 1))[3] / synth(donors[:, j], np.delete(donors, j, 1))[2] for j in range(9)]
synthetic = {"treated": treated.tolist(), "donors": donors.T.tolist(), "before": 12, "weights": w.tolist(), "effect": gap[12:].mean(),
             "fit_before": before, "ratio": after / before, "ratios": ratios, "p": (1 + sum(r >= after / before for r in ratios)) / 10}

# Geo: pairs and time-based regression.
d = np.round(rng.normal(1.2, 2, 9), 3)
perm = stats.permutation_test((d, np.zeros(9)), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf)
t1 = stats.ttest_rel(d, np.zeros(9))
paired = {"differences": d.tolist(), "effect": {"point": d.mean(), "p": t1.pvalue, "df": 8}, "permutation_p": float(perm.pvalue)}
xg = 100 + np.cumsum(rng.normal(0, 3, 30))
yg = 20 + 1.3 * xg + rng.normal(0, 2, 30)
yg[24:] += 8
r = sm.OLS(yg[:24], sm.add_constant(xg[:24])).fit()
f6 = np.array([6, xg[24:].sum()])
time_based = {"treated": yg.tolist(), "control": xg.tolist(), "before": 24, "slope": r.params[1], "r_squared": r.rsquared,
              "cumulative": {"point": float((yg[24:] - r.params[0] - r.params[1] * xg[24:]).sum()),
                             "se": float(np.sqrt(r.scale * 6 + f6 @ r.cov_params() @ f6)), "df": r.df_resid}}
first = r.get_prediction([[1, xg[24]]])
time_based["first"] = {"point": float(yg[24] - first.predicted_mean[0]), "se": float(first.se_obs[0])}

preference = []
for a, b, ties in ((40, 62, 30), (3, 9, 0), (500, 500, 10)):
    t = stats.binomtest(b, a + b)
    ci = t.proportion_ci(0.95, "wilson")
    preference.append({"a": a, "b": b, "ties": ties, "delta": (b + ties / 2) / (a + b + ties) - 0.5,
                       "share": {"point": b / (a + b), "low": ci.low, "high": ci.high, "p": t.pvalue}})
write("designs", {"factorial": factorial, "layers": layers, "hac": hac, "switchback": switchback, "synthetic": synthetic,
                  "paired": paired, "time_based": time_based, "preference": preference}, "statsmodels")
