"""Recalibration (statsmodels Logit), Brier scores, three percentiles (scipy), realised value (quadrature), selection (HiGHS)."""

import numpy as np
import statsmodels.api as sm
from common import write
from scipy import integrate, optimize, sparse, stats

rng = np.random.default_rng(6)

# Forecasts stated as the demo company's are: logit p = 1.6 logit p* + 0.4.
calibration = []
for n, teams in ((60, 3), (240, 5), (31, 2)):
    truth = 1.1 * rng.normal(size=n) - 0.3
    p = np.clip(np.round(1 / (1 + np.exp(-(1.6 * truth + 0.4))), 3), 0.001, 0.999)
    y = rng.random(n) < 1 / (1 + np.exp(-truth))
    x = np.log(p / (1 - p))
    fit = sm.Logit(y.astype(float), sm.add_constant(x)).fit(disp=0, tol=1e-14, maxiter=100)
    null = (np.log(p[y]).sum() + np.log(1 - p[~y]).sum())
    group = np.arange(n) % teams
    mu = fit.predict()
    shift = [((y - mu)[group == g].sum() / (mu * (1 - mu))[group == g].sum(), (mu * (1 - mu))[group == g].sum() ** -0.5)
             for g in range(teams)]
    loss = (p - y) ** 2
    skill = lambda keep: 1 - loss[keep].mean() / (y[keep].mean() * (1 - y[keep].mean()))
    every = np.arange(n)
    left = np.array([skill(every != i) for i in every])
    calibration.append({
        "probabilities": p.tolist(), "outcomes": y.tolist(), "groups": group.tolist(),
        "intercept": {"point": fit.params[0], "se": fit.bse[0]}, "slope": {"point": fit.params[1], "se": fit.bse[1]},
        "covariance": fit.cov_params()[0, 1], "p_calibrated": stats.chi2.sf(2 * (fit.llf - null), 2),
        "shifts": [s[0] for s in shift], "shift_errors": [s[1] for s in shift],
        "score": loss.mean(), "score_se": loss.std(ddof=1) / n**0.5, "skill": skill(every >= 0),
        "skill_se": float(np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())), "base_rate": y.mean()})

z = stats.norm.ppf(0.9)
three = []
for p10, p50, p90 in ((2, 4, 9), (-0.02, 0.03, 0.05), (1, 2, 3), (0.5, 0.6, 3)):
    r = (p90 - p50) / (p50 - p10)
    case = {"points": [p10, p50, p90]}
    if r == 1:
        d = stats.norm(p50, (p90 - p50) / z)
        case |= {"mean": d.mean(), "quantiles": d.ppf([0.01, 0.25, 0.75, 0.99]).tolist()}
    else:
        s = (p50 - p10) / (1 - 1 / r)
        f = lambda u: p50 - s + s * np.exp(np.log(r) / z * stats.norm.ppf(u))
        case |= {"quantiles": f(np.array([0.01, 0.25, 0.75, 0.99])).tolist()}
        sigma = np.log(r) / z
        case |= {"mean": integrate.quad(lambda t: (p50 - s + s * np.exp(sigma * t)) * stats.norm.pdf(t), -12, 12)[0]}
    three.append(case)

realised = []
for k in (8, 20):
    theta = rng.normal(0.005, 0.02, k)
    s = rng.uniform(0.01, 0.03, k)
    y = theta + s * rng.normal(size=k)
    w = rng.uniform(1e5, 1e6, k)
    counted = y > s
    s0 = np.sqrt(len(s) / (s**-2.0).sum())

    def parts(t):
        v = 1 / (s**2 + t * t)
        mu = (v * y).sum() / v.sum()
        log = 0.5 * (np.log(v).sum() - np.log(v.sum()) - (v * (y - mu) ** 2).sum())
        b = s**2 / (s**2 + t * t)
        wc = w * counted
        return log, (wc * (b * mu + (1 - b) * y)).sum(), (wc**2 * (1 - b) * s**2).sum() + (wc * b).sum() ** 2 / v.sum()

    # u = t / (s0 + t) is uniform a priori.
    t = lambda u: s0 * u / (1 - u)
    peak = max(parts(t(u))[0] for u in np.linspace(0, 0.99, 400))
    mass = lambda f: integrate.quad(lambda u: np.exp(parts(t(u))[0] - peak) * f(*parts(t(u))[1:]), 0, 1, epsabs=0, epsrel=1e-11, limit=400)[0]
    total = mass(lambda m, v: 1.0)
    mean = mass(lambda m, v: m) / total
    sd = np.sqrt(mass(lambda m, v: v + (m - mean) ** 2) / total)
    cdf = lambda x: mass(lambda m, v: stats.norm.cdf((x - m) / np.sqrt(v))) / total
    low, high = (optimize.brentq(lambda x, q=q: cdf(x) - q, mean - 6 * sd, mean + 6 * sd, xtol=1e-6) for q in (0.1, 0.9))
    realised.append({"effects": y.tolist(), "errors": s.tolist(), "weights": w.tolist(), "counted": counted.tolist(),
                     "point": mean, "se": sd, "low": low, "high": high, "naive": float((w * y)[counted].sum())})

selection = []
for n, m, d in ((12, 3, 3), (30, 6, 8), (60, 10, 15)):
    value = rng.uniform(-5, 50, n)
    use = np.where(rng.random((m, n)) < 0.4, rng.uniform(1, 10, (m, n)), 0)
    capacity = 0.35 * use.sum(1)
    needs = []
    while len(needs) < d:
        i, j = sorted(rng.choice(n, 2, replace=False).tolist())
        if [j, i] not in needs:
            needs.append([j, i])
    rows = np.zeros((d, n))
    for r, (i, j) in enumerate(needs):
        rows[r, i], rows[r, j] = 1, -1
    a, b = np.vstack([use, rows]), np.concatenate([capacity, np.zeros(d)])
    whole = optimize.milp(-value, constraints=optimize.LinearConstraint(sparse.csr_matrix(a), -np.inf, b), integrality=np.ones(n),
                          bounds=optimize.Bounds(0, 1), options={"mip_rel_gap": 0})
    relaxed = optimize.linprog(-value, a, b, bounds=(0, 1))
    selection.append({"values": value.tolist(), "uses": use.tolist(), "capacities": capacity.tolist(), "needs": needs,
                      "optimum": -whole.fun, "relaxed": -relaxed.fun, "prices": (-relaxed.ineqlin.marginals[:m]).tolist()})

write("value", {"calibration": calibration, "three_point": three, "realised": realised, "selection": selection}, "statsmodels")
