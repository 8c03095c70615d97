"""The opt-in mypyc hook; all else is in pyproject.toml.

``CACHETWIN_COMPILE=1 pip wheel .`` compiles ``cachetwin_engine.core``; without it the wheel is pure Python.
"""

import os
from pathlib import Path

from setuptools import Extension, setup

CORE = Path("cachetwin_engine/core")


def core_extensions() -> list[Extension]:
    """One extension per module of the core, compiled together so that calls between them stay native."""
    if os.environ.get("CACHETWIN_COMPILE") != "1":
        return []
    from mypyc.build import mypycify  # noqa: PLC0415  (mypy is only needed for the compiled wheel)

    sources = sorted(str(path) for path in CORE.rglob("*.py"))
    # The types are checked by `make types`; here mypy gets what it needs to read them, and no file from outside.
    options = ["--config-file=", "--strict", "--explicit-package-bases", "--disable-error-code=import-untyped"]
    extensions = mypycify([*options, *sources], opt_level="3", debug_level="0", strip_asserts=False)
    if os.name == "posix":
        for extension in extensions:
            # Nobody else links to these functions; where that is known the compiler inlines calls between them.
            extension.extra_compile_args.append("-fvisibility=hidden")
    return extensions


setup(ext_modules=core_extensions())
