"""How pods and services of the embedded cluster are reached: addresses without root, names
without DNS, and the gateway's configuration as a value."""

from kiban.cluster.networking.addresses import AddressPlan
from kiban.cluster.networking.names import resolve, rewrite

__all__ = ["AddressPlan", "resolve", "rewrite"]
