"""One platform on many clusters: who gets a commit when, and what is known of each."""

from kiban.delivery.fleet.members import Member, Pace, Ring
from kiban.delivery.fleet.messages import HandOver, Offer, Report
from kiban.delivery.fleet.rollout import FleetRollout

__all__ = ["FleetRollout", "HandOver", "Member", "Offer", "Pace", "Report", "Ring"]
