"""Runs pods to completion for a Job, counts each exactly once, and says how it ended."""

from kiban.cluster.controllers.job.controller import JobController

__all__ = ["JobController"]
