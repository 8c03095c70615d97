"""The part of a Dockerfile that says how its container runs, read without Docker.

A container runs here as a process, so of the last stage (or the one the asset names) this takes ENV, ARG, WORKDIR,
COPY, ADD, ENTRYPOINT, CMD, and which requirements file pip installs; RUN otherwise, USER, EXPOSE, LABEL and
HEALTHCHECK are ignored.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["Copy", "Image", "parse"]


@dataclass(frozen=True, slots=True)
class Copy:
    """``COPY source... target``: paths in the build context, and where they go in the image (absolute)."""

    sources: tuple[str, ...]
    target: str


@dataclass(slots=True)
class Image:
    """How a container of the image runs. Paths are the image's."""

    base: str = "scratch"
    environment: dict[str, str] = field(default_factory=dict)
    working_directory: str = "/"
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    copies: list[Copy] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)


def parse(text: str, target: str | None = None, build_args: Mapping[str, str] | None = None) -> Image:
    """The image that `text` describes: the stage named `target`, else the last."""
    given = dict(build_args or {})
    stages: dict[str, Image] = {}
    image = Image()
    arguments: dict[str, str] = {}
    for instruction, rest in _instructions(text):
        if instruction == "FROM":
            words = _expand(rest, {**arguments, **given}).split()
            words = [word for word in words if not word.startswith("--")]
            image = _derive(stages, words[0])
            name = words[2].lower() if len(words) == 3 else str(len(stages))
            if target is not None and name == target.lower():
                target = name
            stages[name] = image
            continue
        _apply(image, instruction, rest, arguments, given)
    return stages.get(target.lower(), image) if target else image


def _apply(image: Image, instruction: str, rest: str, arguments: dict[str, str], given: dict[str, str]) -> None:
    known = {**arguments, **image.environment}
    match instruction:
        case "ARG":
            name, _, default = rest.partition("=")
            arguments[name.strip()] = given.get(name.strip(), _expand(default.strip().strip("\"'"), known))
        case "ENV":
            image.environment.update(_pairs(_expand(rest, known)))
        case "WORKDIR":
            image.working_directory = _join(image.working_directory, _expand(rest.strip().strip('"'), known))
        case "ENTRYPOINT":
            image.entry_point = _words(rest)
            image.command = ()  # as Docker does: an ENTRYPOINT resets the CMD of the base
        case "CMD":
            image.command = _words(rest)
        case "COPY" | "ADD":
            _copy(image, _expand(rest, known))
        case "RUN":
            image.requirements += re.findall(r"(?:-r|--requirements?)[ =]+([^\s;&|\"']+)", rest)


def _copy(image: Image, rest: str) -> None:
    words = list(_words(rest)) if rest.lstrip().startswith("[") else rest.split()
    if any(word.startswith("--from=") for word in words):
        return  # from another stage: what was built there comes from the virtual environment here
    words = [word for word in words if not word.startswith("--")]
    if len(words) < 2:
        return
    target = _join(image.working_directory, words[-1])
    image.copies.append(Copy(tuple(words[:-1]), target + ("/" if words[-1].endswith(("/", ".")) else "")))


def _derive(stages: Mapping[str, Image], base: str) -> Image:
    stage = stages.get(base.lower())
    if stage is None:
        return Image(base)
    return Image(
        stage.base,
        dict(stage.environment),
        stage.working_directory,
        stage.entry_point,
        stage.command,
        list(stage.copies),
        list(stage.requirements),
    )


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Instruction and rest of each logical line: comments dropped, continued lines joined."""
    joined = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        if line.rstrip().endswith("\\"):
            joined += line.rstrip()[:-1] + " "
            continue
        instruction, _, rest = (joined + line).strip().partition(" ")
        joined = ""
        if instruction:
            yield instruction.upper(), rest.strip()


def _words(rest: str) -> tuple[str, ...]:
    """Exec form as its words, shell form through ``/bin/sh -c``."""
    if rest.startswith("["):
        try:
            return tuple(str(word) for word in json.loads(rest))
        except ValueError:
            pass
    return ("/bin/sh", "-c", rest)


def _pairs(rest: str) -> dict[str, str]:
    first, _, value = rest.partition(" ")
    if "=" not in first:
        return {first: value.strip()}
    return dict(word.split("=", 1) for word in shlex.split(rest) if "=" in word)


def _expand(text: str, known: Mapping[str, str]) -> str:
    """``$NAME``, ``${NAME}`` and ``${NAME:-default}``; an unknown name is empty, as in a build."""

    def value(match: re.Match[str]) -> str:
        name = match["plain"] or match["braced"]
        return known.get(name) or (match["default"] or "")

    return re.sub(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\})", value, text)


def _join(base: str, path: str) -> str:
    parts = [] if path.startswith("/") else [part for part in base.split("/") if part]
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return "/" + "/".join(parts)
