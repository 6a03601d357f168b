"""The Pod Security Standards: which pods the levels `baseline` and `restricted` forbid, and why."""

from kiban.kube.pod_security.levels import LEVELS, violations
from kiban.kube.pod_security.parts import Violation

__all__ = ["LEVELS", "Violation", "violations"]
