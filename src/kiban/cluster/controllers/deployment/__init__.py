"""Replaces the pods of a Deployment by those of its newest template, within its fence posts."""

from kiban.cluster.controllers.deployment.controller import DeploymentController

__all__ = ["DeploymentController"]
