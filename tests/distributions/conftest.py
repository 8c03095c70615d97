"""The three distributions, built once a session."""

from pathlib import Path

import pytest
from tests.distributions.wheels import Built, build
from tools.distributions import FOLDERS


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """Source archive and pure wheel of each distribution, by its name."""
    return {name: build(name, tmp_path_factory.mktemp(name)) for name in FOLDERS}


@pytest.fixture(scope="session")
def wheels(built: dict[str, Built]) -> dict[str, Path]:
    """The wheel of each distribution, by its name."""
    return {name: made.wheel for name, made in built.items()}
