"""Quantiles: numpy (points), scipy quantile_test (intervals), statsmodels KDE (density), gbstats (clustered variance)."""

import numpy as np
from common import write
from gbstats.models.statistics import QuantileClusteredStatistic
from scipy import stats
from statsmodels.nonparametric.kde import KDEUnivariate

rng = np.random.default_rng(31)
Z = stats.norm.ppf(0.975)


def ranks(x, q, half):
    """Order statistics just outside the ranks n(q ± half)."""
    x = np.sort(x)
    return x[int(np.floor(len(x) * (q - half))) - 1], x[int(np.floor(len(x) * (q + half)))]


units = []
for name, x, q in (("median", rng.normal(10, 2, 101), 0.5), ("p90", rng.lognormal(1, 1, 250), 0.9),
                   ("p99", rng.lognormal(0, 0.7, 900), 0.99), ("at 1e8", 1e8 + rng.normal(0, 1, 120), 0.25)):
    ci = stats.quantile_test(x, q=np.quantile(x, q), p=q).confidence_interval(0.95)
    low, high = ranks(x, q, Z * np.sqrt(q * (1 - q) / len(x)))
    at = np.quantile(x, q)
    kde = KDEUnivariate(x - at)
    bw = 0.9 * min(x.std(ddof=1), np.subtract(*np.quantile(x, [0.75, 0.25])) / 1.349) * len(x) ** -0.2
    kde.fit(kernel="gau", bw=bw, fft=False)
    density = float(np.asarray(kde.evaluate(0.0)).item())
    units.append({"name": name, "q": q, "values": x.tolist(), "point": float(at), "low": float(ci.low), "high": float(ci.high),
                  "woodruff": float((high - low) / (2 * Z)),
                  "kernel": float(np.sqrt(q * (1 - q) / len(x)) / density)})

events = []
for q in (0.5, 0.9):
    counts = 1 + rng.poisson(6, 120)
    unit = np.repeat(np.arange(120), counts)
    x = np.repeat(rng.gamma(3, 1, 120), counts) * rng.gamma(8, 0.2, counts.sum())
    at = np.quantile(x, q)
    below = np.array([(x[unit == u] <= at).sum() for u in range(120)], float)
    n = len(x)
    s = QuantileClusteredStatistic(
        n=n, n_star=n, nu=q, quantile_hat=at, quantile_lower=0.0, quantile_upper=1.0, main_sum=below.sum(),
        main_sum_squares=(below**2).sum(), denominator_sum=n, denominator_sum_squares=float((counts**2).sum()),
        main_denominator_sum_product=float((below * counts).sum()), n_clusters=120)
    low, high = ranks(x, q, Z * np.sqrt(s.get_cluster_variance))
    events.append({"q": q, "values": x.tolist(), "units": unit.tolist(), "point": float(at),
                   "se": float((high - low) / (2 * Z))})

# R statpsych, ci.median2: the worked examples of its manual.
statpsych = [
    {"control": [36, 44, 47, 42, 49, 39, 46, 31, 33, 48], "treatment": [32, 39, 26, 35, 43, 27, 40, 37, 34, 29],
     "point": -8.5, "se": 4.316291, "low": -16.95977, "high": -0.04022524},
    {"control": [102, 120, 78, 78, 417, 124, 86, 171, 176, 129, 230, 194, 100, 157, 306, 411, 164, 103, 193, 312],
     "treatment": [70, 394, 43, 95, 62, 128, 2, 203, 81, 436, 85, 35, 156, 1, 3, 27, 63, 181, 184, 18],
     "point": -85, "se": 37.11502, "low": -157.7441, "high": -12.25589}]
write("quantile", {"units": units, "events": events, "statpsych": statpsych}, "statsmodels", "gbstats")
