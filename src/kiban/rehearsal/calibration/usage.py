"""What one service uses and how many come to it: CPU over requests, memory over requests under
way, the peak, the start. Each is a small least squares over its samples; where there are too few,
or nothing varies, the reason is said instead."""

import numpy as np

from kiban.rehearsal.calibration.fits import (
    LEAST_SAMPLES,
    Figures,
    Fit,
    Unfitted,
    is_flat,
    non_negative,
    unexplained,
)

Found = Fit | Unfitted
FEW = f"fewer than {LEAST_SAMPLES} samples have all that it takes"
_FLAT = "the load hardly varied"
_UNASKED = "nobody asked it"


def fit_usage(figures: Figures) -> list[Found]:
    """All that one service's own figures tell."""
    used = _at_rest(figures) or [*_cpu(figures), *_memory(figures)]
    return [*used, *_peak(figures), *_start(figures)]


def _at_rest(figures: Figures) -> list[Found]:
    """What a service uses that was never asked; nothing for one that was."""
    requests = figures.column("requests")
    if not len(requests) or requests.any():
        return []
    found: list[Found] = [Unfitted("cpu", _UNASKED), Unfitted("memory_each", _UNASKED)]
    for parameter, figure in (("idle_cpu", "cpu"), ("memory", "memory")):
        known = figures.together(figure, "pods")
        if known is not None:
            _, used, pods = known
            each = used / np.maximum(pods, 1.0)
            mean = float(each.mean())
            # Nothing is explained by anything here: what counts is how well the mean is known.
            error = float(each.std()) / len(each) ** 0.5 / mean if mean else 0.0
            found.append(Fit(parameter, mean, error, len(used)))
    return found


def _cpu(figures: Figures) -> list[Found]:
    """Cores of all instances: some for each instance, and some for each request a second."""
    names = ("cpu", "idle_cpu")
    if not len(figures.column("cpu")):
        return [Unfitted(name, "no CPU was recorded") for name in names]
    found = figures.together("cpu", "requests", "pods")
    if found is None or is_flat(found[2] / np.maximum(found[3], 1.0)):
        return [Unfitted(name, FEW if found is None else _FLAT) for name in names]
    _, cpu, requests, pods = found
    idle, each = non_negative(np.stack([pods, requests], axis=1), cpu)
    error = unexplained(cpu, idle * pods + each * requests)
    return [Fit("cpu", float(each), error, len(cpu)), Fit("idle_cpu", float(idle), error, len(cpu))]


def _memory(figures: Figures) -> list[Found]:
    """Bytes of all instances: some for each instance, and some for each request under way."""
    names = ("memory", "memory_each")
    if not len(figures.column("memory")):
        return [Unfitted(name, "no memory was recorded") for name in names]
    found = figures.together("memory", "requests", "pods", "latency")
    if found is None:
        return [Unfitted(name, FEW) for name in names]
    _, memory, requests, pods, latency = found
    under_way = requests * latency
    if is_flat(under_way):
        return [Unfitted(name, _FLAT) for name in names]
    base, each = non_negative(np.stack([pods, under_way], axis=1), memory)
    error = unexplained(memory, base * pods + each * under_way)
    count = len(memory)
    return [Fit("memory", float(base), error, count), Fit("memory_each", float(each), error, count)]


def _peak(figures: Figures) -> list[Found]:
    """The rate that only one sample of a hundred is above."""
    requests = figures.column("requests")
    if len(requests) < LEAST_SAMPLES:
        return [Unfitted("peak", FEW)]
    ordered = np.sort(requests)
    return [Fit("peak", float(ordered[int(0.99 * (len(ordered) - 1))]), 0.0, len(requests))]


def _start(figures: Figures) -> list[Found]:
    start = figures.column("start")
    if not len(start):
        return [Unfitted("start", "no starts were recorded")]
    middle = float(np.median(start))
    return [Fit("start", middle, unexplained(start, np.full_like(start, middle)), len(start))]
