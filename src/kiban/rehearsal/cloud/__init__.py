"""The modelled cloud: machines and what they cost, groups over zones, spot, subnets, upgrades."""

from kiban.rehearsal.cloud.cloud import Cloud
from kiban.rehearsal.cloud.costs import Costs
from kiban.rehearsal.cloud.settings import (
    AddressSettings,
    CloudSettings,
    GroupSettings,
    SubnetSettings,
    Times,
)

__all__ = [
    "AddressSettings",
    "Cloud",
    "CloudSettings",
    "Costs",
    "GroupSettings",
    "SubnetSettings",
    "Times",
]
