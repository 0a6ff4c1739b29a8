"""Health checks: scipy (chisquare, ttest_ind, skew, levene), statsmodels (multipletests, GLS), mpmath (type S and M)."""

import mpmath
import numpy as np
import statsmodels.api as sm
from common import write
from scipy import stats
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(61)

# Segments: treated mobile units go missing.
segments = {"platform": {"web": [5060, 4980], "ios": [2510, 2490], "android": [2400, 2080]},
            "country": {"DE": [6000, 5710], "FR": [2770, 2640], "XX": [1200, 1200]}}
rows = [(d, v, u) for d, values in segments.items() for v, u in values.items()]
p = [stats.chisquare(u).pvalue for _, _, u in rows]
holm = multipletests(p, method="holm")[1]
search = []
for (d, v, u), own, adjusted in zip(rows, p, holm):
    whole = np.sum(list(segments[d].values()), axis=0)
    rest = stats.chisquare(whole - u)
    search.append({"dimension": d, "value": v, "units": u, "p": own, "adjusted_p": float(adjusted), "p_without": rest.pvalue,
                   "chi2_removed": stats.chisquare(whole).statistic - rest.statistic})

# Balance before exposure.
c = rng.multivariate_normal([10, 3, 0], [[4, 1, 0], [1, 2, 0.3], [0, 0.3, 1]], 300)
t = rng.multivariate_normal([10.4, 3, 0], [[4, 1, 0], [1, 3, 0.3], [0, 0.3, 1]], 340)
own = [stats.ttest_ind(t[:, j], c[:, j], equal_var=False).pvalue for j in range(3)]
d = t.mean(0) - c.mean(0)
wald = d @ np.linalg.solve(np.cov(c.T) / 300 + np.cov(t.T) / 340, d)
balance = {"control": c.round(6).tolist(), "treatment": t.round(6).tolist()}
c, t = np.array(balance["control"]), np.array(balance["treatment"])
own = [stats.ttest_ind(t[:, j], c[:, j], equal_var=False).pvalue for j in range(3)]
d = t.mean(0) - c.mean(0)
wald = float(d @ np.linalg.solve(np.cov(c.T) / 300 + np.cov(t.T) / 340, d))
balance |= {"p": [float(x) for x in own], "adjusted_p": multipletests(own, method="holm")[1].tolist(), "wald": wald,
            "joint_p": float(stats.chi2.sf(wald, 3))}

# Novelty: units with a taste of their own, effect decaying over eight days.
days = np.arange(8.0)


def panel(n, effect):
    return (rng.normal(5, 1, (n, 1)) + effect + rng.normal(0, 0.8, (n, 8))).round(4)


a, b = panel(200, np.zeros(8)), panel(200, 0.8 * np.exp(-days / 2))
V = np.cov(a.T) / 200 + np.cov(b.T) / 200
e = b.mean(0) - a.mean(0)


def gls(e, V):
    X = np.column_stack([np.ones(8), days - days.mean()])
    r = sm.GLS(e, X, sigma=V).fit(cov_type="fixed scale")
    last = np.array([1, days[-1] - days.mean()])
    return {"level": {"point": r.params[0], "se": r.bse[0]}, "slope": {"point": r.params[1], "se": r.bse[1]},
            "last": {"point": last @ r.params, "se": float(np.sqrt(last @ r.cov_params() @ last))}}


w = np.r_[-np.ones(3), 0, 0, np.ones(3)] / 3
novelty = {"control": a.tolist(), "treatment": b.tolist(), **gls(e, V),
           "late_minus_early": {"point": float(w @ e), "se": float(np.sqrt(w @ V @ w))}}
se = rng.uniform(0.5, 1.0, 8)
effects = 3 - 0.1 * days + rng.normal(0, 0.5, 8)
R = 0.6 ** np.abs(np.subtract.outer(days, days))
summary = {"effects": effects.tolist(), "errors": se.tolist(), "correlation": 0.6, **gls(effects, R * np.outer(se, se))}

# Outliers: a heavy tail, and what Welch says without the most pulling units.
x, y = rng.lognormal(1, 1, 150).round(4), rng.lognormal(1, 1, 160).round(4)
y[:3] += 200
r = stats.ttest_ind(y, x, equal_var=False)
sign = np.sign(y.mean() - x.mean())
pull = np.r_[-sign * (x - x.mean()) / 149, sign * (y - y.mean()) / 159]
without = []
for k in (1, 3, 10):
    gone = np.argsort(-pull)[:k]
    xs, ys = np.delete(x, gone[gone < 150]), np.delete(y, gone[gone >= 150] - 150)
    w_ = stats.ttest_ind(ys, xs, equal_var=False)
    without.append({"units": k, "point": ys.mean() - xs.mean(), "df": w_.df, "p": w_.pvalue})
se_all = (y.mean() - x.mean()) / r.statistic
outliers = {"control": x.tolist(), "treatment": y.tolist(), "largest_pull": float(np.abs(pull).max() / se_all),
            "top_share": float(np.sort(np.r_[x, y])[-3:].sum() / (x.sum() + y.sum())), "without": without}

assumptions = {"control": x.tolist(), "treatment": y.tolist(), "skewness": [stats.skew(x), stats.skew(y)],
               "spread_p": stats.levene(x, y, center="median").pvalue, "spread_ratio": float(y.std(ddof=1) / x.std(ddof=1))}

design = []
mpmath.mp.dps = 30
for effect, se_, alpha in ((0.1, 3.28, 0.05), (2.0, 8.1, 0.05), (1.0, 0.5, 0.05), (-0.3, 0.1, 0.01)):
    lam, z = abs(effect) / se_, mpmath.sqrt(2) * mpmath.erfinv(1 - mpmath.mpf(alpha))
    pdf = lambda v: mpmath.npdf(v, lam, 1)
    right, wrong = mpmath.quad(pdf, [z, z + 5, mpmath.inf]), mpmath.quad(pdf, [-mpmath.inf, -z - 5, -z])
    size = mpmath.quad(lambda v: abs(v) * pdf(v), [z, z + 5, mpmath.inf]) + mpmath.quad(lambda v: abs(v) * pdf(v), [-mpmath.inf, -z - 5, -z])
    design.append({"effect": effect, "se": se_, "alpha": alpha, "power": float(right + wrong),
                   "type_s": float(wrong / (right + wrong)), "type_m": float(size / (right + wrong) / lam)})
write("health", {"search": search, "balance": balance, "novelty": novelty, "summary": summary, "outliers": outliers,
                 "assumptions": assumptions, "design": design}, "statsmodels", "mpmath")
