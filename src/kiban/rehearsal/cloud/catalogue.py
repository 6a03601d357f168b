"""What instance types cost: Linux on-demand list prices of EC2, in dollars an hour.

Prices are public facts, as of `PRICED_ON`; within a family they grow with the size. Spot prices
move; here they are a share of the on-demand price, which is an assumption that settings can
replace. What the types offer (cores, memory, interfaces) is in `kiban.cluster.nodes`.
"""

from collections.abc import Mapping

from kiban.cluster.nodes import INSTANCE_TYPES, InstanceType

PRICED_ON = "2025-06-01"
DEFAULT_TYPE = "m5.large"
DEFAULT_REGION = "us-east-1"
# The part of the on-demand price that spot capacity costs, where nothing better is known.
SPOT_SHARE = 0.35
# The control plane of a cluster on a supported version (EKS), in dollars an hour.
CONTROL_PLANE_PRICE = 0.10

# The price of the size `large`, by region and family.
LARGE_PRICES: Mapping[str, Mapping[str, float]] = {
    "us-east-1": {
        "c5": 0.085, "c6i": 0.085, "c6g": 0.068, "c7i": 0.08925, "c7g": 0.0725,
        "m5": 0.096, "m6i": 0.096, "m6g": 0.077, "m7i": 0.1008, "m7g": 0.0816,
        "r5": 0.126, "r6i": 0.126, "r6g": 0.1008, "t3": 0.0832, "t4g": 0.0672,
    },
    "ap-northeast-1": {
        "c5": 0.107, "c6i": 0.107, "c6g": 0.0856, "c7i": 0.11235, "c7g": 0.0910,
        "m5": 0.124, "m6i": 0.124, "m6g": 0.099, "m7i": 0.1302, "m7g": 0.1053,
        "r5": 0.152, "r6i": 0.152, "r6g": 0.1216, "t3": 0.1088, "t4g": 0.0864,
    },
}  # fmt: skip
# Sizes as multiples of `large`.
_SIZES = {"nano": 1 / 16, "micro": 1 / 8, "small": 1 / 4, "medium": 1 / 2, "large": 1.0}


def instance_type(name: str) -> InstanceType:
    """What an instance type offers; an unknown one counts as m5.large."""
    return INSTANCE_TYPES.get(name, INSTANCE_TYPES[DEFAULT_TYPE])


def is_priced(name: str, region: str) -> bool:
    """Whether the price of a type is known, not taken from another region or type."""
    return name.partition(".")[0] in LARGE_PRICES.get(region, {})


def price(
    name: str, region: str, *, is_spot: bool = False, spot_share: float = SPOT_SHARE
) -> float:
    """Dollars an hour. A region that is not listed counts as us-east-1, a family that is not as
    m5 with as many cores."""
    prices = LARGE_PRICES.get(region, LARGE_PRICES[DEFAULT_REGION])
    family, _, size = name.partition(".")
    large = prices.get(family)
    if large is None:
        large, size = prices["m5"], size if family else "large"
    dollars = round(large * _multiple(size), 5)
    return round(dollars * spot_share, 5) if is_spot else dollars


def _multiple(size: str) -> float:
    known = _SIZES.get(size)
    if known is not None:
        return known
    number = size.removesuffix("xlarge")
    return 2.0 * (int(number) if number.isdigit() else 1)
