"""The addresses and ports of endpoints."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetwin_local.topology.address_plan import AddressPlan, hashed_address


@given(st.text(), st.text(), st.integers(0, 9))
def test_addresses_are_loopback_and_leave_the_systems_own_alone(project: str, name: str, attempt: int) -> None:
    address = ipaddress.ip_address(hashed_address(project, name, attempt))
    assert address.is_loopback
    assert address not in ipaddress.ip_network("127.0.0.0/16")
    assert int(address) % 256 not in {0, 255}


def test_two_endpoints_that_hash_alike_get_different_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "cachetwin_local.topology.address_plan.hashed_address", lambda _p, _n, attempt: f"127.9.9.{attempt + 1}"
    )
    places = AddressPlan("p", "per-endpoint")
    assert [places.address("a"), places.address("b"), places.address("a")] == ["127.9.9.1", "127.9.9.2", "127.9.9.1"]


def test_load_balancers_move_up_from_taken_ports() -> None:
    places = AddressPlan("p", "per-endpoint")
    assert [
        places.listener(name, port)[1] for name, port in [("a", 80), ("b", 80), ("c", 443), ("d", 81), ("e", 9000)]
    ] == [
        8080,
        8081,
        8443,
        8082,
        9000,
    ]
