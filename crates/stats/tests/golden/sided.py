"""Golden numbers of one-sided tests, margins and Fieller's interval: scipy, and the pivot solved numerically.

gbstats 0.8.0 is no source here: its upper bound of the lesser side is estimate − width, its relative lift divides by a
signed baseline.
"""

import numpy as np
from scipy import optimize, stats

from common import write


def cases():
    rng = np.random.default_rng(5)
    out = []
    for name, c, t in (("plain", rng.normal(10, 2, 40), rng.normal(10.9, 3, 55)), ("worse", rng.normal(10, 2, 30), rng.normal(9.2, 2, 30)),
                       ("negative baseline", rng.normal(-8, 3, 50), rng.normal(-6.5, 3, 45)), ("noisy baseline", rng.normal(1, 2.2, 60), rng.normal(1.6, 2.2, 60))):
        case = {"name": name, "control": c.tolist(), "treatment": t.tolist()}
        for side in ("greater", "less"):
            r = stats.ttest_ind(t, c, equal_var=False, alternative=side)
            ci = r.confidence_interval(0.95)
            case[side] = {"p": float(r.pvalue), "bound": float(ci.low if side == "greater" else ci.high)}
        margin = 0.8
        case["margin"] = margin
        case["margin_p_higher"] = float(stats.ttest_ind(t + margin, c, equal_var=False, alternative="greater").pvalue)
        case["margin_p_lower"] = float(stats.ttest_ind(t - margin, c, equal_var=False, alternative="less").pvalue)
        # Fieller: ratios R at which t(T − R·C) has |t| = q, with the degrees of freedom of the absolute lift.
        vc, vt = c.var(ddof=1) / len(c), t.var(ddof=1) / len(t)
        df = (vc + vt) ** 2 / (vc ** 2 / (len(c) - 1) + vt ** 2 / (len(t) - 1))
        q = stats.t.isf(0.025, df)
        pivot = lambda R: (t.mean() - R * c.mean()) / np.sqrt(vt + R * R * vc)
        R0, spread = t.mean() / c.mean(), 8 * np.sqrt(vt + vc) / abs(c.mean())
        grid = np.linspace(R0 - 6 * spread, R0 + 6 * spread, 20001)
        values = np.array([abs(pivot(x)) - q for x in grid])
        roots = [optimize.brentq(lambda R: abs(pivot(R)) - q, a, b, xtol=1e-14) for a, b, u, v in zip(grid, grid[1:], values, values[1:]) if u * v < 0]
        lift = sorted((r - 1) * np.sign(c.mean()) for r in roots)
        case["fieller"] = {"point": float((t.mean() - c.mean()) / abs(c.mean())), "low": float(lift[0]), "high": float(lift[-1]), "df": float(df)}
        assert len(roots) == 2
        out.append(case)
    return out


write("sided", {"cases": cases()})
