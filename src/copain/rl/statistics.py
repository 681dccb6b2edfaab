"""Figures of many episodes or seeds: interquartile means, and how sure they are.

As https://arxiv.org/abs/2108.13264 asks for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Figures = npt.NDArray[np.float64]


def interquartile_mean(figures: npt.ArrayLike) -> float:
    """The mean of the middle half; a figure that lies on its edge counts in part."""
    ordered = np.sort(np.asarray(figures, np.float64).ravel())
    count = len(ordered)
    edges = np.arange(count + 1) / count
    inside = np.clip(np.minimum(edges[1:], 0.75) - np.maximum(edges[:-1], 0.25), 0, None)
    return float(np.average(ordered, weights=inside))


def bootstrap_interval(
    samples: npt.NDArray[np.float64] | list[Figures],
    of: Callable[[Figures], float] = interquartile_mean,
    *,
    sure: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Where `of` the figures lies, so sure: drawn anew from each stratum (such as a seed), many
    times. `samples` is one array, or one for each stratum.
    """
    strata = samples if isinstance(samples, list) else [samples]
    luck = np.random.default_rng(seed)
    figures = [
        of(np.concatenate([luck.choice(stratum, len(stratum)) for stratum in strata]))
        for _ in range(draws)
    ]
    low, high = np.quantile(figures, [(1 - sure) / 2, (1 + sure) / 2])
    return float(low), float(high)


def better_by_chance(better: npt.ArrayLike, worse: npt.ArrayLike, draws: int = 20_000) -> float:
    """How likely two samples of one kind differ in their means as these do, or more.

    A permutation test, one-sided; its least answer is 1 / (`draws` + 1).
    """
    a, b = np.asarray(better, np.float64), np.asarray(worse, np.float64)
    both = np.concatenate([a, b])
    luck = np.random.default_rng(0)
    found = a.mean() - b.mean()
    orders = np.argsort(luck.random((draws, len(both))), axis=1)
    mixed = both[orders]
    differences = mixed[:, : len(a)].mean(axis=1) - mixed[:, len(a) :].mean(axis=1)
    return float((1 + (differences >= found - 1e-12).sum()) / (draws + 1))
