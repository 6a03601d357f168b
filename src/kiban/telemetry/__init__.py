"""What happened, as data: the journal read as deployments and as a record of who did what, and the
figures that teams are measured by."""

from kiban.telemetry.acts import Act, acts
from kiban.telemetry.deployments import Deployment, deployments, of_services
from kiban.telemetry.figures import DeliveryFigures, delivery_figures

__all__ = [
    "Act",
    "DeliveryFigures",
    "Deployment",
    "acts",
    "delivery_figures",
    "deployments",
    "of_services",
]
