"""A fleet in one process: every cluster by itself, and the rollouts over all of them."""

from kiban.adapters.fleet.compiling import CompileFleet
from kiban.adapters.fleet.driver import FleetDriver
from kiban.adapters.fleet.link import Link, Links

__all__ = ["CompileFleet", "FleetDriver", "Link", "Links"]
