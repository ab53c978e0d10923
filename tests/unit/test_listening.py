"""Addresses as Python has them, in words of people."""

import pytest

from policy_service.listening import url_of


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (("127.0.0.1", 8000), "http://127.0.0.1:8000"),
        (("::1", 8000, 0, 0), "http://[::1]:8000"),
        ("/run/policy.sock", "unix:/run/policy.sock"),
        (b"/run/policy.sock", "unix:/run/policy.sock"),
        (b"\0policy", "unix:\0policy"),
    ],
)
def test_an_address_is_told_as_a_url(address: object, expected: str) -> None:
    assert url_of(address) == expected
