"""Meta-analysis (statsmodels combine_effects), shrinkage (scipy quadrature), programmes (scipy)."""

import numpy as np
from common import write
from scipy import integrate, optimize, stats
from statsmodels.stats.meta_analysis import combine_effects

rng = np.random.default_rng(67)

# BCG vaccine trials (Colditz et al. 1994), log risk ratios.
TABLE = np.array([[4, 119, 11, 128], [6, 300, 29, 274], [3, 228, 11, 209], [62, 13536, 248, 12619], [33, 5036, 47, 5761],
                  [180, 1361, 372, 1079], [8, 2537, 10, 619], [505, 87886, 499, 87892], [29, 7470, 45, 7232],
                  [17, 1699, 65, 1600], [186, 50448, 141, 27197], [5, 2493, 3, 2338], [27, 16886, 29, 17825]], float)
n1, n2 = TABLE[:, 0] + TABLE[:, 1], TABLE[:, 2] + TABLE[:, 3]
bcg = np.log(TABLE[:, 0] / n1 * n2 / TABLE[:, 2]), np.sqrt(1 / TABLE[:, 0] - 1 / n1 + 1 / TABLE[:, 2] - 1 / n2)
schools = np.array([28, 8, -3, 7, -1, 1, 18, 12.0]), np.array([15, 10, 16, 11, 9, 11, 10, 18.0])
alike = 1 + rng.normal(0, 0.1, 5), np.full(5, 0.3)

meta = []
for name, (y, s) in (("bcg", bcg), ("schools", schools), ("alike", alike)):
    case = {"name": name, "effects": y.tolist(), "errors": s.tolist()}
    for ours, theirs in (("der_simonian_laird", "dl"), ("paule_mandel", "iterated")):
        r = combine_effects(y, s**2, method_re=theirs, use_t=True)
        z = combine_effects(y, s**2, method_re=theirs, use_t=False)
        k = len(y)
        # statsmodels iterates Paule-Mandel to about 1e-6; its equation is solved exactly here.
        tau2 = max(r.tau2, 0)
        if ours == "paule_mandel":
            def q(t):
                w = 1 / (s**2 + t)
                return (w * (y - (w * y).sum() / w.sum()) ** 2).sum() - (k - 1)
            tau2 = optimize.brentq(q, 0, 1e4, xtol=1e-14) if q(0) > 0 else 0.0
            assert abs(tau2 - max(r.tau2, 0)) < 1e-4 * (1 + tau2)
        w = 1 / (s**2 + tau2)
        mean = (w * y).sum() / w.sum()
        case[ours] = {"tau2": tau2, "normal": {"point": mean, "se": w.sum() ** -0.5},
                      "hartung_knapp": {"point": mean, "se": float(np.sqrt((w * (y - mean) ** 2).sum() / (k - 1) / w.sum()))}}
        if ours == "der_simonian_laird" and r.tau2 >= 0:
            assert np.isclose(mean, r.mean_effect_re) and np.isclose(w.sum() ** -0.5, r.sd_eff_w_re)
            assert np.isclose(case[ours]["hartung_knapp"]["se"], r.sd_eff_w_re_hksj)
    case["fixed"] = {"point": z.mean_effect_fe, "se": z.sd_eff_w_fe}
    case |= {"q": z.q, "q_p": float(stats.chi2.sf(z.q, len(y) - 1)), "i2": max(z.i2, 0)}
    meta.append(case)

# Printed by R metafor 4 (rma, measure RR) for the same trials.
metafor = {"der_simonian_laird": {"tau2": 0.3088, "point": -0.7141, "se": 0.1787}, "fixed": {"point": -0.4303, "se": 0.0405},
           "q": 152.2330}

shrink = []
for name, (y, s) in (("schools", schools), ("two", (np.array([1.0, 3.0]), np.array([0.5, 0.8]))), ("bcg", bcg)):
    s0 = np.sqrt(len(s) / (s**-2.0).sum())

    def parts(t):
        w = 1 / (s**2 + t * t)
        mu = (w * y).sum() / w.sum()
        log = 0.5 * (np.log(w).sum() - np.log(w.sum()) - (w * (y - mu) ** 2).sum())
        b = s**2 / (s**2 + t * t)
        return log, b * mu + (1 - b) * y, (1 - b) * s**2 + b * b / w.sum()

    peak = max(parts(t)[0] for t in np.linspace(0, 20 * s0, 400))
    density = lambda t: np.exp(parts(t)[0] - peak) * s0 / (s0 + t) ** 2
    over = lambda f: sum(integrate.quad(f, a, b, epsabs=1e-13, epsrel=1e-11, limit=400)[0]
                         for a, b in ((0, s0), (s0, 5 * s0), (5 * s0, 50 * s0), (50 * s0, np.inf)))
    total = over(density)
    effects = []
    for i in range(len(y)):
        point = over(lambda t: density(t) * parts(t)[1][i]) / total
        second = over(lambda t: density(t) * (parts(t)[2][i] + parts(t)[1][i] ** 2)) / total
        below = lambda x: over(lambda t: density(t) * stats.norm.cdf(x, parts(t)[1][i], np.sqrt(parts(t)[2][i]))) / total
        sd = np.sqrt(second - point**2)
        low = optimize.brentq(lambda x: below(x) - 0.025, point - 6 * sd, point)
        effects.append({"point": point, "sd": float(sd), "low": low, "positive": 1 - below(0.0)})
    shrink.append({"name": name, "effects": y.tolist(), "errors": s.tolist(), "shrunk": effects})

s = rng.uniform(0.5, 1.5, 40)
y = rng.normal(rng.normal(0.2, 0.6, 40), s)
tau2 = optimize.brentq(lambda t: ((y - (y / (s**2 + t)).sum() / (1 / (s**2 + t)).sum()) ** 2 / (s**2 + t)).sum() - 39, 0, 100)
w = 1 / (s**2 + tau2)
mu = (w * y).sum() / w.sum()
b = s**2 * w
post = b * mu + (1 - b) * y
win = y > stats.norm.isf(0.025) * s
z = stats.norm.isf(0.025)
sd = np.sqrt(s**2 + tau2)
programme = {"effects": y.tolist(), "errors": s.tolist(), "mean": mu, "tau": float(np.sqrt(tau2)), "naive": y[win].sum(),
             "cumulative": {"point": post[win].sum(),
                            "se": float(np.sqrt(((1 - b) * s**2)[win].sum() + b[win].sum() ** 2 / w.sum()))},
             "win_rate": win.mean(),
             "positive_rate": stats.norm.sf(-post / np.sqrt((1 - b) * s**2 + b * b / w.sum())).mean(),
             "mean_power": (stats.norm.sf((z * s - mu) / sd) + stats.norm.cdf((-z * s - mu) / sd)).mean()}
write("heterogeneity", {"meta": meta, "metafor": metafor, "shrink": shrink, "programme": programme}, "statsmodels")
