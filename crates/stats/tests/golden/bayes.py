"""Golden numbers of the Bayesian comparisons: gbstats for the normal posterior, mpmath quadrature for shares."""

import mpmath as mp
import numpy as np
from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig, GaussianPrior
from gbstats.models.statistics import SampleMeanStatistic
from scipy import integrate, optimize, stats

from common import write

mp.mp.dps = 30


def normal():
    cases = []
    for n, mean_c, mean_t, sd in ((400, 10.0, 10.4, 3.0), (50, 2.0, 1.5, 4.0), (5000, 100.0, 100.01, 30.0)):
        a = SampleMeanStatistic(n=n, sum=mean_c * n, sum_squares=(n - 1) * sd * sd + mean_c ** 2 * n)
        b = SampleMeanStatistic(n=n + 20, sum=mean_t * (n + 20), sum_squares=(n + 19) * sd * sd + mean_t ** 2 * (n + 20))
        for difference in ("absolute", "relative"):
            for scale in ("absolute", "relative"):
                for proper in (True, False):
                    for inverse in (False, True):
                        prior = GaussianPrior(mean=0.01, variance=0.3 ** 2, proper=proper)
                        r = EffectBayesianABTest(a, b, EffectBayesianConfig(difference_type=difference, prior_type=scale, prior_effect=prior, inverse=inverse)).compute_result()
                        cases.append({"n": [n, n + 20], "mean": [mean_c, mean_t], "sd": sd, "difference": difference, "scale": scale,
                                      "proper": proper, "inverse": inverse, "chance_to_win": float(r.chance_to_win),
                                      "point": float(r.expected), "low": r.ci[0], "high": r.ci[1],
                                      # gbstats lists the risk of keeping the control, then of shipping; swapped when less is better.
                                      "risk": [float(x) for x in r.risk]})
    return cases


def shares():
    cases = []
    for c, t, prior in (((50, 500), (65, 510), (1, 1)), ((3, 40), (0, 35), (1, 1)), ((2000, 10000), (2100, 10000), (30, 120)),
                        ((1, 10), (2, 9), (0.5, 0.5)), ((120000, 1000000), (121500, 1000000), (1, 1))):
        C = stats.beta(prior[0] + c[0], prior[1] + c[1] - c[0])
        T = stats.beta(prior[0] + t[0], prior[1] + t[1] - t[0])
        edges = sorted({0.0, 1.0, *[float(d.ppf(q)) for d in (C, T) for q in (1e-14, 1e-6, 0.01, 0.2, 0.5, 0.8, 0.99, 1 - 1e-6)]})
        over = lambda f: sum(integrate.quad(f, a, b, epsabs=1e-16, epsrel=1e-12, limit=400)[0] for a, b in zip(edges, edges[1:]))
        # Far tails of the inner edges carry under 1e-13.
        difference = lambda d: over(lambda x: C.pdf(x) * T.cdf(x + d)) if 0 < C.a + C.b else 0
        q = lambda p: optimize.brentq(lambda d: difference(d) - p, -0.6, 0.6, xtol=1e-13)
        cases.append({"control": c, "treatment": t, "prior": prior,
                      "chance_to_win": over(lambda x: C.pdf(x) * T.sf(x)),
                      "risk_ship": over(lambda x: T.cdf(x) * C.sf(x)), "risk_keep": over(lambda x: C.cdf(x) * T.sf(x)),
                      "point": float(T.mean() - C.mean()), "se": float(np.sqrt(T.var() + C.var())),
                      "low": q(0.025), "high": q(0.975)})
    return cases


def relative():
    """Moments and quantiles of the ratio of two beta variables."""
    cases = []
    for c, t in (((50, 500), (65, 510)), ((2000, 10000), (2100, 10000))):
        C, T = stats.beta(1 + c[0], 1 + c[1] - c[0]), stats.beta(1 + t[0], 1 + t[1] - t[0])
        edges = [float(C.ppf(q)) for q in (1e-15, 1e-9, 1e-4, 0.1, 0.5, 0.9, 1 - 1e-4, 1 - 1e-9, 1 - 1e-15)]
        over = lambda f: sum(integrate.quad(f, a, b, epsabs=1e-16, epsrel=1e-12)[0] for a, b in zip(edges, edges[1:]))
        i1, i2 = over(lambda x: C.pdf(x) / x), over(lambda x: C.pdf(x) / x / x)
        q = lambda p: optimize.brentq(lambda r: over(lambda x: C.pdf(x) * T.cdf(x * r)) - p, 0.3, 3, xtol=1e-13) - 1
        second = T.var() + T.mean() ** 2
        cases.append({"control": c, "treatment": t, "point": float(T.mean() * i1 - 1),
                      "se": float(np.sqrt(second * i2 - (T.mean() * i1) ** 2)), "low": q(0.025), "high": q(0.975)})
    return cases


def far():
    """Expected losses far in the tail, where differences cancel: (z, E[max(0, Z + z)])."""
    return [[z, float(mp.npdf(z) + mp.mpf(z) * mp.ncdf(z))] for z in (-40, -20, -9, -6.5, -6, -3, 0, 4)]


write("bayes", {"normal": normal(), "shares": shares(), "relative": relative(), "far": far()}, "gbstats", "mpmath")
