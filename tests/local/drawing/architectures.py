"""The architectures that the tests draw: the reference ones, the other stacks, and the assembly of three stacks."""

from pathlib import Path
from typing import Final

from tools.pictures import STACKS, assembly_of

from cachetwin_local.assembly.reader import read_assembly
from cachetwin_local.assembly.template import Assembly

_TESTS: Final = Path(__file__).parents[2]
_REVIEWED: Final = _TESTS / "cdk" / "__snapshots__" / "test_construct_stacks"


def _stack(name: str) -> Path:
    return _REVIEWED / f"test_the_stack_is_the_one_that_was_reviewed[{name}].template.json"


def assemblies() -> dict[str, Assembly]:
    """Every assembly by a name for the test's id."""
    found = {
        name: assembly_of(**{stack: _TESTS / "golden" / f"{name}.template.json"}) for name, stack in STACKS.items()
    }
    for name in ("cluster", "memcached", "serverless"):
        found[name] = assembly_of(**{name: _stack(name)})
    found["global_datastore"] = assembly_of(primary=_stack("global-primary"), secondary=_stack("global-secondary"))
    found["three_stacks"] = read_assembly(_TESTS / "local" / "assemblies" / "three_stacks")
    found["everything"] = assembly_of(
        **{stack: _TESTS / "golden" / f"{name}.template.json" for name, stack in STACKS.items()},
        cluster=_stack("cluster"),
        memcached=_stack("memcached"),
        serverless=_stack("serverless"),
    )
    return found


ASSEMBLIES: Final = assemblies()
