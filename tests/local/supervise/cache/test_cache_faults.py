"""A short run of the faults of `benchmarks.faults.failover`."""

import argparse
import asyncio
from pathlib import Path

import pytest
from benchmarks.faults.failover import measure


@pytest.mark.parametrize("shards", [1, 2])
def test_no_write_that_a_replica_has_is_lost(
    tmp_path: Path, address: str, shards: int, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = argparse.Namespace(faults=4, seed=shards, shards=shards, replicas=1, clients=4, address=address)
    assert asyncio.run(measure(arguments, tmp_path)) == 0
    assert "0 that were" in capsys.readouterr().out
