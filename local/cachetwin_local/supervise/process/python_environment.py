"""The environment of a child that runs this Python."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["give_back_import_path", "python_environment", "with_import_path"]

_OF_THE_USER: Final = "CACHETWIN_USERS_PYTHONPATH"


def python_environment() -> Mapping[str, str]:
    """The environment in which another Python finds the same packages, without the user's variables."""
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": _import_path(), "PYTHONUNBUFFERED": "1"}


def with_import_path() -> Mapping[str, str]:
    """The user's environment for a Python that finds the same packages, wherever it is started."""
    return {**os.environ, "PYTHONPATH": _import_path(), _OF_THE_USER: os.environ.get("PYTHONPATH", "")}


def give_back_import_path() -> None:
    """Undo `with_import_path` in the process that it started: the user's own programs have their own packages."""
    own = os.environ.pop(_OF_THE_USER, None)
    if own:
        os.environ["PYTHONPATH"] = own
    elif own is not None:
        os.environ.pop("PYTHONPATH", None)


def _import_path() -> str:
    return os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry and Path(entry).is_dir())
