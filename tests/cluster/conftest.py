"""The cluster that answers requests as values, for every test of the cluster."""

from tests.cluster.api.conftest import api

__all__ = ["api"]
