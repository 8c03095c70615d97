"""The architectures that the tests draw: the reference ones, the other stacks, and the assembly of three stacks."""

import copy
import json
import tempfile
from pathlib import Path
from typing import Final

from tools.pictures import STACKS, assembly_of

from cachetwin_local.assembly.reader import read_assembly
from cachetwin_local.assembly.template import Assembly

_TESTS: Final = Path(__file__).parents[2]
_REVIEWED: Final = _TESTS / "cdk" / "__snapshots__" / "test_construct_stacks"


def _stack(name: str) -> Path:
    return _REVIEWED / f"test_the_stack_is_the_one_that_was_reviewed[{name}].template.json"


def _wide() -> Assembly:
    """The session API with forty more functions, each of which may reach the cache."""
    template = json.loads((_TESTS / "golden" / "session_api.template.json").read_text(encoding="utf-8"))
    resources = template["Resources"]
    functions = (body for body in resources.values() if body["Type"] == "AWS::Lambda::Function")
    function = next(body for body in functions if "VpcConfig" in body["Properties"])
    resources.update({f"Function{number}": copy.deepcopy(function) for number in range(40)})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wide.template.json"
        path.write_text(json.dumps(template), encoding="utf-8")
        return assembly_of(wide=path)


def assemblies() -> dict[str, Assembly]:
    """Every assembly by a name for the test's id."""
    found = {
        name: assembly_of(**{stack: _TESTS / "golden" / f"{name}.template.json"}) for name, stack in STACKS.items()
    }
    for name in ("cluster", "memcached", "serverless"):
        found[name] = assembly_of(**{name: _stack(name)})
    found["global_datastore"] = assembly_of(primary=_stack("global-primary"), secondary=_stack("global-secondary"))
    found["wide"] = _wide()
    found["three_stacks"] = read_assembly(_TESTS / "local" / "assemblies" / "three_stacks")
    found["everything"] = assembly_of(
        **{stack: _TESTS / "golden" / f"{name}.template.json" for name, stack in STACKS.items()},
        cluster=_stack("cluster"),
        memcached=_stack("memcached"),
        serverless=_stack("serverless"),
    )
    return found


ASSEMBLIES: Final = assemblies()
