"""A Python function's asset, put together without Docker: its sources beside the dependencies it pins.

The whole is built once per state of the sources and pins, in the user's cache folder, and handed to CDK as a plain
folder; after that a synthesis needs no network. Only wheels are taken, for the platform that Lambda runs, and only with
the hashes that the requirements hold, so nothing is built or run here. The folder holds about 2 MB per state and may be
deleted at any time.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from aws_cdk import aws_lambda as lambda_

PYTHON_VERSION = "3.13"
_REQUIREMENTS = "requirements.txt"
_IGNORED = ("__pycache__", "*.pyc", "README.md")
_INSTALL_SECONDS_MAX = 300
# The name that wheels carry for Lambda's Amazon Linux 2023, by the architecture of the function.
_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}


class BundlingError(RuntimeError):
    """The dependencies could not be installed; the message says why."""


def python_code(folder: Path, *, architecture: lambda_.Architecture = lambda_.Architecture.ARM_64) -> lambda_.Code:
    """The code of ``folder`` with what its ``requirements.txt`` pins, as an asset of a Lambda function."""
    return lambda_.Code.from_asset(str(bundle(folder, architecture.name)))


def bundle(folder: Path, architecture: str) -> Path:
    """The finished folder, made now or by an earlier synthesis.

    Raises BundlingError when the dependencies cannot be installed.
    """
    finished = cache_folder() / _digest(folder, architecture)
    if finished.is_dir():
        return finished
    finished.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=finished.parent) as scratch:
        fresh = Path(scratch) / "function"
        _install(folder / _REQUIREMENTS, fresh, architecture)
        for path in _sources(folder):
            target = fresh / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        try:
            fresh.rename(finished)
        except OSError:
            if not finished.is_dir():  # else another synthesis was faster, with the same result
                raise
    return finished


def cache_folder() -> Path:
    """Where installed dependencies stay: ``$XDG_CACHE_HOME/cachetwin/functions``, or below ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cachetwin" / "functions"


def _digest(folder: Path, architecture: str) -> str:
    """Changes with the sources, the pins and the platform, and with nothing else."""
    digest = hashlib.sha256(f"{PYTHON_VERSION} {architecture}".encode())
    for path in sorted(_sources(folder)):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _sources(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(path.match(name) or name in path.parts for name in _IGNORED)
    ]


def _install(requirements: Path, target: Path, architecture: str) -> None:
    common = ["--target", str(target), "--only-binary", ":all:", "--require-hashes", "--requirement", str(requirements)]
    if find_spec("uv") is not None:
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python-version", PYTHON_VERSION]
        command += ["--python-platform", _PLATFORMS[architecture], *common]
    else:
        cpu, wheel_platform = _PLATFORMS[architecture].split("-")
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-compile",
            "--python-version",
            PYTHON_VERSION,
        ]
        command += ["--implementation", "cp", "--platform", f"{wheel_platform}_{cpu}", *common]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS_MAX)  # noqa: S603  (our interpreter, our arguments)
    except subprocess.CalledProcessError as error:
        raise BundlingError(
            f"requirements must be installable as wheels for {architecture}, got {requirements}: "
            f"{error.stderr.strip() or error.stdout.strip()}; check the network and the pins"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BundlingError(
            f"requirements must install within {_INSTALL_SECONDS_MAX} s, got {requirements}; check the network"
        ) from error
