"""The list of what the constructs check: ids of warnings and texts of refusals are what users search for and acknowledge.

Changing one is a breaking change. After an intended one: ``pytest tests/cdk/test_rules.py --snapshot-update``.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

import cachetwin_cdk

ROOT = Path(__file__).parents[2]
PACKAGE = Path(cachetwin_cdk.__file__).parent
# Functions that refuse, with the argument that says what is allowed; those of ``_validate`` put the sentence together.
ALLOWED = {"refuse": 1, "require_match": 3, "require_between": None, "require_one_of": None, "ValidationError": 0}


def calls(files: str, *names: str) -> Iterator[ast.Call]:
    """Calls of these functions in the library, file by file."""
    for path in sorted(PACKAGE.glob(files)):
        if path.name == "_validate.py" or path.parent.name == "function":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in names:
                yield node


def text(node: ast.expr) -> str:
    """A string as it is written, with {} where something is put in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return "{}"


def refusals() -> list[str]:
    """Each refusal as ``<property> must <what is allowed>``, as far as the code says it in one place.

    Those of the constructs; the patterns' own are about their own arguments.
    """
    found = set()
    for call in (*calls("*.py", *ALLOWED), *calls("rotation/*.py", *ALLOWED)):
        name = getattr(call.func, "id", "")
        index = ALLOWED[name]
        if name == "ValidationError":
            found.add(text(call.args[0]).split(", got")[0])
        elif name == "require_one_of":
            found.add(f"{text(call.args[0])} must be one of {{}}")
        elif index is None:
            low, high = (text(part) for part in call.args[2:4]) if len(call.args) >= 4 else ("{}", "{}")
            found.add(f"{text(call.args[0])} must be between {low} and {high}")
        else:
            found.add(f"{text(call.args[0])} must {text(call.args[index])}")
    return sorted(found)


def warnings() -> list[str]:
    """The ids of all warnings."""
    return sorted({f"cachetwin:{text(call.args[1])}" for call in calls("**/*.py", "warn")})


def test_the_ids_of_warnings_are_these(snapshot: SnapshotAssertion) -> None:
    assert warnings() == snapshot


def test_what_is_refused_is_this(snapshot: SnapshotAssertion) -> None:
    assert refusals() == snapshot


def test_the_documentation_explains_each_warning() -> None:
    table = (ROOT / "docs" / "security.md").read_text()
    assert sorted(re.findall(r"^\| `(cachetwin:[a-z0-9-]+)` \|", table, re.MULTILINE)) == warnings()


@pytest.mark.parametrize("warning", warnings())
def test_each_warning_has_a_test_that_it_is_given(warning: str) -> None:
    short = warning.removeprefix("cachetwin:")
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert re.search(rf'"(cachetwin:)?{short}"', tests)
