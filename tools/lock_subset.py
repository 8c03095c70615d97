"""Print the part of requirements.lock that one distribution needs, hashes included.

    python tools/lock_subset.py cachetwin-engine > engine.lock

The names are found in the environment that runs this, where all three distributions are installed, for its platform and
Python. Our own distributions are left out: their wheels come from ``dist/``.
"""

import argparse
import re
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).parents[1] / "requirements.lock"
OURS = frozenset({"cachetwin", "cachetwin-cdk", "cachetwin-engine"})


def closure(distribution: str) -> set[str]:
    """The canonical names of all that ``distribution`` needs here, directly or not, itself included.

    Raises PackageNotFoundError if one of them is not installed.
    """
    found: set[str] = set()
    waiting = [(canonicalize_name(distribution), frozenset[str]())]
    while waiting:
        name, extras = waiting.pop()
        if name in found and not extras:
            continue
        found.add(name)
        for text in requires(name) or []:
            need = Requirement(text)
            environments = [{"extra": extra} for extra in extras] or [{"extra": ""}]
            if need.marker is None or any(need.marker.evaluate(environment) for environment in environments):
                waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return found


def blocks(lock: str) -> dict[str, str]:
    """Each requirement of the lock with its hashes, by canonical name."""
    found: dict[str, str] = {}
    for block in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE):
        name = re.match(r"[A-Za-z0-9._-]+", block)
        if name:
            lines = [line for line in block.splitlines() if not line.lstrip().startswith("#")]
            found[canonicalize_name(name[0])] = "\n".join(lines) + "\n"
    return found


def subset(distribution: str, lock: str) -> str:
    """The lines of the lock for what ``distribution`` needs. Raises KeyError if the lock lacks one."""
    locked = blocks(lock)
    return "".join(locked[name] for name in sorted(closure(distribution) - OURS))


def main() -> int:
    """Print the subset; 1 if a name is missing from the environment or the lock."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("distribution", choices=sorted(OURS))
    distribution = parser.parse_args().distribution
    try:
        sys.stdout.write(subset(distribution, LOCK.read_text(encoding="utf-8")))
    except PackageNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed here: run `make .venv/.installed` first\n")
        return 1
    except KeyError as error:
        sys.stderr.write(f"requirements.lock has no {error.args[0]}: run `make lock`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
