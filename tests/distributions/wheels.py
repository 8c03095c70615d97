"""The three distributions as a user gets them: built from a copy of the sources, installed into an empty environment."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.distributions import FOLDERS, ROOT, tracked

UV = str(Path(sys.executable).with_name("uv"))
BUILD_S_MAX = 600  # less than ten on a quiet machine


@dataclass(frozen=True)
class Built:
    """What `uv build` made of one folder: the source archive, and the wheel made of that archive."""

    sdist: Path
    wheel: Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds what was installed and nothing else."""

    folder: Path

    def program(self, name: str) -> str:
        """The path of a program in it."""
        return str(self.folder / "bin" / name)

    def run(self, *command: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run one of its programs to the end."""
        arguments = [self.program(command[0]), *command[1:]]
        return subprocess.run(
            arguments, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=BUILD_S_MAX
        )

    def packages(self) -> set[str]:
        """The names of the distributions in it."""
        listed = subprocess.run(
            [UV, "pip", "freeze", "--python", self.program("python")], capture_output=True, text=True, check=True
        )
        return {line.partition(" @ ")[0].partition("==")[0] for line in listed.stdout.splitlines()}


def build(name: str, into: Path) -> Built:
    """Build a distribution outside the source tree, so that nothing is left behind in it."""
    folder = FOLDERS[name]
    for file in tracked(folder):
        target = into / folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / folder / file, target)
    command = [UV, "build", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(into)]
    subprocess.run([*command, str(into / folder)], check=True, timeout=BUILD_S_MAX)
    (sdist,), (wheel,) = into.glob("*.tar.gz"), into.glob("*.whl")
    return Built(sdist, wheel)


def install(folder: Path, requirements: Iterable[str]) -> Environment:
    """A new environment with these requirements."""
    environment = Environment(folder)
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True, timeout=BUILD_S_MAX)
    add(environment, requirements)
    return environment


def add(environment: Environment, requirements: Iterable[str]) -> None:
    """Install at the versions of the lock; from the cache where it has them."""
    command = [UV, "pip", "install", "--quiet", "--python", environment.program("python"), "--only-binary", ":all:"]
    command += ["--constraint", str(ROOT / "requirements.lock"), *requirements]
    offline = subprocess.run([*command, "--offline"], capture_output=True, check=False, timeout=BUILD_S_MAX)
    if offline.returncode != 0:
        subprocess.run(command, check=True, timeout=BUILD_S_MAX)
