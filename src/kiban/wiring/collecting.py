"""No looking for garbage in a command that keeps all that it makes to its end."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Nearly all that is made here is kept to the end: looking for garbage took a fifth of the
    time, more the more there was, and found none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
