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


def test_a_remembered_port_goes_before_the_one_that_the_rules_give() -> None:
    first = AddressPlan("p", "per-endpoint")
    first.listener("Shop/A/listener", 80)
    again = AddressPlan("p", "per-endpoint", {**first.ports, "Shop/A/listener:8080": 8085})
    assert again.listener("Shop/New/listener", 80)[1] == 8080
    assert again.listener("Shop/A/listener", 80)[1] == 8085
    assert again.ports == {"Shop/New/listener:8080": 8080, "Shop/A/listener:8080": 8085}


def test_a_new_endpoint_leaves_the_remembered_port_of_another_alone() -> None:
    places = AddressPlan("p", "shared", {"Shop/B/endpoint:5432": 5432})
    assert places.endpoint("Shop/A/endpoint", 5432) == ("127.0.0.1", 5433)
    assert places.endpoint("Shop/B/endpoint", 5432) == ("127.0.0.1", 5432)


def test_another_port_in_the_template_is_not_held_to_the_old_one() -> None:
    places = AddressPlan("p", "per-endpoint", {"Shop/A/listener:8080": 8085})
    assert places.listener("Shop/A/listener", 9000)[1] == 9000


def test_a_port_that_the_user_set_is_not_remembered() -> None:
    places = AddressPlan("p", "per-endpoint", {"Shop/A/listener:8080": 8085})
    places.move("Shop/A", 7000)
    assert places.listener("Shop/A/listener", 80)[1] == 7000
    assert places.ports == {}


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 20)), max_size=12),
    st.dictionaries(
        st.tuples(st.sampled_from("abcdef"), st.integers(1, 20)).map(lambda one: f"{one[0]}:{one[1]}"),
        st.integers(1, 30),
    ),
)
def test_no_two_endpoints_share_a_port_whatever_is_remembered(
    asked: list[tuple[str, int]], remembered: dict[str, int]
) -> None:
    places = AddressPlan("p", "shared", remembered)
    given_out = {name: places.endpoint(name, port)[1] for name, port in asked}
    assert len(set(given_out.values())) == len(given_out)
