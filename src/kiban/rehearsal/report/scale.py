"""From values to places on a chart: round steps, hours of a day, short numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0, 10.0)
_TIME_STEPS = (10, 30, 60, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
# From so many seconds on, a span is said in minutes, or in hours.
_MINUTES, _HOURS = 120, 7200
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps `low` to `start` and `high` to `end`, both in pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)


def ticks(high: float, count: int = 4, unit: str = "") -> list[float]:
    """Round values from 0 to at least `high`, about `count` of them."""
    if high <= 0 or not math.isfinite(high):
        return [0.0, 1.0]
    if unit == "s" and high >= _MINUTES:
        size = 3600.0 if high >= _HOURS else 60.0
        return [value * size for value in ticks(high / size, count)]
    raw = high / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in _STEPS if power * factor >= raw * 0.999)
    return [round(step * index, 10) for index in range(math.ceil(high / step - 1e-9) + 1)]


def time_ticks(low: float, high: float, count: int = 8) -> list[float]:
    """Seconds at whole minutes or hours, at most about `count` of them; none at the very end,
    where it would have no room."""
    span = high - low
    step = next((s for s in _TIME_STEPS if span / s <= count), _TIME_STEPS[-1])
    first = math.ceil(low / step) * step
    last = high - 0.02 * span
    return [float(first + step * index) for index in range(int((last - first) // step) + 1)]


def clock(seconds: float, offset: float = 0.0) -> str:
    """The time of day; `offset` is that of second 0."""
    whole = int(seconds + offset)
    days, rest = divmod(whole, 86400)
    text = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}"
    if rest % 60:
        text += f":{rest % 60:02d}"
    return f"{text} +{days}d" if days else text


def short(value: float, unit: str = "") -> str:
    """A number as people say it: 1.2k, 340 ms, 0.4 %."""
    if unit == "s":
        return _duration(value)
    if unit == "B":
        return _bytes(value)
    if unit == "cores" and abs(value) < 1:
        return f"{value * 1000:.3g}m"
    if unit in {"$", "$/h"}:
        return f"${value:,.2f}{unit[1:]}" if abs(value) < 1000 else f"${_number(value)}{unit[1:]}"
    text = _number(value)
    space = "" if not unit or unit.startswith("/") else " "
    return f"{text}{space}{unit}"


def _number(value: float) -> str:
    for size, prefix in _PREFIXES:
        if abs(value) >= size:
            return f"{value / size:.3g}{prefix}"
    if value == int(value):
        return str(int(value))
    return f"{value:.3g}"


def _duration(value: float) -> str:
    if value < 1:
        return f"{value * 1000:.3g} ms"
    if value < _MINUTES:
        return f"{value:.3g} s"
    if value < _HOURS:
        return f"{value / 60:.3g} min"
    return f"{value / 3600:.3g} h"


def _bytes(value: float) -> str:
    for size, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:.0f} B"


def thinned(values: Sequence[float], most: int) -> list[int]:
    """Indexes of at most about `most` values that keep the least and the greatest of every
    stretch, so that no spike is lost."""
    if len(values) <= most:
        return list(range(len(values)))
    kept: list[int] = []
    size = 2 * len(values) / most
    for bucket in range(math.ceil(len(values) / size)):
        part = range(int(bucket * size), min(len(values), int((bucket + 1) * size)))
        if part:
            least = min(part, key=lambda index: (values[index], index))
            most_of = max(part, key=lambda index: (values[index], -index))
            kept.extend(sorted({least, most_of}))
    return kept
