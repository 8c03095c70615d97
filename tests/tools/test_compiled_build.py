"""The test build compiles what an edit touches, on a core of two modules."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tools.compiled_build import ENGINE, ROOT, build, can_compile

needs_compiler = pytest.mark.skipif(not can_compile(), reason="needs a C compiler and Python's headers")
ADD = "def add(a: int, b: int) -> int:\n    return a + b\n"
DOUBLE = "from cachetwin_engine.core.sums import add\n\n\ndef double(a: int) -> int:\n    return add(a, a)\n"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The engine's build files around another core."""
    sources = tmp_path / "engine"
    core = sources / "cachetwin_engine" / "core"
    core.mkdir(parents=True)
    for name in ("pyproject.toml", "setup.py", "README.md", "VERSION", "LICENSE"):
        shutil.copy(ENGINE / name, sources / name)
    for name in ("__init__", "receiver"):  # setup.py names the second
        (sources / "cachetwin_engine" / f"{name}.py").touch()
    (core / "__init__.py").touch()
    (core / "sums.py").write_text(ADD)
    (core / "doubles.py").write_text(DOUBLE)
    return sources


def libraries(folder: Path) -> dict[str, int]:
    """The libraries by module, and when each was made."""
    return {made.name.partition(".")[0]: made.stat().st_mtime_ns for made in folder.glob("lib/**/core/*.so")}


def answer(folder: Path, expression: str) -> str:
    code = f"from cachetwin_engine.core import doubles; print({expression})"
    environment = {**os.environ, "PYTHONPATH": str(folder / "lib")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


@needs_compiler
def test_an_edit_compiles_its_own_module_again(sources: Path, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    build(folder, sources)
    first = libraries(folder)
    assert set(first) == {"__init__", "sums", "sums__mypyc", "doubles", "doubles__mypyc"}
    assert answer(folder, "(doubles.double(21), hasattr(doubles.double, '__code__'))") == "(42, False)"

    (sources / "cachetwin_engine" / "core" / "doubles.py").write_text(DOUBLE.replace("add(a, a)", "add(a, a) + 1"))
    build(folder, sources)
    assert answer(folder, "doubles.double(21)") == "43"
    # The code is in the libraries named __mypyc; the others are shims, linked again when their files are written again.
    remade = {name for name, made in libraries(folder).items() if made != first[name]}
    assert {name for name in remade if name.endswith("__mypyc")} == {"doubles__mypyc"}


@needs_compiler
def test_what_was_made_of_a_module_that_is_gone_goes_too(sources: Path, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    build(folder, sources)
    core = sources / "cachetwin_engine" / "core"
    (core / "sums.py").unlink()
    (core / "doubles.py").write_text("def double(a: int) -> int:\n    return 2 * a\n")
    build(folder, sources)
    assert set(libraries(folder)) == {"__init__", "doubles", "doubles__mypyc"}
    assert not (folder / "lib" / "cachetwin_engine" / "core" / "sums.py").exists()
    assert answer(folder, "doubles.double(21)") == "42"


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    assert not can_compile()


def test_make_check_leaves_the_compiled_half_out_without_a_compiler() -> None:
    def planned(**more: str) -> str:
        command = ["make", "--dry-run", "--no-print-directory", "check"]
        return subprocess.run(
            command, cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    without = planned(CC="no-such-compiler")
    assert "skipped: the compiled half of the tests" in without
    assert "CACHETWIN_EXPECT_BUILD=compiled" not in without
    assert ("CACHETWIN_EXPECT_BUILD=compiled" in planned()) == can_compile()
