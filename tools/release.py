"""A release from this machine: check, build, check what was built, tag. `make release` calls it.

    python -m tools.release --dry-run    # everything but the tag
    python -m tools.release

The version is what VERSION says. Nothing is uploaded: pushing the tag starts the workflow that publishes. The wheels of
other platforms come from there too; here dist/release gets the source archives, the wheels for any platform, and the
engine's compiled wheel for this one.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.distributions import FOLDERS, ROOT, problems, version

BIN: Final = Path(sys.executable).parent
UV: Final = str(BIN / "uv")


class Refusal(Exception):
    """Why there is no release."""


def refuse_unready(root: Path) -> str:
    """The version to release. Raises Refusal when the repository is not in the state that a release names."""
    release = version(root)
    if not re.fullmatch(r"\d+\.\d+\.\d+", release):
        raise Refusal(f"VERSION must be three numbers, such as 0.2.0, got {release!r}")
    changed = _git(root, "status", "--porcelain").splitlines()
    if changed:
        raise Refusal(f"the tree has {len(changed)} changes that are not committed, such as {changed[0][3:]}")
    if _git(root, "tag", "--list", f"v{release}"):
        raise Refusal(f"there is a tag v{release} already: raise the number in VERSION")
    sections = re.split(r"^## ", (root / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    entries = {title: text.strip() for title, _, text in (section.partition("\n") for section in sections)}
    if not entries.get(release):
        raise Refusal(f"CHANGELOG.md says nothing under the heading {release}")
    if entries.get("Unreleased"):
        raise Refusal(f"CHANGELOG.md has entries under Unreleased: move them to {release}")
    return release


def build(root: Path, into: Path) -> None:
    """Source archives and wheels of all distributions, and the engine's compiled wheel in ``into``/compiled."""
    shutil.rmtree(into, ignore_errors=True)
    command = [UV, "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
    for folder in FOLDERS.values():
        _run([*command, "--out-dir", str(into), folder], root)
    # Of the source archive, so that nothing of an earlier build gets in.
    sdist = _only(into, f"cachetwin_engine-{version(root)}.tar.gz")
    environment = {**os.environ, "CACHETWIN_COMPILE": "1"}
    _run([*command, "--wheel", "--out-dir", str(into / "compiled"), str(sdist)], root, environment)


def refuse_wrong(root: Path, built: Path) -> None:
    """Raises Refusal with everything that is wrong with the wheels."""
    found = []
    for name in FOLDERS:
        stem = f"{name.replace('-', '_')}-{version(root)}"
        found += problems(_only(built, f"{stem}-py3-none-any.whl"), name, root)
        _only(built, f"{stem}.tar.gz")
    compiled = _only(built / "compiled", f"cachetwin_engine-{version(root)}-*.whl")
    found += problems(compiled, "cachetwin-engine", root, compiled=True)
    if found:
        raise Refusal("the wheels are not right:\n  " + "\n  ".join(found))


def try_compiled_wheel(root: Path, built: Path) -> None:
    """Install the engine's compiled wheel into an empty environment and ask what it is."""
    environment = built / "venv"
    _run([UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)], root)
    install = [UV, "pip", "install", "--quiet", "--python", str(environment), "--constraint", "requirements.lock"]
    _run([*install, *map(str, (built / "compiled").glob("*.whl"))], root)
    program = str(environment / "bin" / "cachetwin-engine")
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    if not told.stdout.startswith(f"cachetwin-engine {version(root)} (compiled core;"):
        raise Refusal(f"the compiled wheel says {told.stdout.strip() or told.stderr.strip()!r}")


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise Refusal(f"expected one {pattern} in {folder}, found {len(found)}")
    return found[0]


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip("\n")


def _run(command: Sequence[str], root: Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=root, env=environment, check=False)
    if done.returncode != 0:
        raise Refusal(f"`{' '.join(command)}` exited with {done.returncode}")


def release(root: Path, *, dry_run: bool, check: Sequence[str] = ("make", "test")) -> str:
    """Do all of it. Returns what to do next; raises Refusal."""
    number = refuse_unready(root)
    _run(check, root)
    built = root / "dist" / "release"
    build(root, built)
    refuse_wrong(root, built)
    try_compiled_wheel(root, built)
    refuse_unready(root)  # the checks must not have changed the tree
    if dry_run:
        return f"v{number} is ready: nothing was tagged"
    _git(root, "tag", "--annotate", f"v{number}", "--message", f"Cachetwin {number}")
    return f"tagged v{number}; publish it with: git push origin v{number}"


def main() -> int:
    """Release, or say in one line why not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="do everything but the tag")
    try:
        print(release(ROOT, dry_run=parser.parse_args().dry_run))
    except Refusal as refusal:
        print(f"no release: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
