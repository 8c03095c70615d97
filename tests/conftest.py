"""What holds for every test."""

import os
import sys
from pathlib import Path

from hypothesis import settings

# The same examples in every run: a change fails for what it does. `--hypothesis-profile=random` looks for others.
# An example that takes 200 ms on a busy machine is no failure.
settings.register_profile("random", deadline=None)
settings.register_profile("cachetwin", deadline=None, derandomize=True)
settings.load_profile("cachetwin")

# What tests and the processes that they start import is compiled once, also where an image tells Python not to keep it.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# One place for the packages that jsii unpacks, also for a process with a home of its own: 200 MB and seconds each.
os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(Path.home() / ".cache/aws/jsii/package-cache"))
