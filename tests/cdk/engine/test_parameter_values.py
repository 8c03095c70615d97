"""Parameters: what a group accepts, the engine's CONFIG accepts; names, ranges and what ElastiCache fixes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cachetwin_engine.core.commands  # noqa: F401  (adds the rows of the command table)
from cachetwin_cdk import EngineVersion, ParameterGroup, ValidationError
from cachetwin_cdk.engine._parameters import check_parameters
from cachetwin_engine.core.admin.elasticache import SERVICE_ONLY, apply_parameter_group
from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.protocol.errors import CommandError

ROOT = Path(__file__).parents[3]
TABLE: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (ROOT / "constructs" / "cachetwin_cdk" / "engine" / "cache_parameters.json").read_text()
)
PROFILE_OF = {
    "redis6.x": "redis-6.2",
    "redis7": "redis-7.1",
    "valkey7": "valkey-7.2",
    "valkey8": "valkey-8.1",
    "valkey9": "valkey-9.1",
}
VALUES = [
    "yes", "no", "on", "", "0", "1", "5", "19", "20", "25", "75", "76", "100", "101", "128", "1024", "16383", "16384",
    "1048576", "1073741825", "-1", "-2", "1.5", "100mb", "allkeys-lru", "allkeys", "volatile-lfu", "KEA", "Kx", "Kq",
    "ip", "hostname", "tls-dynamic", "client", "99999999999999999999", "007", " 1", "yes ", "YES",
]  # fmt: skip
Warnings = Callable[[], list[str]]


def engine_takes(family: str, name: str, value: str) -> bool:
    try:
        apply_parameter_group(Config(PROFILES[PROFILE_OF[family]]), {name: value})
    except CommandError:
        return False
    return True


def group_takes(family: str, name: str, value: str) -> bool:
    try:
        check_parameters(family, {name: value})
    except ValidationError:
        return False
    return True


def test_the_table_of_parameters_is_the_engine_s() -> None:
    check = subprocess.run(
        [sys.executable, "-m", "tools.tables.cache_parameters", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.parametrize("family", PROFILE_OF)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_an_accepted_parameter_is_one_that_the_engine_takes(family: str, data: st.DataObject) -> None:
    names = sorted({name for rows in TABLE.values() for name in rows} | {"maxmemory-polcy", "nonsense"})
    name = data.draw(st.sampled_from(names))
    value = data.draw(st.one_of(st.sampled_from(VALUES), st.integers(-10, 2**40).map(str), st.text(max_size=6)))
    if group_takes(family, name, value) and name not in SERVICE_ONLY:
        assert engine_takes(family, name, value)


@pytest.mark.parametrize("family", PROFILE_OF)
def test_what_the_engine_takes_and_the_guide_lists_is_accepted(family: str) -> None:
    """Apart from the ranges that the guide narrows, and units: nothing that is right is refused."""
    for name, row in TABLE[family].items():
        if row["kind"] == "choice":
            assert all(group_takes(family, name, choice) for choice in row["choices"])
        if row["kind"] == "integer":
            bounds = [row["low"], row.get("high", 2**31)]
            assert all(group_takes(family, name, str(bound)) for bound in bounds), name
            assert not group_takes(family, name, str(row["low"] - 1)), name
            assert not group_takes(family, name, str(2**63)), name


@pytest.mark.parametrize("family", ["memcached1.4", "memcached1.5", "memcached1.6"])
def test_memcached_takes_the_bounds_of_its_table(family: str) -> None:
    for name, row in TABLE[family].items():
        right = {
            "switch": ["0", "1"],
            "choice": row.get("choices"),
            "number": ["1.25"],
            "integer": [str(row.get("low"))],
        }
        for value in right.get(row["kind"]) or ():
            assert group_takes(family, name, value), name
        for value in ("yes", "-1", "") if row["kind"] != "fixed" else ("1",):
            assert not group_takes(family, name, value), name


@pytest.mark.parametrize(
    ("version", "parameters", "message"),
    [
        (EngineVersion.VALKEY_8_1, {"maxmemory-polcy": "noeviction"}, "did you mean 'maxmemory-policy'"),
        (
            EngineVersion.VALKEY_8_1,
            {"maxmemory-policy": "allkeys"},
            r"\['maxmemory-policy'\] must be one of volatile-lru",
        ),
        (EngineVersion.VALKEY_8_1, {"reserved-memory-percent": "150"}, "must be between 0 and 100, got 150"),
        (EngineVersion.VALKEY_8_1, {"appendonly": "yes"}, "no parameter that ElastiCache fixes, got 'appendonly'"),
        (EngineVersion.VALKEY_8_1, {"maxmemory": "100"}, "no parameter that ElastiCache fixes, got 'maxmemory'"),
        (EngineVersion.VALKEY_8_1, {"port": "6380"}, "no parameter that ElastiCache fixes, got 'port'"),
        (EngineVersion.VALKEY_8_1, {"timeout": "10"}, r"\['timeout'\] must be 0 or at least 20, got 10"),
        (EngineVersion.VALKEY_8_1, {"repl-backlog-size": "1mb"}, "must be a whole number, got '1mb'"),
        (EngineVersion.VALKEY_8_1, {"lazyfree-lazy-expire": "yes"}, "hold parameters that valkey8 has"),
        (EngineVersion.VALKEY_8_1, {"cluster-databases": "2"}, "hold parameters that valkey8 has"),
        (EngineVersion.VALKEY_7_2, {"extended-redis-compatibility": "yes"}, "hold parameters that valkey7 has"),
        (EngineVersion.REDIS_7_1, {"hash-max-ziplist-entries": "1"}, "did you mean 'hash-max-listpack-entries'"),
        (EngineVersion.REDIS_7_1, {"close-on-slave-write": "yes"}, "hold parameters that redis7 has"),
        (EngineVersion.VALKEY_8_1, {"notify-keyspace-events": "Kq"}, "hold letters of .* only, got 'q'"),
        (EngineVersion.VALKEY_8_1, {"rename-commands": "flushall"}, "be pairs of a command and its new name"),
        (EngineVersion.VALKEY_8_1, {"rename-commands": "get a set a"}, "name each command once"),
        (EngineVersion.VALKEY_8_1, {"chunk_size": "96"}, "hold parameters that valkey8 has"),
        (EngineVersion.MEMCACHED_1_6_22, {"max_item_sise": "2097152"}, "did you mean 'max_item_size'"),
        (EngineVersion.MEMCACHED_1_6_22, {"max_item_size": "2m"}, "must be a whole number, got '2m'"),
        (EngineVersion.MEMCACHED_1_6_22, {"cas_disabled": "yes"}, "must be 0 or 1, got 'yes'"),
        (EngineVersion.MEMCACHED_1_6_22, {"chunk_size_growth_factor": "1"}, "must be a number above 1, got '1'"),
        (EngineVersion.MEMCACHED_1_6_22, {"binding_protocol": "binary"}, "must be one of ascii, auto"),
        (EngineVersion.MEMCACHED_1_6_22, {"requests_per_event": "40"}, "no parameter that ElastiCache fixes"),
        (EngineVersion.MEMCACHED_1_6_22, {"maxmemory-policy": "noeviction"}, "hold parameters that memcached1.6 has"),
    ],
)
def test_a_parameter_that_the_family_does_not_take_is_refused(
    stack: cdk.Stack, version: EngineVersion, parameters: dict[str, str], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        ParameterGroup(stack, "Parameters", engine_version=version, parameters=parameters)


@pytest.mark.parametrize(
    ("version", "parameters", "warned"),
    [
        (EngineVersion.VALKEY_8_1, {"set-max-listpack-value": "32"}, ["cachetwin:parameter-unconfirmed"]),
        (EngineVersion.VALKEY_8_1, {"search-default-timeout-ms": "1000"}, ["cachetwin:parameter-of-newer-version"]),
        (EngineVersion.VALKEY_8_2, {"search-default-timeout-ms": "1000"}, []),
        (EngineVersion.REDIS_6_0, {"acl-pubsub-default": "resetchannels"}, ["cachetwin:parameter-of-newer-version"]),
        (EngineVersion.VALKEY_8_1, {"notify-keyspace-events": "gx"}, ["cachetwin:no-notifications"]),
        (EngineVersion.VALKEY_8_1, {"notify-keyspace-events": "Kgx"}, []),
        (EngineVersion.REDIS_5_0_6, {"anything": "goes"}, []),
    ],
)
def test_an_uncertain_parameter_is_warned_of(
    stack: cdk.Stack, warnings: Warnings, version: EngineVersion, parameters: dict[str, str], warned: list[str]
) -> None:
    ParameterGroup(stack, "Parameters", engine_version=version, parameters=parameters)
    assert warnings() == warned
