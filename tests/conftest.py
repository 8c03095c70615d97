"""What holds for every test."""

from hypothesis import settings

# An example that takes 200 ms on a busy machine is no failure.
settings.register_profile("cachetwin", deadline=None)
settings.load_profile("cachetwin")
