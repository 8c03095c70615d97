"""What holds for every test."""

import os
import sys

from hypothesis import settings

# An example that takes 200 ms on a busy machine is no failure.
settings.register_profile("cachetwin", deadline=None)
settings.load_profile("cachetwin")

# What tests and the processes that they start import is compiled once, also where an image tells Python not to keep it.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
