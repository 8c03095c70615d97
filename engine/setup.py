"""The compiled build; all else is in pyproject.toml.

``CACHETWIN_COMPILE=1 pip wheel .`` compiles the two cores, ``core`` and ``memcached``, and what both are served by,
``receiver``, with mypyc for the wheel of this platform; without the variable the wheel is pure Python.
``CACHETWIN_COMPILE=test`` is for ``make compiled``: each module by itself, without optimisation, so that an edit compiles
what it touches. docs/decisions/0009-how-the-core-is-compiled.md has the numbers.
"""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

PACKAGE = Path("cachetwin_engine")
CORES = (PACKAGE / "core", PACKAGE / "memcached")
SHARED = PACKAGE / "receiver.py"
MODE = os.environ.get("CACHETWIN_COMPILE", "")
BUILD = os.environ.get("CACHETWIN_BUILD_DIR", "build")  # the C files, and what mypy keeps between two builds


def core_extensions() -> list[Extension]:
    """The extensions of the cores: none, those of the wheel, or those of the test build."""
    if MODE not in {"1", "test"}:
        return []
    from mypyc.build import mypycify  # noqa: PLC0415  (mypy is only needed to compile)

    sources = sorted(str(path) for path in (SHARED, *(path for core in CORES for path in core.rglob("*.py"))))
    # `make types` checks the types; here mypy only has to read them, and takes no settings from outside this folder.
    options = ["--config-file=", "--strict", "--explicit-package-bases", "--disable-error-code=import-untyped"]
    options.append(f"--cache-dir={BUILD}/mypy")
    test = MODE == "test"
    extensions: list[Extension] = mypycify(
        [*options, *sources],
        opt_level="0" if test else "2",
        debug_level="0",
        multi_file=not test,  # one C file a module in one library: gcc works on as many as there are cores
        separate=test,  # a library a module: an edit changes the C of its own module only
        target_dir=BUILD,
    )
    if os.name == "posix":
        for extension in extensions:
            # Nobody else links to these functions; where that is known the calls between them are shorter.
            extension.extra_compile_args.append("-fvisibility=hidden")
    return extensions


class BuildExtensions(build_ext):
    """Compiles on all cores, through ccache where there is one."""

    def build_extensions(self) -> None:
        """Compile and link what changed."""
        self.parallel = self.parallel or os.cpu_count()
        compiler: Any = self.compiler
        if compiler.compiler_type == "unix":
            _compile_in_parallel(compiler, int(self.parallel or 1))
            if shutil.which("ccache") and "ccache" not in compiler.compiler_so[0]:
                compiler.set_executable("compiler_so", ["ccache", *compiler.compiler_so])
        super().build_extensions()


def _compile_in_parallel(compiler: Any, count: int) -> None:  # noqa: ANN401  (distutils has no types)
    """Replace the compiler's loop over the files of one extension by ``count`` threads that wait for processes."""

    def compile_all(  # noqa: PLR0917  (distutils's own signature)
        sources: list[str],
        output_dir: str | None = None,
        macros: list[Any] | None = None,
        include_dirs: list[str] | None = None,
        debug: bool = False,  # noqa: FBT001, FBT002
        extra_preargs: list[str] | None = None,
        extra_postargs: list[str] | None = None,
        depends: list[str] | None = None,
    ) -> list[str]:
        macros, objects, extra_postargs, pp_opts, build = compiler._setup_compile(
            output_dir, macros, include_dirs, sources, depends, extra_postargs
        )
        cc_args = compiler._get_cc_args(pp_opts, debug, extra_preargs)

        def compile_one(obj: str) -> None:
            source, extension = build[obj]
            compiler._compile(obj, source, extension, cc_args, extra_postargs, pp_opts)

        with ThreadPoolExecutor(count) as pool:
            list(pool.map(compile_one, sorted(build, key=lambda obj: -Path(build[obj][0]).stat().st_size)))
        return objects

    compiler.compile = compile_all


setup(ext_modules=core_extensions(), cmdclass={"build_ext": BuildExtensions})
