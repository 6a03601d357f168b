import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.cluster.networking.addresses import (
    POD_ADDRESSES,
    SERVICE_ADDRESSES,
    SLOTS,
    AddressPlan,
)


def test_pods_count_up_from_the_first_address_of_the_slot() -> None:
    plan = AddressPlan(3)

    assert [plan.pod_address(i) for i in (0, 253, 254, POD_ADDRESSES - 1)] == [
        "127.19.0.1",
        "127.19.0.254",
        "127.19.1.1",
        "127.19.239.254",
    ]


def test_the_service_network_is_the_last_part_of_the_slot() -> None:
    assert AddressPlan(0).service_cidr == "127.16.240.0/20"


@given(st.integers(0, SLOTS - 1), st.integers(0, POD_ADDRESSES - 1))
def test_no_pod_has_the_address_of_a_service(slot: int, index: int) -> None:
    plan = AddressPlan(slot)
    address = ipaddress.ip_address(plan.pod_address(index))

    assert address in ipaddress.ip_network(plan.pod_cidr)
    assert address not in ipaddress.ip_network(plan.service_cidr)
    assert not plan.is_service_address(str(address))


def test_a_service_gets_the_address_that_it_had_before() -> None:
    plan = AddressPlan(0)
    taken: set[str] = set()
    first = plan.service_address("shop", "cart", taken)

    assert plan.service_address("shop", "cart", taken) == first
    assert first is not None and plan.is_service_address(first)


def test_a_service_whose_address_is_taken_gets_the_next_one() -> None:
    plan = AddressPlan(0)
    first, second, *_ = plan.service_candidates("shop", "cart")

    assert plan.service_address("shop", "cart", {first}) == second


def test_candidates_are_every_service_address_once() -> None:
    plan = AddressPlan(SLOTS - 1)
    candidates = list(plan.service_candidates("shop", "cart"))

    assert len(candidates) == len(set(candidates)) == SERVICE_ADDRESSES
    assert all(plan.is_service_address(address) for address in candidates)
    assert plan.service_address("shop", "cart", set(candidates)) is None


def test_a_slot_that_does_not_exist_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        AddressPlan(SLOTS)
