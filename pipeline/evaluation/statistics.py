"""Intervals, paired tests and percentiles."""

import math

RESAMPLES = 10_000
"""Bootstrap resamples of every interval and paired test."""


def interval(values: list[float], seed: int = 0) -> list[float]:
    """The 95% interval of the mean of `values`, one an item: percentile bootstrap over items. [0, 0] for none."""
    import numpy as np

    if not values:
        return [0.0, 0.0]
    drawn = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(np.asarray(values, float)[drawn].mean(axis=1), [2.5, 97.5])
    return [round(float(low), 4), round(float(high), 4)]


def binomial_interval(hits: int, n: int) -> list[float]:
    """The exact 95% interval (Clopper and Pearson) of a share of `hits` in `n`, which is not 0; no point at 0 or 1."""
    import scipy.stats

    low, high = scipy.stats.binomtest(hits, n).proportion_ci(method="exact")
    return [round(float(low), 4), round(float(high), 4)]


def paired(ours: list[bool], theirs: list[bool], seed: int = 0) -> dict:
    """Two candidates on the same queries: the difference of their hit shares with its 95% interval (bootstrap over
    queries), how many queries only one of them hit, and McNemar's exact two-sided p of so uneven a split by chance."""
    import scipy.stats

    if len(ours) != len(theirs):
        raise ValueError(f"a paired test needs the same queries: {len(ours)} and {len(theirs)} given")
    only_ours = sum(a and not b for a, b in zip(ours, theirs))
    only_theirs = sum(b and not a for a, b in zip(ours, theirs))
    differences = [float(a) - float(b) for a, b in zip(ours, theirs)]
    split = only_ours + only_theirs
    p = scipy.stats.binomtest(only_ours, split).pvalue if split else 1.0
    return {
        "n": len(ours),
        "difference": round(sum(differences) / len(ours), 4) if ours else 0.0,
        "ci": interval(differences, seed),
        "only_ours": only_ours,
        "only_theirs": only_theirs,
        "p": round(float(p), 6),
    }


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie, by linear interpolation; NaN for none."""
    import numpy as np

    return float(np.quantile(values, share)) if values else math.nan
