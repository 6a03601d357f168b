"""Containers as local process groups: started, probed, logged, stopped, and never left behind."""

from kiban.adapters.processes.runtime import ProcessRuntime, Runtime
from kiban.adapters.processes.warden import Warden, sweep

__all__ = ["ProcessRuntime", "Runtime", "Warden", "sweep"]
