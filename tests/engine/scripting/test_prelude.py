"""The Lua part of the scripting engine: each file by itself. What they do together is tested with scripts."""

import pathlib
import shutil
import subprocess

import lupa.lua51
import pytest

import cachetwin_engine.core.scripting
from cachetwin_engine.core.scripting.prelude import PARTS, source

FOLDER = pathlib.Path(cachetwin_engine.core.scripting.__file__).parent / "lua"
LUAC = shutil.which("luac5.1")


def test_every_file_is_a_part_and_every_part_is_a_file() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_compiles_by_itself(part: str) -> None:
    runtime = lupa.lua51.LuaRuntime(encoding=None)
    load = runtime.eval(b"function(text) return loadstring(text) end")
    compiled = load(source(part))
    assert not isinstance(compiled, tuple), compiled


@pytest.mark.skipif(LUAC is None, reason="luac5.1 is not installed (Debian's package lua5.1)")
@pytest.mark.parametrize("part", PARTS)
def test_luac_finds_no_assignment_to_a_global(part: str) -> None:
    assert LUAC is not None
    path = FOLDER / f"{part}.lua"
    listing = subprocess.run([LUAC, "-l", "-p", path], capture_output=True, text=True, check=True, timeout=20).stdout
    assigned = [line.split()[-1] for line in listing.splitlines() if "SETGLOBAL" in line]
    assert assigned == (["debug"] if part == "machine" else [])
