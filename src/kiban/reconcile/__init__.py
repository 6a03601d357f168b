"""The engine that turns differences into commands: controllers, agenda, back-off, loop, trace.

It has no clock and does no I/O. A controller reads a snapshot, is told the time, and returns
commands and when it wants to be called again; the loop carries the commands to an executor and
parks the key until they are answered.
"""

from kiban.reconcile.commands import (
    Command,
    Create,
    Delete,
    Patch,
    Record,
    Refusal,
    Update,
)
from kiban.reconcile.controller import Change, Controller, Delayed, Outcome, Snapshot
from kiban.reconcile.loop import Loop

__all__ = [
    "Change",
    "Command",
    "Controller",
    "Create",
    "Delayed",
    "Delete",
    "Loop",
    "Outcome",
    "Patch",
    "Record",
    "Refusal",
    "Snapshot",
    "Update",
]
