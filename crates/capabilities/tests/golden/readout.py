"""A small shop's raw rows, and what a readout of them must say.

Writes readout/{users,exposures,orders,sessions}.csv and readout.json. References: scipy (Welch's t), statsmodels (OLS for
the slopes of covariates, HC2 and HC3 with interactions), gbstats (quantiles), numpy (delta method, funnels step by step).
Run with numpy, scipy, statsmodels and gbstats 0.8: python readout.py
"""

import csv
import datetime as dt
import json
import pathlib

import gbstats
import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import stats

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(20260101)
START = dt.datetime(2025, 3, 1)
N, DAY = 420, 86_400
WINDOW, BEFORE = 3 * DAY, 14 * DAY


def stamp(seconds):
    return (START + dt.timedelta(seconds=int(seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")


treated = rng.random(N) < 0.5
country = np.where(rng.random(N) < 0.35, "DE", np.where(rng.random(N) < 0.5, "FR", "ES"))
exposed = rng.integers(0, 14 * DAY, N)
worth = rng.gamma(2.0, 1500.0, N)
orders, sessions = [], []
for u in range(N):
    for _ in range(rng.poisson(9)):
        sessions.append((u, int(exposed[u] + rng.integers(-16 * DAY, 8 * DAY))))
    for _ in range(rng.poisson(4)):
        at = int(exposed[u] + rng.integers(-16 * DAY, 8 * DAY))
        lift = 1.25 if treated[u] and at >= exposed[u] else 1.0
        orders.append((u, at, int(round(worth[u] * lift * rng.uniform(0.5, 1.5)))))

for name, head, rows in [
    ("users", ["user_id", "country"], [(u, country[u]) for u in range(N)]),
    ("exposures", ["user_id", "variant", "ts"], [(u, "treatment" if treated[u] else "control", stamp(exposed[u])) for u in range(N)]),
    ("orders", ["order_id", "user_id", "ts", "amount_cents"], [(i, u, stamp(t), c) for i, (u, t, c) in enumerate(orders)]),
    ("sessions", ["session_id", "user_id", "ts"], [(i, u, stamp(t)) for i, (u, t) in enumerate(sessions)]),
]:
    with open(here / "readout" / f"{name}.csv", "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(head)
        out.writerows(rows)


def per_unit(rows, low, high, value):
    out = np.zeros(N)
    for row in rows:
        if exposed[row[0]] + low <= row[1] < exposed[row[0]] + high:
            out[row[0]] += value(row)
    return out


revenue = per_unit(orders, 0, WINDOW, lambda r: r[2])
count = per_unit(orders, 0, WINDOW, lambda r: 1)
before = per_unit(orders, -BEFORE, 0, lambda r: r[2])
count_before = per_unit(orders, -BEFORE, 0, lambda r: 1)
visits_before = per_unit(sessions, -BEFORE, 0, lambda r: 1)
t, c = treated, ~treated


def answer(point, se, df=None, relative=None, relative_se=None):
    law = stats.norm if df is None else stats.t(df)
    q = law.ppf(0.975)
    return {
        "point": point,
        "se": se,
        "low": point - q * se,
        "high": point + q * se,
        "p": 2 * law.sf(abs(point / se)),
        "relative": relative,
        "relative_se": relative_se,
    }


def relative(y):
    """Delta method of mean over mean, less one."""
    mt, mc = y[t].mean(), y[c].mean()
    vt, vc = y[t].var(ddof=1) / t.sum(), y[c].var(ddof=1) / c.sum()
    return (mt - mc) / abs(mc), np.sqrt(vt / mc**2 + vc * mt**2 / mc**4)


def welch(y):
    r = stats.ttest_ind(y[t], y[c], equal_var=False)
    point = y[t].mean() - y[c].mean()
    return answer(point, point / r.statistic, r.df)


def slope(y, x):
    """Within arms, over both: OLS with a column for the treatment."""
    fit = sm.OLS(y, np.column_stack([np.ones(N), t, x])).fit()
    return fit.params[2]


expected = {}
expected["mean"] = welch(revenue) | dict(zip(("relative", "relative_se"), relative(revenue)))
bought = (count > 0).astype(float)
p1, p0 = bought[t].mean(), bought[c].mean()
expected["proportion"] = answer(p1 - p0, np.sqrt(p1 * (1 - p1) / t.sum() + p0 * (1 - p0) / c.sum()))
back = (per_unit(sessions, 2 * DAY, 5 * DAY, lambda r: 1) > 0).astype(float)
p1, p0 = back[t].mean(), back[c].mean()
expected["retention"] = answer(p1 - p0, np.sqrt(p1 * (1 - p1) / t.sum() + p0 * (1 - p0) / c.sum()))


def scores(a, b):
    out = np.empty(N)
    for arm in (t, c):
        r = a[arm].sum() / b[arm].sum()
        out[arm] = r + (a[arm] - r * b[arm]) / b[arm].mean()
    return out


expected["ratio"] = welch(scores(revenue, count))
x = before - before.mean()
expected["cuped_mean"] = welch(revenue - slope(revenue, x) * x)
# The covariate of a ratio is the ratio before, as scores of each arm about its own.
y, x = scores(revenue, count), scores(before, count_before)
within = x - np.where(t, x[t].mean(), x[c].mean())
beta = slope(y - np.where(t, y[t].mean(), y[c].mean()), within)
adjusted = welch(y - beta * x)
expected["cuped_ratio"] = adjusted


def woodruff(v, q=0.9):
    v = np.sort(v)
    n, z = len(v), stats.norm.ppf(0.975)
    half = z * np.sqrt(q * (1 - q) / n)
    low, high = int(np.floor(n * (q - half))), int(np.floor(n * (q + half)) + 1)
    from gbstats.models.statistics import QuantileStatistic

    s = QuantileStatistic(
        n=n, n_star=n, nu=q, quantile_hat=np.quantile(v, q), quantile_lower=v[low - 1], quantile_upper=v[high - 1]
    )
    # Its variance of one observation has the divisor of a sample: n - 1 times the squared standard error.
    return np.quantile(v, q), np.sqrt(s.variance / (n - 1)), (v[high - 1] - v[low - 1]) / (2 * z)


qt, qc = woodruff(revenue[t]), woodruff(revenue[c])
expected["quantile"] = answer(qt[0] - qc[0], np.hypot(qt[2], qc[2])) | {"gbstats_se": float(np.hypot(qt[1], qc[1]))}


def deepest(u):
    """A visit, an order within a day of it, an order above 30 euros within two days of that, all within three days."""
    inside = lambda at: exposed[u] <= at < exposed[u] + WINDOW
    a = [at for (w, at) in sessions if w == u and inside(at)]
    b = [at for (w, at, _) in orders if w == u and inside(at)]
    big = [at for (w, at, cents) in orders if w == u and cents >= 3000 and inside(at)]
    depth = 0
    for first in a:
        depth = max(depth, 1)
        for second in b:
            if first <= second <= first + DAY:
                depth = max(depth, 2)
                if any(second <= third <= second + 2 * DAY for third in big):
                    depth = 3
    return depth


depth = np.array([deepest(u) for u in range(N)])
steps = []
for k in (1, 2, 3):
    y = (depth >= k).astype(float)
    p1, p0 = y[t].mean(), y[c].mean()
    steps.append({"units": [int(y[c].sum()), int(y[t].sum())], **answer(p1 - p0, np.sqrt(p1 * (1 - p1) / t.sum() + p0 * (1 - p0) / c.sum()))})
expected["funnel"] = {"steps": steps}

columns = [before, visits_before, *[(country == k).astype(float) for k in ("FR", "ES")]]
x = np.column_stack(columns) - np.mean(np.column_stack(columns), axis=0)
for cov in ("HC2", "HC3"):
    for name, outcome in (("mean", revenue), ("ratio", scores(revenue, count)), ("proportion", bought)):
        fit = sm.OLS(outcome, np.column_stack([np.ones(N), t, x, x * t[:, None]])).fit(cov_type=cov, use_t=True)
        expected[f"adjusted_{name}_{cov.lower()}"] = {
            "point": fit.params[1],
            "se": fit.bse[1],
            "low": fit.conf_int(0.05)[1][0],
            "high": fit.conf_int(0.05)[1][1],
            "p": fit.pvalues[1],
            "relative": None,
            "relative_se": None,
        }

out = {
    "source": f"numpy {np.__version__}, scipy {scipy.__version__}, statsmodels {statsmodels.__version__}, gbstats 0.8.0",
    "expected": expected,
}
(here / "readout.json").write_text(json.dumps(out, indent=1, default=float) + "\n")
