"""`kiban adopt`: from directories, each as its own tool would read it, to a new repo."""

from kiban.wiring.adopting.adopting import adopt, write_repository
from kiban.wiring.adopting.environments import environment_name
from kiban.wiring.adopting.taking_over import TakeOver, take_over
from kiban.wiring.adopting.translating import translate
from kiban.wiring.adopting.wish import Wish

__all__ = [
    "TakeOver",
    "Wish",
    "adopt",
    "environment_name",
    "take_over",
    "translate",
    "write_repository",
]
