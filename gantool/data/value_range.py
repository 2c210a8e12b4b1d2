"""The values that become black and white, found in the images of both domains: `--value-range auto`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from ..components import Domain, Domains, StreamingDomain
from ..errors import GantoolError
from .domains import Preprocess, name_of
from .inspection.measure import real_values, sample_numbers
from .preprocess import drop_alpha

PERCENTILES = (0.1, 99.9)
"""Beyond them lie hot pixels, cosmic rays and dead columns."""
_LOOKED_AT = 64
"""Images of each domain."""
_PIXELS = 2**16
"""Values of each image, evenly spread."""
_APART = 4.0
"""One range serves both domains where it is at most so many times as wide as that of either."""
_DIGITS = 4


@dataclass(frozen=True)
class Values:
    """What the values of a domain are like, in its own unit."""

    name: str
    low: float
    high: float
    """What 0.1 % and 99.9 % of them lie below, rounded outwards."""
    unit: str

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}{' ' * bool(self.unit)}{self.unit}"


def settle_range(domains: Domains, preprocess: Preprocess) -> tuple[Preprocess, str]:
    """Return `preprocess` with a value range in numbers, and what to say of it; as it is, where it is none to be found.

    Values of one unit keep their differences: both domains then share a range. Where that would leave one of them a quarter of
    the grey levels or less (electrons against counts, another zero point), each has its own. Raises `GantoolError` for a domain
    of one value, or that cannot be read.
    """
    if preprocess.value_range != "auto":
        return preprocess, ""
    synthetic, real = (find_values(domain) for domain in (domains.source, domains.target))
    low, high = min(synthetic.low, real.low), max(synthetic.high, real.high)
    found = f"value range of the synthetic images {synthetic}, of the real ones {real} (0.1 to 99.9 % of the pixels)"
    if high - low <= _APART * min(one.high - one.low for one in (synthetic, real)):
        return replace(preprocess, value_range=(low, high)), f"{found}: {low:g},{high:g} for both"
    own = replace(preprocess, value_range=(synthetic.low, synthetic.high), real_value_range=(real.low, real.high))
    return own, f"{found}: too far apart for one range, so each has its own"


def find_values(domain: Domain | StreamingDomain) -> Values:
    """Look at the values of up to 64 images. Raises `GantoolError`, one line."""
    name = name_of(domain)
    values = np.concatenate([_spread(image) for image in _some(domain)] or [np.zeros(0, np.float32)])
    if not values.size:
        raise GantoolError(f"--value-range auto: {name} has no values that are finite: pass LO,HI")
    low, high = np.percentile(values, PERCENTILES).tolist()
    if low == high:
        low, high = float(values.min()), float(values.max())
    if low == high:
        raise GantoolError(f"--value-range auto: every value of {name} is {low:g}: pass LO,HI")
    return Values(name, *_outwards(low, high), getattr(domain, "unit", ""))


def _some(domain: Domain | StreamingDomain) -> Iterable[np.ndarray]:
    if isinstance(domain, Domain):
        return (domain[number] for number in sample_numbers(len(domain), _LOOKED_AT))
    return islice(domain.stream(seed=0, skip=0), _LOOKED_AT)


def _spread(image: np.ndarray) -> np.ndarray:
    """Some of the values of an image that are measurements: (n,)."""
    values = real_values(drop_alpha(image))
    return values[:: max(1, values.size // _PIXELS)]


def _outwards(low: float, high: float) -> tuple[float, float]:
    """Round to four digits of the range, so that nobody has to read more, and nothing falls out."""
    step = 10.0 ** (math.floor(math.log10(high - low)) + 1 - _DIGITS)
    return float(f"{math.floor(low / step) * step:.12g}"), float(f"{math.ceil(high / step) * step:.12g}")
