"""Ports of 127.0.0.1: moved where something listens, remembered from run to run (docs/how-to/addresses.md)."""

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.local.supervise.tiny_app import topology

from cachetwin_local.cli.ports import plan_with_free_ports, remembered_ports
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import Topology


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this test listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def planner(*ports: int) -> "Planner":
    return Planner(ports)


class Planner:
    """A plan with a listener on each of these ports."""

    def __init__(self, ports: tuple[int, ...], kind: str = "listener") -> None:
        self._ports = ports
        self._kind = kind

    def __call__(self, remembered: Mapping[str, int]) -> Topology:
        addresses = AddressPlan("p", "per-endpoint", remembered)
        for port in self._ports:
            addresses.listener(f"Shop/L{port}/{self._kind}", port)
        return replace(topology("127.0.0.1", 1), ports=addresses.ports)


def test_a_taken_port_moves_and_stays_where_it_went(
    tmp_path: Path, taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    key = f"Shop/L{taken}/listener:{taken}"
    found = plan_with_free_ports(tmp_path, planner(taken)).ports[key]
    assert found > taken
    said = capsys.readouterr().err
    assert said.startswith(f"port {taken} is taken by ")
    assert f"Shop/L{taken} has {found} from now on" in said
    assert plan_with_free_ports(tmp_path, planner(taken)).ports == {key: found}
    assert capsys.readouterr().err == ""
    assert remembered_ports(tmp_path) == {key: found}


def test_an_api_whose_port_moves_is_named_as_elsewhere(
    tmp_path: Path, taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    plan_with_free_ports(tmp_path, Planner((taken,), "api"))
    assert f": Shop/L{taken} has " in capsys.readouterr().err


def test_a_port_that_is_free_again_is_not_taken_back(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        moved = plan_with_free_ports(tmp_path, planner(port)).ports
    assert plan_with_free_ports(tmp_path, planner(port)).ports == moved


def test_the_ports_of_the_run_that_is_up_are_not_tried(tmp_path: Path, taken: int) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({f"Shop/L{taken}/listener:{taken}": taken}))
    assert list(plan_with_free_ports(tmp_path, planner(taken), known_are_ours=True).ports.values()) == [taken]


@pytest.mark.parametrize("text", ["", "[]", '{"a": "x", "b": 0, "c": 99999}', "\0"])
def test_a_damaged_file_is_forgotten(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    assert remembered_ports(tmp_path) == {}
