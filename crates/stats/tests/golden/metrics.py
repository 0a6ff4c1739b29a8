"""Capped and trimmed means, funnels, retention: numpy and scipy; statsmodels for shares."""

import numpy as np
from common import write
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

rng = np.random.default_rng(53)


def welch(c, t, trim=0):
    r = stats.ttest_ind(t, c, equal_var=False, trim=trim)
    ci = r.confidence_interval(0.95) if not trim else None
    out = {"p": r.pvalue, "df": r.df}
    if ci:
        out |= {"point": t.mean() - c.mean(), "low": ci.low, "high": ci.high}
    else:
        point = stats.trim_mean(t, trim) - stats.trim_mean(c, trim)
        out |= {"point": point, "se": point / r.statistic}
    return {k: float(v) for k, v in out.items()}


def spend(n, lift):
    return np.round(rng.lognormal(3 + lift, 1.4, n) * (rng.uniform(size=n) < 0.3), 2)


c, t = spend(400, 0.0), spend(380, 0.2)
pooled = np.r_[c, t]
q99, q99_nonzero = np.quantile(pooled, 0.99), np.quantile(pooled[pooled != 0], 0.99)
q05, q95 = np.quantile(pooled[pooled != 0], [0.05, 0.95])
capping = {"control": c.tolist(), "treatment": t.tolist(),
           "absolute": {"limit": 100.0, **welch(np.minimum(c, 100), np.minimum(t, 100))},
           "p99": {"limit": q99, **welch(np.minimum(c, q99), np.minimum(t, q99))},
           "p99 without zeros": {"limit": q99_nonzero, **welch(np.minimum(c, q99_nonzero), np.minimum(t, q99_nonzero))},
           "raw": welch(c, t)}
x, y = rng.standard_t(3, 40) * 5 + 20, rng.standard_t(3, 55) * 8 + 24
trimmed = {"control": x.tolist(), "treatment": y.tolist(), "trim": 0.2, **welch(x, y, 0.2)}


def shares(k1, n1, k2, n2):
    r = test_proportions_2indep(k2, n2, k1, n1, method="wald", compare="diff")
    low, high = confint_proportions_2indep(k2, n2, k1, n1, method="wald", compare="diff")
    return {"point": k2 / n2 - k1 / n1, "low": float(low), "high": float(high), "p": float(r.pvalue)}


def ratio(a, b):
    """Ratio of sums and its delta-method standard error."""
    r = a.sum() / b.sum()
    return r, np.sqrt(np.var((a - r * b) / b.mean(), ddof=1) / len(a))


def walk(n, rates):
    reached = np.ones((n, 1))
    for rate in rates:
        reached = np.c_[reached, reached[:, -1] * (rng.uniform(size=n) < rate)]
    return reached


a, b = walk(900, (0.5, 0.4, 0.6)), walk(950, (0.56, 0.4, 0.5))
steps = []
for i in range(1, 4):
    (ra, sa), (rb, sb) = ratio(a[:, i], a[:, i - 1]), ratio(b[:, i], b[:, i - 1])
    steps.append({"from_previous": {"point": rb - ra, "se": float(np.hypot(sa, sb))},
                  "overall": shares(int(a[:, i].sum()), 900, int(b[:, i].sum()), 950)})
funnel = {"control": a.tolist(), "treatment": b.tolist(), "steps": steps}

retention = {"counts": [[[130, 400], [160, 410]], [[35, 200], [52, 210]]]}
retention["shares"] = [shares(k1, n1, k2, n2) for (k1, n1), (k2, n2) in retention["counts"]]
write("metrics", {"capping": capping, "trimmed": trimmed, "funnel": funnel, "retention": retention}, "statsmodels")
