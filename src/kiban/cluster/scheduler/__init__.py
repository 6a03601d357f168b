"""Where pods run: Kubernetes' own filters and scores, kept up to date node by node.

`Scheduler` is a controller. It keeps a view of nodes and pods that it updates from changes, and
per distinct pod shape a board of verdicts and scores, so that placing one pod looks again only at
nodes that have changed since the last pod of that shape.
"""

from kiban.cluster.scheduler.controller import Scheduler

__all__ = ["Scheduler"]
