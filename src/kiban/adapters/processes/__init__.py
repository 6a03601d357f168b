"""Containers as local process groups: started, probed, logged, stopped, and never left behind."""

from kiban.adapters.processes.runtime import ProcessRuntime
from kiban.adapters.processes.shutdown import shut_down
from kiban.adapters.processes.warden import Warden, sweep

__all__ = ["ProcessRuntime", "Warden", "shut_down", "sweep"]
