"""Where the packages lie, and the opt-in mypyc hook.

``CACHETWIN_COMPILE=1 pip wheel .`` compiles ``cachetwin_engine.core`` with mypyc; without it the wheel is pure Python.
"""

import os
from pathlib import Path

from setuptools import Extension, find_packages, setup

ROOTS = ("constructs", "engine", "local")
CORE = Path("engine/cachetwin_engine/core")


def core_extensions() -> list[Extension]:
    """One extension per module of the core, compiled together so that calls between them stay native."""
    if os.environ.get("CACHETWIN_COMPILE") != "1":
        return []
    from mypyc.build import mypycify  # noqa: PLC0415  (mypy is only needed for the compiled wheel)

    sources = sorted(str(path) for path in CORE.rglob("*.py"))
    extensions = mypycify(
        ["--config-file=pyproject.toml", *sources], opt_level="3", debug_level="0", strip_asserts=False
    )
    if os.name == "posix":
        for extension in extensions:
            # Nobody else links to these functions; where that is known the compiler inlines calls between them.
            extension.extra_compile_args.append("-fvisibility=hidden")
    return extensions


setup(
    packages=[package for root in ROOTS for package in find_packages(root)],
    package_dir={
        package.split(".")[0]: f"{root}/{package.split('.')[0]}" for root in ROOTS for package in find_packages(root)
    },
    package_data={"*": ["py.typed", "*.json", "*.csv", "*.html", "*.css", "*.js", "lua/*.lua"]},
    ext_modules=core_extensions(),
)
