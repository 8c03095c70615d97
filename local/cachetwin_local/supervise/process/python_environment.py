"""The environment of a child that runs this Python."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["python_environment"]


def python_environment() -> Mapping[str, str]:
    """The environment in which another Python finds the same packages, without the user's variables."""
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry and Path(entry).is_dir())
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
