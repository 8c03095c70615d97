"""An engine for the programs in ``tools/`` to run against."""

from tests.engine.conftest import engine_server

__all__ = ["engine_server"]
