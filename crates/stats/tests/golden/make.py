"""Golden numbers for steward-stats, from scipy, statsmodels and mpmath.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install scipy==1.17.1 statsmodels==0.15.0 mpmath==1.4.1
    /tmp/golden/bin/python crates/stats/tests/golden/make.py

Writes the .json files beside this script; each names the versions that made it.
"""

import json
import pathlib

import mpmath
import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, test_proportions_2indep

HERE = pathlib.Path(__file__).parent
VERSIONS = {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__,
            "mpmath": mpmath.__version__}
mpmath.mp.dps = 60


def write(name, body):
    text = json.dumps({"made_with": VERSIONS, **body}, indent=1)
    (HERE / f"{name}.json").write_text(text + "\n")


def p_t(t, df):
    """Two-sided p of Student's t at 60 digits, so that the far tail is exact."""
    t, df = mpmath.mpf(float(t)), mpmath.mpf(float(df))
    return float(mpmath.betainc(df / 2, mpmath.mpf(1) / 2, 0, df / (df + t * t), regularized=True))


def distributions():
    t_cases = []
    for df in (0.7, 1, 2.5, 4, 30, 977.3, 1e5):
        for t in (1e-6, 0.1, 1.0, 1.7, 2.5, 8.0, 13.6, 30.0):
            t_cases.append([t, df, p_t(t, df)])
    normal = [[z, float(mpmath.erfc(mpmath.mpf(z) / mpmath.sqrt(2)))] for z in (0.0, 1e-5, 0.5, 1.96, 6.0, 13.3, 30.0, 37.0)]
    chi = []
    for df in (1, 2, 3, 9, 50):
        for x in (1e-3, 0.5, 2.0, 10.0, 45.0, 200.0, 900.0):
            chi.append([x, df, float(mpmath.gammainc(mpmath.mpf(df) / 2, mpmath.mpf(x) / 2, regularized=True))])
    isf = []
    for df in (0.7, 1.0, 3.0, 25.5, 4000.0, 1e6):
        for p in (0.9, 0.32, 0.05, 0.01, 1e-6):
            with mpmath.workdps(40):
                # The far tail of scipy is good to about 1e-12 here; polish it.
                start = stats.t.isf(p / 2, df)
                f = lambda t: mpmath.log(mpmath.betainc(mpmath.mpf(df) / 2, 0.5, 0, df / (df + t * t), regularized=True)) - mpmath.log(mpmath.mpf(p))
                isf.append([p, df, float(mpmath.findroot(f, mpmath.mpf(float(start))))])
    write("distributions", {"t_two_sided": t_cases, "normal_two_sided": normal, "chi_square_sf": chi, "t_two_sided_isf": isf})


def rows(*columns):
    return np.column_stack(columns).tolist()


def means():
    rng = np.random.default_rng(20)
    cases = {
        "plain": (rng.normal(10, 2, 40), rng.normal(10.8, 2, 60)),
        "unequal variance": (rng.normal(5, 1, 30), rng.normal(6, 9, 12)),
        "tiny": (np.array([1.0, 2.5]), np.array([2.0, 7.0, 3.5])),
        "mean 1e8": (1e8 + rng.normal(0, 1, 50), 1e8 + 0.7 + rng.normal(0, 1, 50)),
        "negative baseline": (rng.normal(-20, 3, 35), rng.normal(-15, 3, 35)),
        "p of 1e-40": (rng.normal(10, 1, 150), rng.normal(12.2, 1, 150)),
        "p far below 1e-100": (rng.normal(10, 0.2, 300), rng.normal(12.2, 0.3, 300)),
    }
    out = []
    for name, (c, t) in cases.items():
        r = stats.ttest_ind(t, c, equal_var=False)
        ci = r.confidence_interval(0.95)
        n1, n2, v1, v2 = len(c), len(t), c.var(ddof=1) / len(c), t.var(ddof=1) / len(t)
        d, b = t.mean() - c.mean(), c.mean()
        # Relative by the delta method on (mean t, mean c), written for the independent arms.
        rse = np.sqrt(v2 / b**2 + v1 * t.mean() ** 2 / b**4)
        q = stats.t.isf(0.025, r.df)
        rel = d / abs(b)
        out.append({"name": name, "control": c.tolist(), "treatment": t.tolist(),
                    "absolute": {"point": d, "se": float(np.sqrt(v1 + v2)), "low": ci.low, "high": ci.high, "df": r.df,
                                 "p": p_t(r.statistic, r.df)},
                    "relative": {"point": rel, "se": rse, "low": rel - q * rse, "high": rel + q * rse, "df": r.df,
                                 "p": p_t(rel / rse, r.df)}})
    return out


def proportions():
    out = []
    for c, n1, t, n2 in ((120, 1000, 151, 1000), (3, 40, 11, 38), (6000, 42613, 8065, 42694), (500, 1000, 900, 1000)):
        res = test_proportions_2indep(t, n2, c, n1, method="wald", compare="diff")
        low, high = confint_proportions_2indep(t, n2, c, n1, method="wald", compare="diff")
        z = mpmath.mpf(float(res.statistic))
        wl, wh = proportion_confint(c, n1, method="wilson")
        out.append({"control": [c, n1], "treatment": [t, n2],
                    "absolute": {"point": t / n2 - c / n1, "low": low, "high": high,
                                 "p": float(mpmath.erfc(abs(z) / mpmath.sqrt(2)))},
                    "wilson_control": [wl, wh]})
    return out


def adjusted():
    """CUPED as an analysis of covariance (OLS); its slope, then the documented formulas on the adjusted values."""
    rng = np.random.default_rng(7)
    out = []
    for k, n1, n2, base in ((1, 80, 120, 30.0), (3, 60, 45, -12.0)):
        xc, xt = rng.normal(4, 2, (n1, k)), rng.normal(4, 2, (n2, k))
        slopes = np.array([1.5, -0.7, 0.4])[:k]
        c = base + xc @ slopes + rng.normal(0, 1, n1)
        t = base + 0.9 + xt @ slopes + rng.normal(0, 1.5, n2)
        arm = np.r_[np.zeros(n1), np.ones(n2)]
        fit = sm.OLS(np.r_[c, t], np.column_stack([np.ones(n1 + n2), arm, np.vstack([xc, xt])])).fit()
        beta = fit.params[2:]
        ac, at = c - xc @ beta, t - xt @ beta
        v1, v2 = ac.var(ddof=1) / n1, at.var(ddof=1) / n2
        # Welch on the adjusted values gives df and p; scipy computes it.
        r = stats.ttest_ind(at, ac, equal_var=False)
        w = n2 / (n1 + n2)
        level = ac.mean() + ((1 - w) * xc.mean(0) + w * xt.mean(0)) @ beta
        # Gradient over the 2(1+k) arm means, numerically, of the relative lift at fixed beta.
        m0 = np.r_[c.mean(), xc.mean(0), t.mean(), xt.mean(0)]
        cov = np.zeros((2 * (1 + k), 2 * (1 + k)))
        cov[: 1 + k, : 1 + k] = np.cov(np.column_stack([c, xc]).T) / n1
        cov[1 + k :, 1 + k :] = np.cov(np.column_stack([t, xt]).T) / n2

        def relative(m):
            mc, mxc, mt, mxt = m[0], m[1 : 1 + k], m[1 + k], m[2 + k :]
            pooled = [(1 - w) * a + w * b for a, b in zip(mxc, mxt)]
            bc = mc - sum(b * (a - p) for b, a, p in zip(beta, mxc, pooled))
            bt = mt - sum(b * (a - p) for b, a, p in zip(beta, mxt, pooled))
            return (bt - bc) / abs(bc)

        mp0 = [mpmath.mpf(float(x)) for x in m0]
        g = np.array([float(mpmath.diff(lambda x, i=i: relative(mp0[:i] + [x] + mp0[i + 1 :]), mp0[i])) for i in range(len(m0))])
        out.append({"control": rows(c, xc), "treatment": rows(t, xt), "covariates": k,
                    "control_value": level,
                    "absolute": {"point": fit.params[1], "se": float(np.sqrt(v1 + v2)), "df": r.df,
                                 "p": p_t(r.statistic, r.df)},
                    "relative": {"point": fit.params[1] / abs(level), "se": float(np.sqrt(g @ cov @ g))}})
    return out


def ratios():
    """Ratio by the delta method: gradient of the ratios over arm means, numerically; CUPED on the pre-period ratio."""
    rng = np.random.default_rng(11)
    n1, n2 = 90, 70

    def arm(n, rate):
        pre = 1 + rng.poisson(4, n).astype(float)
        taste = rng.gamma(8, 1 / 8, n)
        den = 1 + rng.poisson(pre)
        return np.column_stack([den * rate * taste + rng.normal(0, 1, n), den, pre * 3 * taste, pre])

    c, t = arm(n1, 3.0), arm(n2, 3.3)

    def score(a, i):
        m = a.mean(0)
        return (a[:, i] - m[i] / m[i + 1] * a[:, i + 1]) / m[i + 1]

    sc, st = [score(c, 0), score(c, 2)], [score(t, 0), score(t, 2)]
    beta = float((sc[0] @ sc[1] + st[0] @ st[1]) / (sc[1] @ sc[1] + st[1] @ st[1]))
    w = float(t[:, 3].sum() / (t[:, 3].sum() + c[:, 3].sum()))
    m0 = [mpmath.mpf(float(x)) for x in np.r_[c.mean(0), t.mean(0)]]
    cov = np.zeros((8, 8))
    cov[:4, :4], cov[4:, 4:] = np.cov(c.T) / n1, np.cov(t.T) / n2

    def both(m, b):
        rc, pc, rt, pt = m[0] / m[1], m[2] / m[3], m[4] / m[5], m[6] / m[7]
        vc, vt = rc + b * w * (pt - pc), rt - b * (1 - w) * (pt - pc)
        return vt - vc, (vt - vc) / abs(vc)

    out = {"control": c.tolist(), "treatment": t.tolist()}
    for name, b in (("raw", 0.0), ("cuped", beta)):
        entry = {}
        for which, label in ((0, "absolute"), (1, "relative")):
            g = np.array([float(mpmath.diff(lambda x, i=i: both(m0[:i] + [x] + m0[i + 1 :], b)[which], m0[i])) for i in range(8)])
            entry[label] = {"point": float(both(m0, b)[which]), "se": float(np.sqrt(g @ cov @ g))}
        out[name] = entry
    return out


def srm():
    out = []
    for observed, weights in (([5000, 5200], [1, 1]), ([821588, 815482], [0.5, 0.5]), ([100, 210, 290], [1, 2, 3]),
                              ([10000, 13000], [1, 1]), ([33, 41, 0, 26], [1, 1, 0, 1])):
        keep = [i for i, w in enumerate(weights) if w > 0]
        o, e = np.array([observed[i] for i in keep], float), np.array([weights[i] for i in keep], float)
        e = e / e.sum() * o.sum()
        chi = stats.chisquare(o, e).statistic
        df = len(keep) - 1
        p = float(mpmath.gammainc(mpmath.mpf(df) / 2, mpmath.mpf(float(chi)) / 2, regularized=True))
        out.append({"observed": observed, "weights": weights, "chi2": float(chi), "df": df, "p": p})
    write("sample_ratio", {"cases": out})


def multiplicity():
    cases = []
    for p in ([0.01, 0.04, 0.03, 0.005], [0.2, 0.2, 0.9, 1.0, 0.0001, 1e-40], [0.05], [0.02, 0.02, 0.02]):
        cases.append({"p": p, **{ours: multipletests(p, method=theirs)[1].tolist()
                                 for ours, theirs in (("holm", "holm"), ("benjamini_hochberg", "fdr_bh"), ("bonferroni", "bonferroni"))}})
    write("multiplicity", {"cases": cases})


def power():
    cases = []
    for effect, alpha, target, ratio in ((0.2, 0.05, 0.8, 1.0), (0.05, 0.01, 0.9, 2.0), (0.5, 0.05, 0.8, 0.5), (0.1, 0.2, 0.3, 1.0)):
        p = NormalIndPower().power(effect_size=effect, nobs1=60, alpha=alpha, ratio=ratio)
        # solve_power is good to about 1e-8; polish its root at 60 digits of the same two-tailed formula.
        start = NormalIndPower().solve_power(effect_size=effect, alpha=alpha, power=target, ratio=ratio)
        z = mpmath.sqrt(2) * mpmath.erfinv(1 - mpmath.mpf(alpha))
        sf = lambda x: mpmath.erfc(x / mpmath.sqrt(2)) / 2
        lam = lambda n: effect * mpmath.sqrt(n / (1 + 1 / mpmath.mpf(ratio)))
        n = mpmath.findroot(lambda n: sf(z - lam(n)) + sf(z + lam(n)) - mpmath.mpf(target), mpmath.mpf(float(start)))
        assert abs(float(n) / start - 1) < 1e-6
        cases.append({"effect": effect, "alpha": alpha, "power": target, "ratio": ratio, "n_control": float(n),
                      "power_at_60": float(p)})
    write("power", {"cases": cases})


def trend():
    """Forecast of a linear trend with AR(1) errors: at each rho of a grid, GLS of statsmodels and Goldberger's predictor
    (a random walk at 1: least squares on the differences); mixed by restricted likelihood and prior, quantiles by root finding."""
    rng = np.random.default_rng(3)
    cases = []
    for n, h, season, level in ((30, 10, None, 100.0), (60, 12, 7, -5.0), (4, 3, None, 2.0), (40, 30, None, 1e8)):
        e = np.zeros(n)
        for t in range(n):
            e[t] = (0.6 * e[t - 1] if t else 0) + rng.normal()
        y = level + 0.1 * np.arange(n) + e + (np.sin(np.arange(n) % season) if season else 0)

        def x(t):
            r = [1.0, float(t)]
            if season:
                # Effects that sum to 0 over a season, as the restricted likelihood depends on the scale of regressors
                # only through a constant.
                r += [-1.0 if t % season == season - 1 else float(t % season == j) for j in range(season - 1)]
            return r

        X = np.array([x(t) for t in range(n)])
        F = np.array([x(t) for t in range(n, n + h)])
        k = X.shape[1]
        average = np.full(h, 1 / (h + 2))
        parts = []
        for rho in [round(0.05 * i, 2) for i in range(21)]:
            steps = np.arange(n + h)
            if rho < 1:
                big = rho ** np.abs(np.subtract.outer(steps, steps)) / (1 - rho**2) if rho else np.eye(n + h)
                V, cross, ahead = big[:n, :n], big[n:, :n], big[n:, n:]
                fit = sm.GLS(y, X, sigma=V).fit()
                inverse = np.linalg.inv(V)
                mean = F @ fit.params + cross @ inverse @ fit.resid
                G = F - cross @ inverse @ X
                information = X.T @ inverse @ X
                cov = fit.scale * (ahead - cross @ inverse @ cross.T + G @ np.linalg.inv(information) @ G.T)
                loglik = -0.5 * np.linalg.slogdet(V)[1] - 0.5 * np.linalg.slogdet(information)[1]
                loglik -= 0.5 * (n - k) * np.log(fit.scale * (n - k))
                slope = fit.params[1]
            else:
                D = np.diff(X, axis=0)[:, 1:]
                fit = sm.OLS(np.diff(y), D).fit()
                G = (F - X[-1])[:, 1:]
                mean = y[-1] + G @ fit.params
                walk = np.minimum.outer(np.arange(1, h + 1), np.arange(1, h + 1))
                cov = fit.scale * (walk + G @ np.linalg.inv(D.T @ D) @ G.T)
                loglik = -0.5 * np.linalg.slogdet(D.T @ D)[1] - 0.5 * (n - k) * np.log(fit.scale * (n - k))
                slope = fit.params[0]
            parts.append((rho, loglik, slope, mean, cov))
        weight = np.exp(np.array([p[1] for p in parts]) - max(p[1] for p in parts))
        weight *= np.array([0.5 / 20] * 20 + [0.5])
        weight /= weight.sum()

        def mixed(of, known):
            m = np.array([known + of @ p[3] for p in parts])
            s = np.array([np.sqrt(of @ p[4] @ of) for p in parts])
            cdf = lambda v: weight @ stats.t.cdf((v - m) / s, n - k)
            q = [optimize.brentq(lambda v: cdf(v) - p, (m - 20 * s).min(), (m + 20 * s).max(), xtol=1e-14, rtol=1e-15)
                 for p in (0.1, 0.9)]
            point = weight @ m
            return {"point": point, "se": float(np.sqrt(weight @ (s**2 + (m - point) ** 2))), "df": n - k,
                    "low": q[0], "high": q[1], "above": float(1 - cdf(point + 1.0))}

        last = np.eye(h)[-1]
        cases.append({"series": y.tolist(), "horizon": h, "season": season,
                      "rho": float(weight @ [p[0] for p in parts]), "slope": float(weight @ [p[2] for p in parts]),
                      "level": mixed(last, 0.0), "mean_of_period": mixed(average, y[-2:].sum() / (h + 2))})
    write("trend", {"cases": cases})


if __name__ == "__main__":
    distributions()
    write("lift", {"means": means(), "proportions": proportions(), "adjusted": adjusted(), "ratio": ratios()})
    srm()
    multiplicity()
    power()
    trend()
