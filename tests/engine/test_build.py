"""Which build of the core these results are about."""

import os

from cachetwin_engine.core import BUILD
from cachetwin_engine.core.engine import Engine


def test_the_build_under_test_is_the_one_that_was_asked_for() -> None:
    assert os.environ.get("CACHETWIN_EXPECT_BUILD", BUILD) == BUILD


def test_the_build_names_itself_truly() -> None:
    interpreted = hasattr(Engine.tick, "__code__")
    assert ("pure" if interpreted else "compiled") == BUILD
