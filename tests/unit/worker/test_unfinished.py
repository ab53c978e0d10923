"""Who makes room where connections whose request has not wholly arrived are too many."""

from ipaddress import ip_network
from typing import Any, cast

import pytest

from policy_service.settings import SettingInvalid, proxies_of, read_settings
from policy_service.worker.connection import Connection
from policy_service.worker.unfinished import Displaced, Unfinished


class Address:
    """All that is asked of a connection."""

    def __init__(self, address: Any) -> None:
        self.address = address


def at(host: str) -> Connection:
    return cast(Connection, Address((host, 1)))


def test_the_oldest_of_an_address_makes_room_and_no_other() -> None:
    waiting = Unfinished(100, 2)
    other, first, second, third = at("192.0.2.9"), at("192.0.2.1"), at("192.0.2.1"), at("192.0.2.1")
    assert [waiting.add(one) for one in (other, first, second)] == [None] * 3
    assert waiting.add(third) == Displaced(first, "address")


def test_the_oldest_of_all_makes_room_where_no_address_has_too_many() -> None:
    waiting = Unfinished(3, 2)
    several = [at(f"192.0.2.{n}") for n in range(4)]
    assert [waiting.add(one) for one in several] == [None, None, None, Displaced(several[0], "unfinished")]


def test_one_that_is_there_keeps_its_place_and_displaces_nobody() -> None:
    waiting = Unfinished(2, 2)
    first, second = at("192.0.2.1"), at("192.0.2.1")
    assert [waiting.add(one) for one in (first, second, second, first)] == [None] * 4
    assert waiting.add(at("192.0.2.1")) == Displaced(first, "address")


def test_one_that_is_removed_counts_no_more() -> None:
    waiting = Unfinished(100, 1)
    first = at("192.0.2.1")
    waiting.add(first)
    waiting.remove(first)
    waiting.remove(first)
    assert len(waiting) == 0
    assert waiting.add(at("192.0.2.1")) is None
    assert waiting._by_client.keys() == {"192.0.2.1"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_a_client_is_an_ipv4_address_or_the_ipv6_network_of_its_site(one: str, other: str, same: bool) -> None:
    waiting = Unfinished(100, 1)
    waiting.add(at(one))
    assert (waiting.add(at(other)) is not None) is same


@pytest.mark.parametrize(
    "address", [("192.0.2.1", 1), ("2001:db8::1", 1, 0, 0), ("::ffff:192.0.2.1", 1, 0, 0), "", b""]
)
def test_proxies_and_sockets_of_this_machine_have_no_bound_of_their_own(address: Any) -> None:
    waiting = Unfinished(3, 1, [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")])
    several = [cast(Connection, Address(address)) for _ in range(4)]
    assert [waiting.add(one) for one in several] == [None, None, None, Displaced(several[0], "unfinished")]


def test_without_a_bound_per_address_only_all_are_counted() -> None:
    waiting = Unfinished(3, 0)
    assert [waiting.add(at("192.0.2.1")) is None for _ in range(4)] == [True, True, True, False]


def test_proxies_are_addresses_and_networks() -> None:
    assert proxies_of("") == ()
    assert proxies_of("192.0.2.1, 2001:db8::/32,") == (ip_network("192.0.2.1/32"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize("text", ["proxy.example", "192.0.2.1/24", "192.0.2.1;192.0.2.2", "192.0.2.256"])
def test_what_is_no_address_of_a_proxy_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(SettingInvalid, match="POLICY_PROXIES lists addresses and networks"):
        read_settings({"POLICY_PROXIES": text})


def test_at_least_one_connection_may_be_unfinished() -> None:
    with pytest.raises(SettingInvalid, match="POLICY_UNFINISHED must be at least 1"):
        read_settings({"POLICY_UNFINISHED": "0"})
    assert read_settings({"POLICY_UNFINISHED_PER_ADDRESS": "0"}).unfinished_per_address == 0
