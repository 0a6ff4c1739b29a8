"""The audit of what audit.py leaves: adjustment, metrics' shapes, sequential designs, corrections, health, designs, bandits."""

import itertools
import math

import numpy as np
from scipy import optimize, stats
from statsmodels.regression.linear_model import OLS, WLS
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import power_proportions_2indep, proportion_effectsize

from asking import ask, refused, same

N = stats.norm


def two_sided(point, se):
    return 2 * N.sf(abs(point) / se)


def groups(seed, n=60, m=45):
    rng = np.random.default_rng(seed)
    x, z = rng.gamma(2, 2, n), rng.gamma(2, 2, m)
    return (5 + 1.2 * x + rng.normal(0, 1, n), x), (5.6 + 1.2 * z + rng.normal(0, 1.5, m), z)


def adjustment():
    (c, x), (t, z) = groups(1)
    n, m = len(c), len(t)
    sxx = ((x - x.mean())**2).sum() + ((z - z.mean())**2).sum()
    sxy = ((x - x.mean()) * (c - c.mean())).sum() + ((z - z.mean()) * (t - t.mean())).sum()
    theta = sxy / sxx
    a, b = c - theta * x, t - theta * z
    r = stats.ttest_ind(b, a, equal_var=False)
    raw = c.var(ddof=1) / n + t.var(ddof=1) / m
    arms = {"control": {"values": c, "covariates": [x]}, "treatment": {"values": t, "covariates": [z]}}
    o = ask("cuped", **arms)
    same("cuped", "scipy ttest_ind on adjusted values", [o["absolute"]["point"], o["absolute"]["p"], o["theta"][0]],
         [b.mean() - a.mean(), r.pvalue, theta])
    same("cuped", "scipy ttest_ind on adjusted values", o["variance_reduction"], 1 - (a.var(ddof=1) / n + b.var(ddof=1) / m) / raw)
    for side, word in (("greater", "greater"), ("less", "less")):
        same("cuped", "scipy ttest_ind on adjusted values", ask("cuped", alternative=side, **arms)["absolute"]["p"],
             stats.ttest_ind(b, a, equal_var=False, alternative=word).pvalue)
    # The same from sums, and at 1e8.
    of = lambda y, v: {"n": len(y), "mean": y.mean(), "variance": y.var(ddof=1), "covariate_mean": v.mean(),
                       "covariate_variance": v.var(ddof=1), "covariance": np.cov(y, v)[0, 1]}
    o = ask("cuped", control=of(c + 1e8, x), treatment=of(t + 1e8, z))
    same("cuped", "at a mean of 1e8, moments (1e-7)", o["absolute"]["p"], r.pvalue)
    lin = OLS(np.r_[c, t], np.column_stack([np.ones(n + m), np.r_[np.zeros(n), np.ones(m)], (g := np.r_[x, z] - np.r_[x, z].mean()),
              g * np.r_[np.zeros(n), np.ones(m)]])).fit()
    o = ask("regression_adjustment", **arms)["adjusted"]
    same("regression_adjustment", "statsmodels OLS, interacted (point)", o["point"], lin.params[1])
    # Post-stratification: Σ w(ȳ_T − ȳ_C), variances by stratum.
    rng = np.random.default_rng(2)
    strata = [(rng.normal(k, 1 + k, 20 + 5 * k), rng.normal(k + 0.5, 1, 25)) for k in range(3)]
    w = np.array([len(a) + len(b) for a, b in strata]) / sum(len(a) + len(b) for a, b in strata)
    point = sum(k * (b.mean() - a.mean()) for k, (a, b) in zip(w, strata))
    var = sum(k**2 * (a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)) for k, (a, b) in zip(w, strata))
    o = ask("post_stratification", strata=[{"control": {"values": a}, "treatment": {"values": b}} for a, b in strata])["adjusted"]
    same("post_stratification", "numpy", o, {"point": point, "se": np.sqrt(var)})


def lifts():
    (c, _), (t, _) = groups(3)
    n, m = len(c), len(t)
    v = [c.var(ddof=1) / n, t.var(ddof=1) / m]
    df = stats.ttest_ind(t, c, equal_var=False).df
    q = stats.t.isf(0.025, df)
    # Fieller: (δ − rC)² ≤ q²(Var δ − 2rCov + r²Var C), Cov = −Var C.
    d, base = t.mean() - c.mean(), c.mean()
    A, B, C = base**2 - q**2 * v[0], -2 * d * base - 2 * q**2 * v[0], d**2 - q**2 * (v[0] + v[1])
    roots = np.sort(np.roots([A, B, C]))
    o = ask("fieller", control={"values": c}, treatment={"values": t})["estimate"]
    same("fieller", "roots of the quadratic in numpy", [o["point"], o["low"], o["high"]], [d / base, *roots])
    p, r, k = 0.1, 0.15, 400
    v = [p * (1 - p) / k, r * (1 - r) / k]
    q = N.isf(0.025)
    roots = np.sort(np.roots([p**2 - q**2 * v[0], -2 * (r - p) * p - 2 * q**2 * v[0], (r - p)**2 - q**2 * sum(v)]))
    o = ask("fieller_proportions", control={"n": k, "successes": 40}, treatment={"n": k, "successes": 60})["estimate"]
    same("fieller_proportions", "roots of the quadratic in numpy", [o["low"], o["high"]], roots)
    refused("fieller", "zero_baseline", control={"n": 100, "mean": 0.01, "sd": 1}, treatment={"n": 100, "mean": 1, "sd": 1})
    for side, sign in (("greater", 1), ("less", -1)):
        o = ask("one_sided", point=1.3, se=0.8, df=11, alternative=side)["estimate"]
        bound = 1.3 - sign * stats.t.isf(0.05, 11) * 0.8
        same("one_sided", "scipy t", [o["p"], o["low"] if sign > 0 else o["high"]], [stats.t.sf(sign * 1.3 / 0.8, 11), bound])
    o = ask("non_inferiority", point=-0.4, se=0.5, df=80, margin=1.0)
    same("non_inferiority", "scipy t", [o["estimate"]["p"], o["estimate"]["low"], o["superiority_p"]],
         [stats.t.sf(0.6 / 0.5, 80), -0.4 - stats.t.isf(0.05, 80) * 0.5, stats.t.sf(-0.8, 80)])
    o = ask("non_inferiority", point=0.4, se=0.5, margin=1.0, better="lower")
    same("non_inferiority", "scipy t", [o["estimate"]["p"], o["estimate"]["high"]], [N.sf(0.6 / 0.5), 0.4 + N.isf(0.05) * 0.5])
    one = ask("mean", sample={"values": c}, level=0.9)["estimate"]
    low, high = stats.t.interval(0.9, n - 1, c.mean(), stats.sem(c))
    same("mean", "scipy t", one, {"low": low, "high": high})
    a, b = np.abs(c), 1 + np.arange(n) % 4
    r = a.sum() / b.sum()
    same("ratio", "delta method in numpy", ask("ratio", sample={"numerators": a, "denominators": b})["estimate"],
         {"point": r, "se": ((a - r * b) / b.mean()).std(ddof=1) / np.sqrt(n)})


def cuped_ratios():
    rng = np.random.default_rng(5)
    arms, scores = [], []
    for n, k in ((80, 2.0), (70, 2.2)):
        d0 = 1.0 + rng.poisson(3, n); own = rng.normal(0, 0.5, n)
        d1 = 1.0 + rng.poisson(3, n)
        arms.append(np.column_stack([(k + own) * d1 + rng.normal(0, 1, n), d1, (2 + own) * d0 + rng.normal(0, 1, n), d0]))
    lin = lambda a, i: (a[:, i] - a[:, i].sum() / a[:, i + 1].sum() * a[:, i + 1]) / a[:, i + 1].mean()
    ys, xs = [lin(a, 0) for a in arms], [lin(a, 2) for a in arms]
    theta = sum((x * y).sum() for x, y in zip(xs, ys)) / sum((x * x).sum() for x in xs)
    R = [a[:, 0].sum() / a[:, 1].sum() for a in arms]
    P = [a[:, 2].sum() / a[:, 3].sum() for a in arms]
    var = sum((y - theta * x).var(ddof=1) / len(y) for x, y in zip(xs, ys))
    o = ask("cuped_ratio", control={"columns": arms[0].T}, treatment={"columns": arms[1].T})
    same("cuped_ratio", "numpy on linearised scores", [o["absolute"]["point"], o["absolute"]["se"], o["theta"][0]],
         [R[1] - R[0] - theta * (P[1] - P[0]), np.sqrt(var), theta])
    v = [y.var(ddof=1) / len(y) for y in ys]
    q = ask("ratio_delta", control={"numerators": arms[0][:, 0], "denominators": arms[0][:, 1]},
            treatment={"numerators": arms[1][:, 0], "denominators": arms[1][:, 1]})["absolute"]["df"]
    crit = stats.t.isf(0.025, q)
    roots = np.sort(np.roots([R[0]**2 - crit**2 * v[0], -2 * (R[1] - R[0]) * R[0] - 2 * crit**2 * v[0], (R[1] - R[0])**2 - crit**2 * sum(v)]))
    o = ask("fieller_ratio", control={"numerators": arms[0][:, 0], "denominators": arms[0][:, 1]},
            treatment={"numerators": arms[1][:, 0], "denominators": arms[1][:, 1]})["estimate"]
    same("fieller_ratio", "roots of the quadratic in numpy", [o["low"], o["high"]], roots)


def shapes():
    c, t = [100, 30, 18], [110, 44, 20]
    o = ask("funnel_counts", control=c, treatment=t)["steps"]
    for k in (1, 2):
        for field, n in (("overall", (c[0], t[0])), ("from_previous", (c[k - 1], t[k - 1]))):
            p = [c[k] / n[0], t[k] / n[1]]
            point, se = p[1] - p[0], np.sqrt(sum(q * (1 - q) / m for q, m in zip(p, n)))
            # Of a ratio of sums the sample variance has the divisor n − 1 of all units.
            exact = field == "overall"
            same("funnel_counts", "numpy, binomial" + ("" if exact else " (step rates: divisor n − 1)"), o[k][field]["absolute"],
                 {"point": point, **({"se": se} if exact else {})})
    rows = lambda a: [[1.0] * a[0], [1.0] * a[1] + [0.0] * (a[0] - a[1]), [1.0] * a[2] + [0.0] * (a[0] - a[2])]
    raw = ask("funnel", control=rows(c), treatment=rows(t))["steps"]
    for k in (1, 2):
        same("funnel", "funnel_counts of the same units", raw[k]["from_previous"]["absolute"],
             {f: o[k]["from_previous"]["absolute"][f] for f in ("point", "se", "p", "low", "high")})
    units = lambda k, n: [{"observed": 10, "active": [7] if i < k else []} for i in range(n)] + [{"observed": 3, "active": [1]}]
    w = ask("retention", control=units(20, 60), treatment=units(33, 70), windows=[{"from": 7, "to": 7}])["windows"][0]
    same("retention", "numpy, binomial, of units seen long enough", [w["lift"]["absolute"]["point"], w["lift"]["absolute"]["se"]],
         [33 / 70 - 20 / 60, np.sqrt(33 / 70 * 37 / 70 / 70 + 20 / 60 * 40 / 60 / 60)])
    rng = np.random.default_rng(7)
    a, b = rng.exponential(1, 41), rng.exponential(1.4, 53)
    o = ask("quantile_difference", control=a, treatment=b, q=0.5)["absolute"]
    same("quantile_difference", "numpy quantile", o["point"], np.quantile(b, 0.5) - np.quantile(a, 0.5))
    o = ask("event_quantile_difference", control={"values": a, "units": np.arange(41) // 2}, treatment={"values": b, "units": np.arange(53) // 2},
            q=0.5)["absolute"]
    same("event_quantile_difference", "numpy quantile", o["point"], np.quantile(b, 0.5) - np.quantile(a, 0.5))


def sequential():
    mvn = lambda lows, highs, cov: stats.multivariate_normal(cov=cov, allow_singular=False).cdf(highs, lower_limit=lows, rng=1)
    t = np.array([0.3, 0.65, 1.0])
    cov = np.array([[np.sqrt(min(a, b) / max(a, b)) for b in t] for a in t])
    for spending, f in (("obrien_fleming", lambda x: 2 * N.sf(N.isf(0.0125) / np.sqrt(x))), ("pocock", lambda x: 0.025 * np.log1p((np.e - 1) * x)),
                        ("kim_demets", lambda x: 0.025 * x**2), ("hwang_shih_decani", lambda x: 0.025 * np.expm1(4 * x) / np.expm1(4))):
        looks = ask("group_sequential_boundaries", information_fractions=t, spending=spending)["looks"]
        z = [k["z"] for k in looks]
        spent = [2 * N.sf(z[0])]
        for k in (2, 3):
            inside = mvn(-np.array(z[:k]), np.array(z[:k]), cov[:k, :k])
            spent.append(1 - inside)
        same("group_sequential_boundaries", "scipy multivariate normal: alpha spent (1e-4 of quasi-random)", spent, [2 * f(x) for x in t])
    # Stage-wise p at a crossing of the second look.
    o = ask("group_sequential_test", information_fractions=t[:2], effects=[1.2, 2.2], ses=[1.0, 0.7])
    z1 = o["looks"][0]["z"]
    upper = N.sf(z1) + stats.multivariate_normal(cov=cov[:2, :2]).cdf([z1, 20], lower_limit=[-z1, 2.2 / 0.7], rng=1)
    same("group_sequential_test", "scipy multivariate normal: stage-wise p", o["adjusted"]["p"], 2 * upper)
    same("group_sequential_test", "repeated interval by hand", o["repeated"]["low"], 2.2 - o["looks"][1]["z"] * 0.7)
    o = ask("futility_boundaries", information_fractions=t, power=0.9)
    looks, drift = o["looks"], o["drift"]
    e = [k["efficacy_z"] for k in looks]
    mean = drift * np.sqrt(t)
    chance = lambda lows, highs, k: stats.multivariate_normal(mean=mean[:k], cov=cov[:k, :k]).cdf(highs, lower_limit=lows, rng=1)
    found = N.sf(e[0] - mean[0]) + sum(
        chance([*[looks[j]["futility_z"] if looks[j]["futility_z"] is not None else -20 for j in range(k)], e[k]], [*e[:k], 20], k + 1) for k in (1, 2))
    same("futility_boundaries", "scipy multivariate normal: power", found, 0.9)


def corrections():
    p, points, ses = [0.001, 0.02, 0.03, 0.2], np.array([3.3, 2.3, 2.2, 1.3]), np.ones(4)
    raw = two_sided(points, ses)
    for word in ("bonferroni", "holm"):
        o = ask("adjusted_intervals", points=points, ses=ses, correction=word)["estimates"]
        rejects = multipletests(raw, 0.05, word)[0]
        same("adjusted_intervals", "statsmodels multipletests: the same decisions",
             [float(e["low"] > 0 or e["high"] < 0) for e in o], [float(r) for r in rejects])
    o = ask("adjusted_intervals", points=points, ses=ses, correction="bonferroni")["estimates"]
    same("adjusted_intervals", "scipy norm", [e["low"] for e in o], points - N.isf(0.05 / 8) * ses)
    # Serial: each family by Holm, adjusted p at least the largest of the family before.
    a, b = multipletests([0.01, 0.02], method="holm")[1], multipletests([0.001, 0.2], method="holm")[1]
    o = ask("serial_gatekeeping", families=[[0.01, 0.02], [0.001, 0.2]])["adjusted_p"]
    same("serial_gatekeeping", "Holm in steps, by hand", o, [list(a), [max(a.max(), x) for x in b]])
    # The graph that is Holm's procedure.
    g = (np.ones((4, 4)) - np.eye(4)) / 3
    o = ask("graphical_gatekeeping", p=p, weights=[0.25] * 4, transitions=g)["adjusted_p"]
    same("graphical_gatekeeping", "statsmodels Holm, as its graph", o, multipletests(p, method="holm")[1])
    # Dunnett for given estimates: equicorrelated normal, one factor.
    e, s, v0 = np.array([0.9, 0.4, 0.2]), np.full(3, np.sqrt(0.5)), 0.25
    grid, w = np.polynomial.hermite_e.hermegauss(80)
    inside = lambda z: (w / w.sum() * np.prod([N.cdf((z * si + np.sqrt(v0) * grid) / np.sqrt(si**2 - v0)) - N.cdf((-z * si + np.sqrt(v0) * grid) / np.sqrt(si**2 - v0))
                                              for si in s], axis=0)).sum()
    o = ask("many_to_one", effects=e, ses=s, control_variance=v0)["estimates"]
    same("many_to_one", "numpy Gauss–Hermite", [k["p"] for k in o], [1 - inside(x / y) for x, y in zip(e, s)])


def health():
    rng = np.random.default_rng(11)
    a, b = rng.normal(0, 1, (3, 50)), rng.normal(0.2, 1, (3, 60))
    o = ask("pre_exposure_balance", control=a, treatment=b)
    d = b.mean(axis=1) - a.mean(axis=1)
    V = np.cov(a) / 50 + np.cov(b) / 60
    same("pre_exposure_balance", "numpy Wald; scipy, statsmodels Holm", [o["wald"], o["p"]], [(W := d @ np.linalg.solve(V, d)), stats.chi2.sf(W, 3)])
    same("pre_exposure_balance", "numpy Wald; scipy, statsmodels Holm", o["adjusted_p"],
         multipletests([stats.ttest_ind(y, x, equal_var=False).pvalue for x, y in zip(a, b)], method="holm")[1])
    seg = [("web", [600, 400]), ("app", [500, 498])]
    o = ask("srm_segments", weights=[1, 1], segments=[{"dimension": "platform", "value": v, "units": u} for v, u in seg])["suspects"]
    p = {v: stats.chisquare(u).pvalue for v, u in seg}
    adj = dict(zip(p, multipletests(list(p.values()), method="holm")[1]))
    for s in o:
        same("srm_segments", "scipy chisquare, statsmodels Holm", [s["p"], s["adjusted_p"]], [p[s["value"]], adj[s["value"]]])
    for effect, se in ((0.5, 1.0), (2.0, 0.8)):
        z = N.isf(0.025)
        lam = effect / se
        power = N.sf(z - lam) + N.cdf(-z - lam)
        grid = lambda low, high: np.linspace(low, high, 400001)
        up, down = grid(z, 12 + lam), grid(-12 + lam, -z)
        mean = (np.trapezoid(up * N.pdf(up - lam), up) + np.trapezoid(-down * N.pdf(down - lam), down)) / power
        o = ask("type_s_m", effect=effect, se=se)
        same("type_s_m", "scipy norm, trapezoids", [o["power"], o["type_s"], o["type_m"]], [power, N.cdf(-z - lam) / power, mean / lam])
    c, t = rng.normal(1, 1, 40), rng.normal(1.5, 1, 40)
    o = ask("outlier_influence", control=c, treatment=t, leave_out=[1])
    same("outlier_influence", "scipy ttest_ind", o["all"], {"p": stats.ttest_ind(t, c, equal_var=False).pvalue})
    D = [rng.normal(0, 1, (4, 30)), rng.normal(0, 1, (4, 35)) + np.array([[2], [1.5], [1.0], [0.6]])]
    V = np.cov(D[0]) / 30 + np.cov(D[1]) / 35
    y, X = D[1].mean(axis=1) - D[0].mean(axis=1), np.column_stack([np.ones(4), np.arange(4)])
    W = np.linalg.inv(V); M = np.linalg.inv(X.T @ W @ X)
    o = ask("novelty_panel", control=D[0], treatment=D[1], days=[0, 1, 2, 3])["slope"]
    same("novelty_panel", "GLS in numpy", [o["point"], o["se"]], [(M @ X.T @ W @ y)[1], np.sqrt(M[1, 1])])
    o = ask("multiple_exposure", units=2000, multiple=30)
    same("multiple_exposure", "scipy binomtest", o["p"], stats.binomtest(30, 2000, 0.01, alternative="greater").pvalue)
    o = ask("missing_days", units=[[30, 31, 3, 29, 33, 30], [28, 35, 4, 30, 31, 29]])["low"][0]
    same("missing_days", "scipy poisson", o["p"], stats.poisson.cdf(7, o["expected"]))
    o = ask("trigger_dilution", control={"values": c}, treatment={"values": t}, all_units=400, overall_mean=2.0)
    r = stats.ttest_ind(t, c, equal_var=False)
    same("trigger_dilution", "scipy, by hand", [o["absolute"]["point"], o["relative"]["point"], o["absolute"]["p"]],
         [(t.mean() - c.mean()) * 0.2, (t.mean() - c.mean()) * 0.1, r.pvalue])
    for a, ea, b, eb in ((12, 340.0, 25, 355.5), (900, 1e4, 1011, 1.01e4)):
        o = ask("poisson_rates", control={"events": a, "exposure": ea}, treatment={"events": b, "exposure": eb})
        r = stats.binomtest(b, a + b, eb / (ea + eb))
        ci = r.proportion_ci(0.95, "exact")
        same("poisson_rates", "scipy binomtest, exact", o["exact"], {"p": r.pvalue, "low": ci.low / (1 - ci.low) * ea / eb, "high": ci.high / (1 - ci.high) * ea / eb})
        log, se = np.log(b / eb / (a / ea)), np.sqrt(1 / a + 1 / b)
        same("poisson_rates", "Wald by hand", o["ratio"], {"point": np.exp(log), "low": np.exp(log - N.isf(0.025) * se), "p": two_sided(log, se)})


def planning():
    for effect, se, alpha in ((0.3, 0.1, 0.05), (-0.1, 0.2, 0.01)):
        z = N.isf(alpha / 2)
        same("power_from_se", "scipy norm", ask("power_from_se", effect=effect, se=se, alpha=alpha)["power"],
             N.sf(z - abs(effect) / se) + N.cdf(-z - abs(effect) / se))
    e = ask("mde_from_se", se=0.4)["effect"]
    same("minimum_detectable_effect_from_se", "scipy norm: power at the effect", N.sf(N.isf(0.025) - e / 0.4) + N.cdf(-N.isf(0.025) - e / 0.4), 0.8)
    for p, effect, n, alpha in ((0.1, 0.02, 3000, 0.05), (0.5, -0.08, 400, 0.01)):
        o = ask("power", metric={"proportion": p}, effect=effect, n_control=n, alpha=alpha, test="pooled")["power"]
        same("power", "statsmodels power_proportions_2indep", o, power_proportions_2indep(effect, p, n, alpha=alpha, return_results=False))
        o = ask("power", metric={"proportion": p}, effect=effect, n_control=n, alpha=alpha, test="arcsine")["power"]
        same("power", "statsmodels NormalIndPower, arcsine", o, NormalIndPower().power(abs(proportion_effectsize(p + effect, p)), n, alpha))
    # A ratio and clusters: the delta method's variance times the design effect.
    m = {"numerator_mean": 5.0, "numerator_variance": 9.0, "denominator_mean": 2.0, "denominator_variance": 1.0, "covariance": 1.5}
    v = (9 - 2 * 2.5 * 1.5 + 2.5**2) / 4 * (1 + ((1 + 0.3**2) * 20 - 1) * 0.05)
    se = np.sqrt(2 * v / 800)
    o = ask("power", metric=m, effect=0.2, n_control=800, cluster_size=20, icc=0.05, cluster_size_cv=0.3)
    same("power", "delta method and design effect by hand", [o["power"], o["se"]], [N.sf(N.isf(0.025) - 0.2 / se) + N.cdf(-N.isf(0.025) - 0.2 / se), se])
    # One always-valid look is one test at its own boundary.
    se, a = np.sqrt(2 * 4 / 300), 0.05
    rho = -2 * np.log(a) + np.log(1 - 2 * np.log(a))
    z = np.sqrt((rho + 1) / rho * (np.log(rho + 1) - 2 * np.log(a)))
    o = ask("power", metric={"mean": 10, "sd": 2}, effect=0.6, n_control=300, rule="confidence_sequence", looks=1)["power"]
    same("power", "confidence sequence of one look, by hand", o, N.sf(z - 0.6 / se))
    v, tau = se**2, 0.5
    z = np.sqrt((v + tau**2) / tau**2 * (np.log((v + tau**2) / v) - 2 * np.log(a)))
    o = ask("power", metric={"mean": 10, "sd": 2}, effect=0.6, n_control=300, rule="msprt", tau=tau, looks=1)["power"]
    same("power", "mSPRT of one look, by hand", o, N.sf(z - 0.6 / se))
    same("duration", "by hand", ask("duration", units=1000, daily_units=[100, 80], whole_weeks=False)["days"], 11)


def effects():
    y, s = np.array([3.0, 2.2, 5.1, 0.4]), np.array([1.0, 0.5, 1.5, 0.7])
    w = 1 / s**2
    q = (w * (y - (w * y).sum() / w.sum())**2).sum()
    same("cochran_q", "numpy, scipy chi2", ask("cochran_q", effects=y, errors=s), {"q": q, "p": stats.chi2.sf(q, 3), "i2": max(0, (q - 3) / q)})
    o = ask("meta_analysis", effects=y, errors=s, method="fixed")["effect"]
    f = WLS(y, np.ones(4), weights=w).fit(cov_type="fixed scale")
    same("meta_analysis", "statsmodels WLS, fixed", o, {"point": f.params[0], "se": f.bse[0]})
    # REML's estimating equation, and Hartung and Knapp's variance, at the answer.
    o = ask("meta_analysis", effects=y, errors=s, method="reml", hartung_knapp=True)
    like = lambda t: 0.5 * (np.log(s**2 + t).sum() + np.log((1 / (s**2 + t)).sum()) + ((y - (y / (s**2 + t)).sum() / (1 / (s**2 + t)).sum())**2 / (s**2 + t)).sum())
    t = optimize.minimize_scalar(like, bounds=(0, 50), method="bounded", options={"xatol": 1e-10}).x
    same("meta_analysis", "scipy minimum of the REML likelihood (1e-6)", o["tau2"], t)
    w = 1 / (s**2 + o["tau2"]); mu = (w * y).sum() / w.sum()
    same("meta_analysis", "Hartung–Knapp by hand", o["effect"]["se"], np.sqrt((w * (y - mu)**2).sum() / 3 / w.sum()))
    o = ask("programme", effects=y, errors=s, prior_mean=0.0, prior_sd=1.0)
    same("programme", "normal–normal by hand", [e["point"] for e in o["effects"]], y / (1 + s**2))


def designs():
    rng = np.random.default_rng(13)
    cells = [rng.normal(m, 1, n) for m, n in ((1, 30), (1.5, 35), (1.2, 28), (2.4, 33))]
    v = np.array([c.var(ddof=1) / len(c) for c in cells]); m = np.array([c.mean() for c in cells])
    arms = [{"values": c} for c in cells]
    o = ask("factorial", factors=[2, 2], cells=arms)
    for name, w in (("main", np.array([-1, -1, 1, 1]) / 2), ("interactions", np.array([1, -1, -1, 1]))):
        same("factorial", "contrasts in numpy", o[name][0]["effect"], {"point": w @ m, "se": np.sqrt(w**2 @ v)})
    w = np.array([1, -1, -1, 1])
    o = ask("layer_interaction", arms=[2, 2], cells=arms)
    same("layer_interaction", "Wald in numpy", [o["wald"], o["p"]], [(k := (w @ m)**2 / (w**2 @ v)), stats.chi2.sf(k, 1)])
    n = 48
    treated = (np.arange(n) // 4 % 2).astype(int)
    y = 5 + 0.8 * treated + rng.normal(0, 1, n)
    blocks = np.arange(n) // 4
    f = OLS(y, np.column_stack([np.ones(n), treated])).fit(cov_type="cluster", cov_kwds={"groups": blocks, "use_correction": False}, use_t=True)
    o = ask("switchback", regions=[1] * n, times=list(range(n)), treated=treated, values=y)
    same("switchback", "statsmodels OLS (point)", o["effect"]["point"], f.params[1])
    d = rng.normal(1, 2, 9)
    flips = [abs(np.mean(d * np.array(k))) for k in itertools.product((1, -1), repeat=9)]
    o = ask("paired_markets", differences=d)
    same("paired_markets", "scipy ttest_1samp, all sign flips", [o["effect"]["p"], o["permutation_p"]],
         [stats.ttest_1samp(d, 0).pvalue, np.mean(np.array(flips) >= abs(d.mean()) - 1e-12)])
    x = 10 + rng.normal(0, 1, 40); z = 3 + 2 * x + rng.normal(0, 0.5, 40); z[30:] += 1.5
    f = OLS(z[:30], np.column_stack([np.ones(30), x[:30]])).fit()
    h = np.array([10, x[30:].sum()])
    se = np.sqrt(f.scale * (10 + h @ f.normalized_cov_params @ h))
    o = ask("time_based_regression", treated=z, control=x, before=30)["cumulative"]
    same("time_based_regression", "statsmodels OLS", o, {"point": z[30:].sum() - h @ f.params, "se": se, "p": 2 * stats.t.sf(abs((z[30:].sum() - h @ f.params) / se), 28)})
    series = np.array([10 + np.sin(np.arange(12) + k) + 0.1 * rng.normal(0, 1, 12) for k in (0, 2, 0.1, 2.1)])
    scaled = series / series.mean(axis=1, keepdims=True)
    o = ask("matched_pairs", series=series)["pairs"]
    same("matched_pairs", "numpy", o[0]["distance"], min(np.sqrt(((scaled[i] - scaled[j])**2).mean()) for i in range(4) for j in range(i)))
    # Weights of a synthetic control: SLSQP on the simplex.
    D = rng.normal(0, 1, (5, 24)).cumsum(axis=1) + 20
    Y = np.array([0.5, 0.3, 0.2, 0, 0]) @ D + rng.normal(0, 0.2, 24)
    o = ask("synthetic_control", treated=Y, donors=D, before=18)
    loss = lambda w: ((Y[:18] - w @ D[:, :18])**2).sum()
    best = optimize.minimize(loss, np.full(5, 0.2), bounds=[(0, 1)] * 5, constraints={"type": "eq", "fun": lambda w: w.sum() - 1}, method="SLSQP",
                             options={"ftol": 1e-15, "maxiter": 1000})
    same("synthetic_control", "scipy SLSQP: least squares on the simplex (1e-7)", 18 * o["fit_before"]**2, best.fun)
    # Wild bootstrap: every sign, refitted.
    g = np.repeat(np.arange(8), 5); tr = (g % 2).astype(float)
    yy = 1 + 0.8 * tr + rng.normal(0, 0.5, 8)[g] + rng.normal(0, 1, 40)
    X = np.column_stack([np.ones(40), tr])
    def t_of(v):
        b = np.linalg.lstsq(X, v, rcond=None)[0]; e = v - X @ b; M = np.linalg.inv(X.T @ X)
        V = M @ sum(np.outer(s, s) for s in (X[g == k].T @ e[g == k] for k in range(8))) @ M
        return abs(b[1]) / np.sqrt(V[1, 1])
    seen = t_of(yy); e0 = yy - yy.mean()
    far = [t_of(yy.mean() + np.array(k)[g] * e0) for k in itertools.product((1, -1), repeat=8)]
    o = ask("wild_cluster_bootstrap", y=yy, x=[tr], clusters=g, weights="rademacher")["estimate"]
    same("wild_cluster_bootstrap", "numpy, every sign refitted", o["p"], np.mean(np.array(far) >= seen * (1 - 1e-9)))


def beliefs():
    (c, _), (t, _) = groups(17)
    n, m = len(c), len(t)
    d, v = t.mean() - c.mean(), c.var(ddof=1) / n + t.var(ddof=1) / m
    o = ask("bayes_means", control={"values": c}, treatment={"values": t}, difference="absolute", prior_scale="absolute", prior={"mean": 0.1, "sd": 0.5})
    k = 1 / (1 / v + 1 / 0.25); mu, sd = k * (d / v + 0.1 / 0.25), np.sqrt(k)
    same("bayes_means", "scipy norm", [o["estimate"]["point"], o["chance_to_win"], o["risk_ship"]],
         [mu, N.sf(0, mu, sd), sd * N.pdf(mu / sd) - mu * N.cdf(-mu / sd)])
    # A ratio of well-known denominators is near normal: chance to win to 1e-3.
    a = {"n": 10**6, "numerator_mean": 2.0, "numerator_variance": 4.0, "denominator_mean": 1.0, "denominator_variance": 0.5, "covariance": 0.5}
    b = {**a, "numerator_mean": 2.004}
    se = lambda r: np.sqrt((4 - 2 * r * 0.5 + r * r * 0.5) / 1e6)
    o = ask("bayes_ratio", control=a, treatment=b, difference="absolute")
    same("bayes_ratio", "normal limit (1e-5)", o["chance_to_win"], N.cdf(0.004 / np.hypot(se(2.0), se(2.004))))
    arms = [(9, 1.0, 2.0), (12, 1.6, 1.5), (30, 1.3, 1.0)]
    grid = np.linspace(-8, 12, 400001)
    dists = [N(mean, sd / np.sqrt(k)) for k, mean, sd in arms]
    best = [np.trapezoid(dists[i].pdf(grid) * np.prod([dists[j].cdf(grid) for j in range(3) if j != i], axis=0), grid) for i in range(3)]
    o = ask("thompson_gaussian", arms=[{"n": k, "mean": mean, "sd": sd} for k, mean, sd in arms])
    same("thompson_gaussian", "scipy norm on a grid", o["best"], best)
    rng = np.random.default_rng(19)
    T, e = 60, np.array([0.5, 0.3, 0.2])
    W = rng.choice(3, T, p=e); Y = rng.normal(W, 1)
    P = np.array([e if k < 30 else e[::-1] for k in range(T)])
    for weighting in ("ipw", "uniform", "adaptive"):
        values, influence = [], []
        for w in range(3):
            mean, count, scores = 0.0, 0, []
            for k in range(T):
                base = 0.0 if weighting == "ipw" else mean
                scores.append(base + (W[k] == w) / P[k, w] * (Y[k] - base))
                if W[k] == w:
                    count += 1; mean += (Y[k] - mean) / count
            h = np.sqrt(P[:, w]) if weighting == "adaptive" else np.ones(T)
            q = (h * scores).sum() / h.sum()
            values.append((q, np.sqrt((h**2 * (np.array(scores) - q)**2).sum()) / h.sum()))
        o = ask("adaptive_readout", arms=W, rewards=Y, propensities=P, weighting=weighting)["values"]
        same("adaptive_readout", "the paper's scores in numpy", [[k["point"], k["se"]] for k in o], [list(v) for v in values])
    plays, wins = np.array([400, 380, 120]), np.array([48, 68, 11])
    mu = wins / plays
    kl = lambda x, y: x * np.log(x / y) + (1 - x) * np.log((1 - x) / (1 - y))
    mid = lambda i, j: (wins[i] + wins[j]) / (plays[i] + plays[j])
    z = [0.0 if b == 1 else plays[1] * kl(mu[1], mid(1, b)) + plays[b] * kl(mu[b], mid(1, b)) for b in range(3)]
    o = ask("best_arm_likelihood_ratio", plays=plays, successes=wins)
    same("best_arm_likelihood_ratio", "numpy", [*o["statistics"], o["threshold"]], [*z, np.log(2 * 900 * 2 / 0.05)])


def refusals():
    refused("poisson_rates", "too_few", control={"events": 0, "exposure": 5}, treatment={"events": 0, "exposure": 5})
    refused("synthetic_control", "too_few", treated=[1, 2, 3], donors=[], before=2)
    refused("best_arm_likelihood_ratio", "too_few", plays=[0, 3], successes=[0, 1])
    refused("missing_days", "too_few", units=[[0, 0], [0, 0]])
    refused("cuped", "zero_variance", control={"values": [1, 1, 1], "covariates": [[1, 2, 3]]}, treatment={"values": [1, 1, 1], "covariates": [[1, 2, 3]]})


CASES = (adjustment, lifts, cuped_ratios, shapes, sequential, corrections, health, planning, effects, designs, beliefs, refusals)
