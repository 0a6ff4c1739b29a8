"""Golden numbers of the interacted regression with HC2 and HC3, raw rows beside them.

statsmodels OLS on treatment, centred covariates and their products; strata as 0/1 columns; a ratio by its scores.
Run with statsmodels: python lin.py > lin.json
"""

import json

import numpy as np
import statsmodels
import statsmodels.api as sm

rng = np.random.default_rng(20260101)
N = 160


def rounded(a, digits=6):
    return [round(float(v), digits) for v in a]


treated = (rng.random(N) < 0.4).astype(int)
stratum = rng.choice(3, N, p=[0.5, 0.3, 0.2])
x1 = np.array(rounded(rng.gamma(2.0, 3.0, N)))
x2 = np.array(rounded(rng.normal(0, 1, N) + 1e6))
y = np.array(rounded(20 + 1.3 * x1 + 0.8 * (x2 - 1e6) + 2 * stratum + treated * (1 + 0.4 * x1) + rng.normal(0, 1 + x1 / 3, N)))
b = np.array(rounded(1 + rng.poisson(2, N)))
a = np.array(rounded(b * (0.3 + 0.02 * x1) + rng.normal(0, 0.2, N)))


def effect(outcome, columns, cov):
    x = np.column_stack(columns) - np.mean(np.column_stack(columns), axis=0)
    design = np.column_stack([np.ones(N), treated, x, x * treated[:, None]])
    fit = sm.OLS(outcome, design).fit(cov_type=cov, use_t=True)
    return {
        "point": fit.params[1],
        "se": fit.bse[1],
        "control": fit.params[0],
        "control_se": fit.bse[0],
        "p": fit.pvalues[1],
        "low": fit.conf_int(0.05)[1][0],
        "high": fit.conf_int(0.05)[1][1],
        "df": fit.df_resid,
    }


marks = [(stratum == s).astype(float) for s in (1, 2)]
# Within each arm the score of the ratio, around the arm's own.
score = np.empty(N)
for arm in (0, 1):
    at = treated == arm
    r = a[at].sum() / b[at].sum()
    score[at] = r + (a[at] - r * b[at]) / b[at].mean()
cases = []
for name, outcome, columns in [
    ("mean", y, [x1, x2]),
    ("strata", y, marks),
    ("mean with strata", y, [x1, x2, *marks]),
    ("ratio", score, [x1, *marks]),
]:
    for cov in ("HC2", "HC3"):
        cases.append({"name": name, "variance": cov.lower(), **effect(outcome, columns, cov)})
# Post-stratification by hand.
weights = [np.mean(stratum == s) for s in range(3)]
delta = sum(w * (y[(stratum == s) & (treated == 1)].mean() - y[(stratum == s) & (treated == 0)].mean()) for s, w in enumerate(weights))
variance = sum(
    w * w * sum(y[(stratum == s) & (treated == g)].var(ddof=1) / np.sum((stratum == s) & (treated == g)) for g in (0, 1))
    for s, w in enumerate(weights)
)
print(
    json.dumps(
        {
            "source": f"statsmodels {statsmodels.__version__}, numpy {np.__version__}",
            "treated": treated.tolist(),
            "stratum": stratum.tolist(),
            "x1": x1.tolist(),
            "x2": x2.tolist(),
            "y": y.tolist(),
            "a": a.tolist(),
            "b": b.tolist(),
            "cases": cases,
            "post_stratified": {"point": delta, "se": variance**0.5},
        },
        indent=1,
    )
)
