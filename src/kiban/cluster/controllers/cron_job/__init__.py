"""Starts a Job at every time of a schedule, as often and as late as the CronJob allows."""

from kiban.cluster.controllers.cron_job.controller import CronJobController

__all__ = ["CronJobController"]
