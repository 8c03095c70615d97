"""The compiled core for tests, brought up to date in build/compiled: what changed is compiled, the rest stays.

    python tools/compiled_build.py                 # make compiled
    python tools/compiled_build.py --can-compile   # exit 0 where there are a C compiler and Python's headers

build/compiled/lib holds the package as a wheel would: the modules and the libraries made of them. It differs from the
wheel's in how the C is cut and optimised: engine/setup.py says how.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "engine"
BUILD = ROOT / "build" / "compiled"


def can_compile() -> bool:
    """Whether setuptools will find a C compiler, and the compiler Python's headers."""
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    return shutil.which(shlex.split(command)[0]) is not None and headers.is_file()


def build(folder: Path, sources: Path = ENGINE) -> None:
    """Bring ``folder``/lib up to date with the engine's sources."""
    library = folder / "lib"
    remove_stale(library, sources)
    # What mypyc 2.4 reads back of classes from an earlier run can contradict their sources; to write all C takes seconds.
    shutil.rmtree(folder / "c" / "mypy", ignore_errors=True)
    environment = {**os.environ, "CACHETWIN_COMPILE": "test", "CACHETWIN_BUILD_DIR": str(folder / "c")}
    command = [sys.executable, "setup.py", "--quiet", "build", f"--build-base={folder}", f"--build-lib={library}"]
    subprocess.run([*command, f"--build-temp={folder / 'objects'}"], cwd=sources, env=environment, check=True)


def remove_stale(library: Path, sources: Path) -> None:
    """Remove what was made of modules that are gone: a library without its module would still be imported."""
    for made in library.rglob("*.py"):
        if not (sources / made.relative_to(library)).is_file():
            made.unlink()
    for made in library.rglob("*.so"):  # name.cpython-*.so, and name__mypyc.cpython-*.so beside a module or package
        module = sources / made.relative_to(library).with_name(made.name.partition(".")[0].removesuffix("__mypyc"))
        if not module.with_suffix(".py").is_file() and not (module / "__init__.py").is_file():
            made.unlink()


def main() -> int:
    """Build, or say whether a build is possible."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--can-compile", action="store_true", help="only say, by the exit status, whether it can")
    if parser.parse_args().can_compile:
        return 0 if can_compile() else 1
    began = time.monotonic()
    build(BUILD)
    print(f"compiled in {time.monotonic() - began:.0f} s; PYTHONPATH={BUILD.relative_to(ROOT) / 'lib'} runs it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
