"""The RDB file while it is being written."""

import os
from pathlib import Path

import pytest

from cachetwin_engine.server.valkey.persistence import DumpFile

FULL = Path("/dev/full")


def test_a_link_in_the_place_of_the_draft_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / f"temp-{os.getpid()}.rdb").symlink_to(victim)
    dump = DumpFile()
    assert (dump.begin(str(tmp_path / "dump.rdb")), dump.write(b"data"), dump.finish()) == ("", "", "")
    assert victim.read_bytes() == b"mine"
    assert (tmp_path / "dump.rdb").read_bytes() == b"data"
    assert (tmp_path / "dump.rdb").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is full")
def test_a_file_that_does_not_fit_can_be_given_up(tmp_path: Path) -> None:
    dump = DumpFile()
    assert dump.begin(str(tmp_path / "dump.rdb")) == ""
    full = os.fdopen(os.open(FULL, os.O_WRONLY), "wb")
    assert dump._file is not None
    dump._file.close()
    dump._file = full
    assert dump.write(b"data") == ""  # in memory only
    dump.drop()
    assert list(tmp_path.iterdir()) == []
