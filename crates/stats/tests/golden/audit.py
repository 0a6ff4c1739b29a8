"""The calculator as a stranger meets it: every case through the program, against a reference; prints the table of the guide.

    /tmp/golden/bin/python crates/stats/tests/golden/audit.py target/debug/steward

It needs no numbers written down: inputs are seeded, references computed here.
"""

import mpmath as mp
import numpy as np
from scipy import stats
from statsmodels.regression.linear_model import GLS, OLS
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

import audit_rest
from asking import ask, refused, report, same


def welch():
    rng = np.random.default_rng(1)
    sides = {"two_sided": "two-sided", "greater": "greater", "less": "less"}
    worlds = [(rng.normal(5, 2, 40), rng.normal(5.5, 3, 25)), (rng.normal(-3, 1, 5), rng.normal(-2, 1, 4)),
              (1e8 + rng.normal(0, 1, 30), 1e8 + rng.normal(0.5, 2, 60)), (np.zeros(9), rng.normal(1, 1, 9)),
              (rng.normal(0, 1, 3), rng.normal(9, 1, 2)), (rng.normal(0, 1, 400), rng.normal(20, 1, 400))]
    for c, t in worlds:
        for pooled in (False, True):
            for word, theirs in sides.items():
                r = stats.ttest_ind(t, c, equal_var=pooled, alternative=theirs)
                ci = r.confidence_interval(0.9)
                ours = ask("t_test", control={"values": c}, treatment={"values": t}, alternative=word, level=0.9,
                           variance="pooled" if pooled else "welch")["absolute"]
                end = lambda x: None if np.isinf(x) else x
                name = "scipy ttest_ind"
                same("welch_t", name, ours, {"point": t.mean() - c.mean(), "low": end(ci.low), "high": end(ci.high), "df": r.df})
                if r.pvalue > 1e-290:
                    same("welch_t", name, ours, {"p": r.pvalue})
    # Relative to a negative baseline: delta method by hand.
    c, t = worlds[1]
    o = ask("welch_t", control={"values": c}, treatment={"values": t})["relative"]
    m, v = [x.mean() for x in (c, t)], [x.var(ddof=1) / len(x) for x in (c, t)]
    same("welch_t", "delta method in numpy", o, {"point": (m[1] - m[0]) / abs(m[0]), "se": np.sqrt(v[1] / m[0]**2 + v[0] * m[1]**2 / m[0]**4)})
    # Far tail.
    o = ask("welch_t", control={"n": 10**6, "mean": 0, "sd": 1}, treatment={"n": 10**6, "mean": 0.05, "sd": 1})["absolute"]
    df, x = mp.mpf(o["df"]), mp.mpf(o["point"]) / mp.mpf(o["se"])
    same("welch_t", "mpmath, p near 1e-270", o["p"], float(mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + x * x), regularized=True)))
    refused("welch_t", "too_few", control={"values": []}, treatment={"values": [1, 2]})
    refused("welch_t", "too_few", control={"values": [1]}, treatment={"values": [1, 2]})
    refused("welch_t", "zero_variance", control={"values": [2, 2]}, treatment={"values": [2, 2]})


def shares():
    for (x, n), (y, m) in (((30, 400), (45, 390)), ((1, 9), (7, 8)), ((0, 50), (3, 50)), ((500, 1000), (900, 1000))):
        arms = {"control": {"successes": x, "n": n}, "treatment": {"successes": y, "n": m}}
        for word, theirs in (("two_sided", "two-sided"), ("greater", "larger"), ("less", "smaller")):
            z, p = proportions_ztest([y, x], [m, n], alternative=theirs)
            o = ask("z_test", variance="pooled", alternative=word, **arms)["absolute"]
            same("proportions_z", "statsmodels proportions_ztest, pooled", [o["p"], o["point"] / o["se"]], [p, z])
        a, b = x / n, y / m
        se = np.sqrt(a * (1 - a) / n + b * (1 - b) / m)
        o = ask("proportions_z", **arms)
        same("proportions_z", "unpooled in numpy", o["absolute"], {"se": se, "p": 2 * stats.norm.sf(abs(b - a) / se),
             "low": b - a - stats.norm.isf(0.025) * se})
        low, high = proportion_confint(x, n, method="wilson")
        same("proportion", "statsmodels wilson", o["control"], {"low": low, "high": high})
    refused("proportions_z", "zero_variance", control={"successes": 0, "n": 9}, treatment={"successes": 0, "n": 8})


def ratios():
    rng = np.random.default_rng(2)
    arms = []
    for n, k in ((60, 3.0), (80, 3.3)):
        d = 1 + rng.poisson(2, n)
        arms.append((k * d + rng.normal(0, 1, n), d.astype(float)))
    point, var = [], []
    for a, b in arms:
        r = a.sum() / b.sum()
        point.append(r); var.append(((a - r * b) / b.mean()).var(ddof=1) / len(a))
    o = ask("delta_method", control={"numerators": arms[0][0], "denominators": arms[0][1]},
            treatment={"numerators": arms[1][0], "denominators": arms[1][1]})
    same("ratio_delta", "delta method in numpy", o["absolute"], {"point": point[1] - point[0], "se": np.sqrt(sum(var))})
    same("ratio_delta", "delta method in numpy", o["relative"], {"point": point[1] / point[0] - 1,
         "se": np.sqrt(var[1] / point[0]**2 + var[0] * point[1]**2 / point[0]**4)})


def regression():
    rng = np.random.default_rng(3)
    x = rng.gamma(2, 2, (2, 90)); w = np.repeat([0, 1], [50, 40])
    y = 2 + x[0] + 0.5 * x[1] + 0.7 * w + rng.normal(0, 1, 90)
    X = np.column_stack([np.ones(90), w, x.T])
    same("ancova", "statsmodels OLS", ask("ancova", arms=[{"values": y[w == k], "covariates": x[:, w == k]} for k in (0, 1)])["effects"][0],
         dict(zip(("point", "se", "p"), (lambda f: (f.params[1], f.bse[1], f.pvalues[1]))(OLS(y, X).fit()))))
    z = x - x.mean(axis=1, keepdims=True)
    f = OLS(y, np.column_stack([np.ones(90), w, z.T, (z * w).T])).fit(cov_type="HC2", use_t=True)
    same("lin", "statsmodels OLS HC2", ask("lin", y=y, treated=w, covariates=x)["adjusted"], {"point": f.params[1], "se": f.bse[1], "p": f.pvalues[1]})
    for kind in ("hc0", "hc1", "hc2", "hc3"):
        f = OLS(y, X).fit(cov_type=kind.upper(), use_t=True)
        o = ask("ols", y=y, x=X[:, 1:].T, covariance=kind)["coefficients"]
        same("ols", "statsmodels HC0 to HC3", [c["se"] for c in o], f.bse)
    g = np.arange(90) // 6
    f = OLS(y, X).fit(cov_type="cluster", cov_kwds={"groups": g}, use_t=True)
    o = ask("cluster_robust", y=y, x=X[:, 1:].T, clusters=g, correction="cr1")["coefficients"]
    same("cluster_robust", "statsmodels cluster", [c["se"] for c in o], f.bse)
    f = OLS(y, X).fit(cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True})
    o = ask("hac", y=y, x=X[:, 1:].T, lags=3)["coefficients"]
    same("newey_west", "statsmodels HAC", [c["se"] for c in o], f.bse)


def several():
    p = [0.001, 0.02, 0.03, 0.2, 0.04]
    for name, word in (("holm", "holm"), ("bonferroni", "bonferroni"), ("bh", "fdr_bh")):
        same({"bh": "benjamini_hochberg"}.get(name, name), "statsmodels multipletests", ask(name, p=p)["adjusted_p"], multipletests(p, method=word)[1])
    rng = np.random.default_rng(4)
    arms = [rng.normal(m, 1, 12) for m in (0, 0.5, 1.0, 0.1)]
    r = stats.dunnett(*arms[1:], control=arms[0], rng=np.random.default_rng(0))
    o = ask("dunnett", control={"values": arms[0]}, treatments=[{"values": a} for a in arms[1:]])["estimates"]
    same("dunnett", "scipy dunnett (quasi-random, 1e-3)", [e["p"] for e in o], r.pvalue)


def planning():
    for alpha, power, ratio in ((0.05, 0.8, 1.0), (0.01, 0.9, 2.0), (0.1, 0.95, 0.5)):
        for side, theirs in (("two_sided", "two-sided"), ("greater", "larger")):
            n = NormalIndPower().solve_power(0.2, None, alpha, power, ratio, theirs)
            o = ask("sample_size", metric={"mean": 9, "sd": 2}, effect=0.4, alpha=alpha, power=power, ratio=ratio, alternative=side)
            same("sample_size", "statsmodels NormalIndPower", o["n_control"], n)
            o = ask("power", metric={"mean": 9, "sd": 2}, effect=0.4, alpha=alpha, n_control=50, ratio=ratio, alternative=side, test="t")
            same("power", "statsmodels TTestIndPower", o["power"], TTestIndPower().power(0.2, 50, alpha, ratio, alternative=theirs))
            o = ask("mde", metric={"mean": 9, "sd": 2}, alpha=alpha, power=power, n_control=300, ratio=ratio, alternative=side)
            # Its own search for the effect stops at about 1e-5; its power at our effect does not.
            same("minimum_detectable_effect", "statsmodels NormalIndPower, power at the effect",
                 NormalIndPower().power(o["absolute"] / 2, 300, alpha, ratio, theirs), power)


def health():
    for observed, weights in (([5120, 4880], [1, 1]), ([500, 300, 190], [5, 3, 2]), ([9000, 5000], [1, 1])):
        r = stats.chisquare(observed, np.array(weights) / sum(weights) * sum(observed))
        same("srm", "scipy chisquare", ask("srm", observed=observed, weights=weights), {"chi2": r.statistic, "p": r.pvalue})
    o = ask("srm", observed=[10, 10, 0], weights=[1, 1, 0])
    same("srm", "an arm of weight 0 adds no degree of freedom", [o["df"], o["p"]], [1, 1.0])
    looks, theta, c = [[40, 60], [400, 520]], [0.5, 0.5], 100.0
    factor = lambda row: float(mp.loggamma(c) - mp.loggamma(c + sum(row)) + sum(
        mp.loggamma(c * t + n) - mp.loggamma(c * t) - n * mp.log(t) for n, t in zip(row, theta)))
    o = ask("ssrm", looks=looks, weights=[1, 1], concentration=c)
    same("sequential_srm", "mpmath", o["log_bayes_factor"], [factor(r) for r in looks])
    rng = np.random.default_rng(6)
    a, b = rng.normal(0, 1, 30), rng.normal(0, 2, 30)
    o = ask("assumptions", control=a, treatment=b)
    same("assumptions", "scipy levene (median)", o["spread_p"], stats.levene(a, b, center="median").pvalue)
    e, d = [3, 2.2, 1.6, 1.1], [0, 1, 2, 3]
    V = np.array([[0.09 * 0.4 ** abs(i - j) for j in range(4)] for i in range(4)])
    f = GLS(e, np.column_stack([np.ones(4), d]), sigma=V).fit(cov_type="fixed scale")
    o = ask("novelty", effects=e, errors=[0.3] * 4, days=d, correlation=0.4)["slope"]
    same("novelty", "statsmodels GLS", o, {"point": f.params[1], "se": f.bse[1]})


def across():
    y, s = np.array([28, 8, -3, 7, -1, 1, 18, 12.0]), np.array([15, 10, 16, 11, 9, 11, 10, 18.0])
    y2, s2 = np.array([1, 5, 9, 2, 14.0]), np.array([1, 1.5, 0.7, 2, 1])
    for a, b in ((y, s), (y2, s2)):
        r = combine_effects(a, b**2, method_re="dl")
        o = ask("dersimonian_laird", effects=a, errors=b, method="dersimonian_laird")
        same("meta_analysis", "statsmodels combine_effects", o["heterogeneity"]["q"], r.q)
        # There τ² may be negative; here it is cut at 0.
        if r.tau2 > 0:
            same("meta_analysis", "statsmodels combine_effects", [o["tau2"], o["effect"]["point"], o["effect"]["se"]],
                 [r.tau2, r.mean_effect_re, r.sd_eff_w_re])
    o = ask("empirical_bayes", effects=[3.0, -1.0], errors=[1.0, 2.0], prior_mean=0.5, prior_sd=1.5)["effects"]
    for e, yi, si in zip(o, (3.0, -1.0), (1.0, 2.0)):
        b = si**2 / (si**2 + 1.5**2)
        same("shrinkage", "normal–normal by hand", [e["point"], e["sd"]], [b * 0.5 + (1 - b) * yi, np.sqrt((1 - b) * si**2)])


def beliefs():
    for point, se, m, s in ((0.3, 0.2, 0.0, 0.5), (-2.0, 0.5, 1.0, 2.0)):
        v = 1 / (1 / se**2 + 1 / s**2)
        mu, sd = v * (point / se**2 + m / s**2), np.sqrt(v)
        o = ask("bayes_normal", point=point, se=se, prior={"mean": m, "sd": s})
        same("bayes_normal", "scipy norm", [o["estimate"]["point"], o["estimate"]["se"], o["chance_to_win"], o["risk_keep"]],
             [mu, sd, stats.norm.sf(0, mu, sd), sd * stats.norm.pdf(mu / sd) + mu * stats.norm.cdf(mu / sd)])
    a, b = stats.beta(31, 371), stats.beta(46, 346)
    grid = np.linspace(0, 1, 200001)
    win = np.trapezoid(a.pdf(grid) * b.sf(grid), grid)
    o = ask("beta_binomial", control={"successes": 30, "n": 400}, treatment={"successes": 45, "n": 390})
    same("beta_binomial", "scipy beta on a grid", [o["chance_to_win"], o["risk_ship"]], [win, np.trapezoid(b.cdf(grid) * a.sf(grid), grid)])
    o = ask("thompson", successes=[30, 45, 40], plays=[400, 390, 410])
    arms = [stats.beta(1 + x, 1 + n - x) for x, n in ((30, 400), (45, 390), (40, 410))]
    best = [np.trapezoid(arms[i].pdf(grid) * np.prod([arms[j].cdf(grid) for j in range(3) if j != i], axis=0), grid) for i in range(3)]
    same("thompson_bernoulli", "scipy beta on a grid", o["best"], best)


def peeking():
    point, se, n, target, a = 0.4, 0.15, 900, 5000, 0.05
    rho2 = (-2 * np.log(a) + np.log(1 - 2 * np.log(a))) / target
    r = n * rho2 + 1
    o = ask("confidence_sequence", point=point, se=se, n=n)["estimate"]
    width = se * np.sqrt(r / (n * rho2) * np.log(r / a**2))
    same("confidence_sequence", "the paper's formula", o, {"low": point - width, "p": min(1, np.sqrt(r) * np.exp(-(point / se)**2 * n * rho2 / (2 * r)))})
    tau, v = 0.3, se * se
    lam = float(mp.quad(lambda d: mp.npdf(point, d, se) * mp.npdf(d, 0, tau), [-4, 0, 0.3, 0.6, 4]) / mp.npdf(point, 0, se))
    same("msprt", "mpmath integral of the mixture", ask("msprt", effects=[point], ses=[se], tau=tau)["log_likelihood_ratio"][0], np.log(lam))
    same("classical_boundaries", "Jennison & Turnbull, printed", ask("wang_tsiatis", information_fractions=[.2, .4, .6, .8, 1], shape="pocock")["constant"], 2.413)
    cp = ask("conditional_power", effect=0.2, se=0.1, information_fraction=0.4, alternative="greater", planned_effect=0.15)
    b, t = 2 * np.sqrt(0.4), 0.4
    drift = 0.15 / (0.1 * np.sqrt(t))
    same("conditional_power", "scipy norm", [cp["null"], cp["planned_effect"]], [stats.norm.sf((stats.norm.isf(.05) - b) / np.sqrt(.6)),
         stats.norm.sf((stats.norm.isf(.05) - b - drift * .6) / np.sqrt(.6))])


def quantiles():
    rng = np.random.default_rng(8)
    x = rng.exponential(1, 101)
    for q in (0.25, 0.5, 0.9):
        r = stats.quantile_test(x, p=q).confidence_interval(0.95)
        o = ask("quantile", values=x, q=q)["estimate"]
        same("quantile", "numpy, scipy quantile_test", [o["point"], o["low"], o["high"]], [np.quantile(x, q), r.low, r.high])
    c, t = rng.exponential(1, 50), rng.exponential(1.5, 70)
    cap = np.quantile(np.concatenate([c, t]), 0.95)
    r = stats.ttest_ind(np.minimum(t, cap), np.minimum(c, cap), equal_var=False)
    same("capped_mean", "scipy on clipped values", ask("winsorized_mean", control=c, treatment=t, kind="percentile", high=0.95)["capped"]["absolute"], {"p": r.pvalue})
    r = stats.ttest_ind(t, c, equal_var=False, trim=0.1)
    same("trimmed_mean", "scipy ttest_ind(trim)", ask("yuen", control=c, treatment=t, trim=0.1)["estimate"], {"p": r.pvalue, "df": r.df})


def policies():
    rng = np.random.default_rng(10)
    n = 200
    r, e, w = rng.normal(1, 1, n), rng.uniform(0.2, 0.9, n), rng.uniform(0, 1, n)
    o = ask("ips", rewards=r, logging=e, target=w)
    k = w / e
    same("off_policy", "numpy", [o["ips"]["point"], o["snips"]["point"], o["effective_n"]], [(k * r).mean(), (k * r).sum() / k.sum(), k.sum()**2 / (k * k).sum()])
    X = rng.normal(0, 1, (30, 2)); y = X @ [1, -1] + rng.normal(0, 1, 30); x = np.array([0.3, 0.8])
    A = np.eye(2) + X.T @ X; th = np.linalg.solve(A, X.T @ y)
    o = ask("linucb", arms=[{"contexts": X, "rewards": y}, {"contexts": X[:9], "rewards": y[:9]}], context=x, alpha=1.5)
    same("linear_bandit", "numpy", [o["expected"][0], o["upper"][0]], [x @ th, x @ th + 1.5 * np.sqrt(x @ np.linalg.solve(A, x))])
    r = stats.binomtest(14, 20)
    o = ask("interleaving", wins_a=6, wins_b=14)["preference"]
    same("interleaving", "scipy binomtest", o["p"], r.pvalue)



for case in (welch, shares, ratios, regression, several, planning, health, across, beliefs, peeking, quantiles, policies, *audit_rest.CASES):
    case()
report()
