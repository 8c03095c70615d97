"""A container as a process: the files its image would hold, its command, its environment.

The image's file system is a folder: what the Dockerfile copies lies where the image has it, and an absolute path of
the image in the command or the environment (``/app``, ``PYTHONPATH=/app/lib``) is turned into the path below that
folder. On Fargate a task has a network interface of its own; `listening` has what stands for it here.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cachetwin_local.assembly.dockerfile import Copy, Image, parse
from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.child import Command
from cachetwin_local.supervise.service.bind_hook import VARIABLE, bind_variable
from cachetwin_local.supervise.service.listening import Listening
from cachetwin_local.topology.values import Container, TaskAddress

__all__ = ["PreparedImage", "prepare_command", "read_image", "requirements_files", "unpack"]


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """The parts of a task's process: the image, the folder that replaces its file system, and its packages."""

    image: Image
    root: Path
    virtual_environment: Path


def read_image(container: Container, assembly: Path, context: Path | None = None) -> tuple[Image, Path]:
    """The image of `container` and its build context. Raises UserError when it is not an asset of the app.

    `context` is the folder that the asset was made of, to read it in the place of the copy in `assembly`.
    """
    if container.image.directory is None:
        raise UserError(
            f"the container {container.name} comes from the image {container.image.name}, which only Docker can run: "
            "build it from a folder of the app (ecs.ContainerImage.from_asset) to have it here"
        )
    context = context or assembly / container.image.directory
    dockerfile = context / container.image.dockerfile
    if not dockerfile.is_file():
        raise UserError(f"the container {container.name} needs {dockerfile}: run `cachetwin up` without --no-synth")
    return parse(dockerfile.read_text(), container.image.target, container.image.build_args), context


def requirements_files(image: Image, context: Path) -> tuple[Path, ...]:
    """The requirements that the image's build installs, or the build context's requirements.txt."""
    found = (_requirements_file(image, context, name) for name in image.requirements or ["requirements.txt"])
    return tuple(dict.fromkeys(path for path in found if path is not None))


def _requirements_file(image: Image, context: Path, name: str) -> Path | None:
    """Where the file is in the context that the build installs from where it copied it to; else one of its name."""
    candidates = [*_copied_from(image, context, name), context / name.lstrip("/"), context / Path(name).name]
    return next((path for path in candidates if path.is_file()), None)


def _copied_from(image: Image, context: Path, name: str) -> Iterator[Path]:
    """What the Dockerfile copies to the path `name` of the image."""
    wanted = PurePosixPath(image.working_directory, name)
    for copy in image.copies:
        target = PurePosixPath(copy.target)
        for source in (path for pattern in copy.sources for path in _matches(context, pattern)):
            if source.is_dir():
                if wanted.is_relative_to(target):
                    yield source / wanted.relative_to(target)
            elif wanted in {target, target / source.name}:
                yield source


def unpack(image: Image, context: Path, root: Path, counts: Callable[[Path], bool] = lambda _path: True) -> None:
    """Recreate `root`: the image's working directory and everything that it copies from the build context.

    `counts` says which files and folders of the context are copied.
    """
    if root.exists():
        shutil.rmtree(root)
    (root / image.working_directory.lstrip("/")).mkdir(parents=True)
    for copy in image.copies or [Copy((".",), image.working_directory + "/")]:
        for source in copy.sources:
            for path in _matches(context, source):
                _copy(path, root / copy.target.lstrip("/"), counts, into=copy.target.endswith("/"))


def prepare_command(
    container: Container,
    prepared: PreparedImage,
    task_address: TaskAddress,
    environment: Mapping[str, str],
    ca_environment: Mapping[str, str],
) -> Command:
    """The process of `container` at `task_address`.

    `environment` is the container's own, with secrets; `ca_environment` names the CA bundle.
    """
    image = prepared.image
    here, listening = _PathMapping(prepared.root), Listening.of(container, task_address)
    own = listening.variables({**image.environment, **environment})
    variables = {name: here.text(value) for name, value in own.items()}
    programs = str(prepared.virtual_environment / "bin")
    home = prepared.root / "home"
    home.mkdir(exist_ok=True)
    variables = {
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "PYTHONUNBUFFERED": "1",
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        **listening.hints(),
        **variables,
        **ca_environment,
        VARIABLE: bind_variable(listening.address, listening.ports),
        "PATH": os.pathsep.join([programs, os.defpath.lstrip(":"), "/usr/local/bin"]),
        "VIRTUAL_ENV": str(prepared.virtual_environment),
    }
    words = _words(container, image)
    if not words:
        raise UserError(
            f"the container {container.name} has no command: give it one in the task definition or the Dockerfile"
        )
    argv = [here.text(word) for word in listening.words(words)]
    cwd = prepared.root / (container.working_directory or image.working_directory).lstrip("/")
    if not cwd.is_dir():
        raise UserError(
            f"the container {container.name} starts in {cwd.relative_to(prepared.root)}, which its image lacks"
        )
    argv[0] = _program(argv[0], cwd, variables["PATH"], container.name)
    return Command(tuple(argv), cwd, variables)


def _words(container: Container, image: Image) -> tuple[str, ...]:
    """ENTRYPOINT and CMD as the container runtime puts them together: an own entry point drops the image's command."""
    if container.entry_point is not None:
        return (*container.entry_point, *(container.command or ()))
    return (*image.entry_point, *(image.command if container.command is None else container.command))


@dataclass(frozen=True, slots=True)
class _PathMapping:
    """Replaces the image's paths by local ones."""

    root: Path

    def text(self, value: str) -> str:
        return ":".join(self._path(part) for part in value.split(":")) if "/" in value else value

    def _path(self, part: str) -> str:
        if not part.startswith("/") or part == "/":
            return part
        here = self.root / part.lstrip("/")
        return str(here) if here.exists() else part


def _program(name: str, cwd: Path, path: str, container: str) -> str:
    if "/" in name:
        candidate = Path(name) if name.startswith("/") else cwd / name
        if candidate.is_file():
            return str(candidate)
        name = candidate.name  # an interpreter at a place of the image's, such as /usr/local/bin/python
    found = shutil.which(name, path=path)
    if found is None:
        raise UserError(
            f"the container {container} runs `{name}`, which is neither in its packages nor on this machine"
        )
    return found


def _matches(context: Path, source: str) -> list[Path]:
    relative = source.lstrip("/").removeprefix("./")
    if relative in {"", "."}:
        return [context]
    return sorted(context.glob(relative)) if any(c in relative for c in "*?[") else [context / relative]


def _copy(source: Path, target: Path, counts: Callable[[Path], bool], *, into: bool) -> None:
    def ignored(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name == "__pycache__" or not counts(Path(folder) / name)}

    if source.is_dir():
        # as COPY does: the content of a folder, not the folder
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored)
    elif source.exists():
        destination = target / source.name if into or target.is_dir() else target
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, destination)
