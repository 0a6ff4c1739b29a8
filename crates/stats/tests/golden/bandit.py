"""Golden numbers of bandits: scipy quadrature for allocations, the estimators' formulas in numpy, errors by statsmodels."""

import numpy as np
import statsmodels.api as sm
from scipy import integrate, stats

from common import write


def best(arms, edges):
    over = lambda f: sum(integrate.quad(f, a, b, epsabs=1e-13, epsrel=1e-11, limit=300)[0] for a, b in zip(edges, edges[1:]))
    p, loss = [], []
    for i, a in enumerate(arms):
        rest = [b for j, b in enumerate(arms) if j != i]
        p.append(over(lambda x: a.pdf(x) * np.prod([b.cdf(x) for b in rest])))
        loss.append(over(lambda x: a.cdf(x) * (1 - np.prod([b.cdf(x) for b in rest]))))
    return p, loss


def allocations():
    cases = []
    for plays in ([[10, 100], [18, 110], [25, 150]], [[0, 5], [1, 4]], [[500, 1000], [560, 1000], [530, 1000], [20, 40]]):
        arms = [stats.beta(1 + s, 1 + n - s) for s, n in plays]
        edges = sorted({0.0, 1.0, *[float(a.ppf(q)) for a in arms for q in (1e-12, 0.01, 0.5, 0.99, 1 - 1e-12)]})
        p, loss = best(arms, edges)
        cases.append({"kind": "bernoulli", "arms": plays, "best": p, "loss": loss})
    for rewards in ([[50, 3.0, 4.0], [60, 3.4, 5.0], [20, 2.5, 9.0]], [[1000, 10.0, 1.0], [900, 10.02, 1.2]], [[30, 1.0, 0.01], [10, 1.0, 100.0]]):
        arms = [stats.norm(m, np.sqrt(v / n)) for n, m, v in rewards]
        edges = sorted({float(a.ppf(q)) for a in arms for q in (1e-17, 1e-6, 0.01, 0.5, 0.99, 1 - 1e-6)} | {float(a.isf(1e-17)) for a in arms})
        p, loss = best(arms, edges)
        cases.append({"kind": "gaussian", "arms": rewards, "best": p, "loss": loss})
    return cases


def adaptive():
    rng = np.random.default_rng(8)
    T, k = 60, 3
    plays = []
    for t in range(T):
        e = np.array([0.5, 0.3, 0.2]) if t < 20 else np.array([0.2, 0.7, 0.1])
        w = int(rng.choice(k, p=e))
        plays.append({"arm": w, "reward": float(1 + 0.5 * w + rng.normal()), "propensities": e.tolist()})
    out = {"plays": plays}
    for name in ("ipw", "uniform", "adaptive"):
        values, infl = [], []
        for w in range(k):
            seen, g, h = [], [], []
            for p in plays:
                e = p["propensities"][w]
                m = 0.0 if name == "ipw" or not seen else float(np.mean(seen))
                g.append(m + (p["arm"] == w) / e * (p["reward"] - m))
                h.append(np.sqrt(e) if name == "adaptive" else 1.0)
                if p["arm"] == w:
                    seen.append(p["reward"])
            g, h = np.array(g), np.array(h)
            q = (g * h).sum() / h.sum()
            values.append({"point": float(q), "se": float(np.sqrt((h ** 2 * (g - q) ** 2).sum()) / h.sum())})
            infl.append(h * (g - q) / h.sum())
        diffs = [{"point": values[w]["point"] - values[0]["point"], "se": float(np.sqrt(((infl[w] - infl[0]) ** 2).sum()))} for w in range(1, k)]
        out[name] = {"values": values, "differences": diffs}
    return out


def off_policy():
    rng = np.random.default_rng(12)
    n = 80
    p, pi, r = rng.uniform(0.1, 0.9, n), rng.uniform(0, 1, n), rng.normal(2, 1, n)
    qa, qpi = r * 0.6 + rng.normal(0.8, 0.3, n), rng.normal(2, 0.2, n)
    w = pi / p
    mean = lambda x: {"point": float(x.mean()), "se": float(sm.OLS(x, np.ones(n)).fit().bse[0])}
    v = (w * r).sum() / w.sum()
    return {"rows": np.column_stack([r, p, pi, qa, qpi]).tolist(), "ips": mean(w * r), "dr": mean(qpi + w * (r - qa)),
            # Weighted least squares on a constant, heteroskedasticity-robust (HC1).
            "snips": {"point": float(v), "se": float(sm.WLS(r, np.ones(n), weights=w).fit(cov_type="HC1").bse[0])},
            "effective_n": float(w.sum() ** 2 / (w ** 2).sum())}


def contextual():
    rng = np.random.default_rng(4)
    arms, scores = [], []
    x = np.array([1.0, 0.4, -1.2])
    for i, n in enumerate((12, 7, 20)):
        X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
        y = X @ np.array([1, 0.5 * i, -0.3]) + rng.normal(size=n)
        A = 0.7 * np.eye(3) + X.T @ X
        theta = np.linalg.solve(A, X.T @ y)
        arms.append({"contexts": X.tolist(), "rewards": y.tolist()})
        scores.append({"theta": theta.tolist(), "expected": float(x @ theta), "width": float(np.sqrt(x @ np.linalg.solve(A, x)))})
    draws = [stats.norm(s["expected"], 0.8 * s["width"]) for s in scores]
    edges = sorted({float(a.ppf(q)) for a in draws for q in (1e-17, 1e-6, 0.01, 0.5, 0.99, 1 - 1e-6)} | {float(a.isf(1e-17)) for a in draws})
    return {"arms": arms, "x": x.tolist(), "lambda": 0.7, "alpha": 1.3, "v": 0.8, "scores": scores, "thompson": best(draws, edges)[0]}


write("bandit", {"allocations": allocations(), "adaptive": adaptive(), "off_policy": off_policy(), "contextual": contextual()}, "statsmodels")
