"""The engine's modules import each other in one direction, the imports for the type checker counted (decision 0008)."""

from pathlib import Path

import grimp
import pytest


@pytest.fixture(scope="module")
def imports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Module -> what it imports."""
    graph = grimp.build_graph("cachetwin_engine", cache_dir=str(tmp_path_factory.mktemp("grimp")))
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def test_no_module_of_the_engine_is_in_a_cycle(imports: dict[str, set[str]]) -> None:
    rest = {module: {target for target in targets if target != module} for module, targets in imports.items()}
    while free := {module for module, targets in rest.items() if not targets & rest.keys()}:
        rest = {module: targets for module, targets in rest.items() if module not in free}
    while unused := rest.keys() - set().union(*rest.values()):  # these only lead into a cycle
        rest = {module: targets for module, targets in rest.items() if module not in unused}
    assert sorted(rest) == []


def test_the_graph_holds_what_only_the_type_checker_imports(imports: dict[str, set[str]]) -> None:
    assert "cachetwin_engine.core.engine_parts" in imports["cachetwin_engine.core.execution.context"]
    source = Path(__file__).parents[2] / "engine/cachetwin_engine/core/execution/context.py"
    assert "if TYPE_CHECKING:" in source.read_text()
