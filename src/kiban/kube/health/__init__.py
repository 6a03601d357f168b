"""Whether an object is doing what it is there for: one verdict for every kind, with its cause.

`health` looks at the object and, where it helps, at related ones (pods, endpoint slices). Delivery
waits for it, people act on it. The rules follow Argo CD and kstatus where those are right, and
mend them where they are known to be wrong (failed jobs, quota refusals, missed schedules).
"""

from kiban.kube.health.rules import health
from kiban.kube.health.verdicts import Health, worst

__all__ = ["Health", "health", "worst"]
