"""The part of a Dockerfile that says how its container runs, read without Docker.

A container runs here as a process, so of the last stage (or the one the asset names) this takes ENV, ARG, WORKDIR,
COPY, ADD, ENTRYPOINT, CMD, and what pip installs; USER, EXPOSE, LABEL, VOLUME and HEALTHCHECK are ignored. Other RUN
commands do not run: those that make what the container needs (``npm ci``, a compiler) are `Image.unmet`, those that
install what this machine may have too are `Image.notes`. What is copied from another stage is taken from where that
stage copied it, unless a command made it there.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

__all__ = ["Copy", "Image", "parse"]


@dataclass(frozen=True, slots=True)
class Copy:
    """``COPY source... target``: paths in the build context, and where they go in the image (absolute)."""

    sources: tuple[str, ...]
    target: str


@dataclass(slots=True)
class Image:
    """How a container of the image runs. Paths are the image's.

    `unmet` are instructions whose result a process cannot have, `notes` those that it has from this machine instead.
    """

    base: str = "scratch"
    environment: dict[str, str] = field(default_factory=dict)
    working_directory: str = "/"
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    copies: list[Copy] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


_RDS_AUTHORITIES = "https://truststore.pki.rds.amazonaws.com/"  # the local CA's bundle stands for it
_SYSTEM = frozenset({"apt-get", "apt", "apk", "yum", "dnf", "microdnf"})
_HARMLESS = frozenset(
    ["mkdir", "chmod", "chown", "useradd", "adduser", "groupadd", "addgroup", "usermod", "rm", "rmdir", "echo", "printf",
     "touch", "cd", "set", "true", "test", "[", "export", "find", "sleep", "ldconfig", "update-ca-certificates", "ls",
     "cat", "ln", "apt-key", "locale-gen", "dpkg-reconfigure", "whoami", "id", "corepack", "exit", "install"]
)  # fmt: skip
"""Programs whose effect a process does not miss."""
_PIP_ITSELF = frozenset({"pip", "setuptools", "wheel", "uv"})
_PIP_OPTIONS_WITH_VALUE = frozenset(
    {"-i", "--index-url", "--extra-index-url", "-t", "--target", "--prefix", "-c", "--constraint", "-f", "--find-links",
     "--cache-dir", "--trusted-host", "--timeout", "--retries", "--root", "--python", "--platform", "--upgrade-strategy"}
)  # fmt: skip


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
        known = {**arguments, **image.environment}
        if instruction == "COPY" and _stage_name(rest) is not None:
            _copy_from(image, stages, _expand(rest, known))
        else:
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
            _run(image, _expand(rest, known))


def _copy(image: Image, rest: str) -> None:
    words = [word for word in _arguments(rest) if not word.startswith("--")]
    if len(words) < 2:
        return
    if any("://" in word or word.startswith("<<") for word in words):
        if not any(word.startswith(_RDS_AUTHORITIES) for word in words):
            image.notes.append(f"ADD {rest}")
        return
    target = _join(image.working_directory, words[-1])
    image.copies.append(Copy(tuple(words[:-1]), target + ("/" if words[-1].endswith(("/", ".")) else "")))


def _arguments(rest: str) -> list[str]:
    return list(_words(rest)) if rest.lstrip().startswith("[") else rest.split()


def _stage_name(rest: str) -> str | None:
    return next((word.partition("=")[2] for word in _arguments(rest) if word.startswith("--from=")), None)


def _copy_from(image: Image, stages: Mapping[str, Image], rest: str) -> None:
    """``COPY --from=stage``: what the stage copied itself, or its packages; what a command made there is unmet."""
    name = _stage_name(rest) or ""
    stage = stages.get(name.lower())
    words = [word for word in _arguments(rest) if not word.startswith("--")]
    if stage is None:
        programs = len(words) > 1 and all(
            "/bin/" in word or PurePosixPath(word).parent.name == "" for word in words[:-1]
        )
        (image.notes if programs else image.unmet).append(f"COPY {rest}")
        return
    image.requirements += [one for one in stage.requirements if one not in image.requirements]
    image.packages += [one for one in stage.packages if one not in image.packages]
    if len(words) < 2 or any(_is_environment(word) for word in words):
        return
    if stage.unmet:
        image.unmet.append(f"COPY {rest}, of what `{stage.unmet[0]}` makes there")
        return
    target = _join(image.working_directory, words[-1])
    for source in (_join(stage.working_directory, word) for word in words[:-1]):
        for copy in stage.copies:
            inside = copy.target.rstrip("/") or "/"
            if inside == source or inside.startswith(source.rstrip("/") + "/"):
                end = "/" if copy.target.endswith("/") or inside == source else ""
                image.copies.append(Copy(copy.sources, _join(target, inside.removeprefix(source).lstrip("/")) + end))


def _is_environment(path: str) -> bool:
    """Whether a path is one of a Python's packages, which the virtual environment has here."""
    parts = set(PurePosixPath(path).parts)
    return bool(parts & {"site-packages", "venv", ".venv", "env", ".local", "wheels"}) or path.startswith("/usr/local")


def _run(image: Image, rest: str) -> None:
    """Sort the commands of a RUN: what pip installs, what is at hand here, what cannot be had."""
    if "<<" in rest:
        image.unmet.append(f"RUN {rest.partition(chr(10))[0]}")
        return
    for command in re.split(r"&&|\|\||[;|\n]", re.sub(r"^(\s*--\S+)+\s", "", rest)):
        try:
            words = shlex.split(command, comments=True)
        except ValueError:
            words = command.split()
        words = [word for word in words if not re.fullmatch(r"[A-Za-z_]\w*=.*", word)]
        if words:
            _command(image, words)


def _command(image: Image, words: list[str]) -> None:
    pip = _after_pip(words)
    program = PurePosixPath(words[0]).name
    if pip is not None:
        _pip(image, pip)
    elif program in _SYSTEM:
        if {"install", "add"} & set(words):
            image.notes.append(f"RUN {' '.join(words)}")
    elif program not in _HARMLESS and words[:3] != ["python", "-m", "compileall"] and words[1:3] != ["-m", "venv"]:
        image.unmet.append(f"RUN {' '.join(words)}")


def _after_pip(words: list[str]) -> list[str] | None:
    """The words after ``pip install``, in whichever form pip is called."""
    for form in (("pip", "install"), ("pip3", "install"), ("-m", "pip", "install"), ("uv", "pip", "install")):
        for start in (0, 1):
            here = tuple([PurePosixPath(words[0]).name, *words[1:]][start : start + len(form)])
            if here == form:
                return words[start + len(form) :]
    return None


def _pip(image: Image, words: list[str]) -> None:
    given = iter(words)
    for word in given:
        option, equals, value = word.partition("=")
        if option in {"-r", "--requirement", "--requirements"}:
            image.requirements.append(value if equals else next(given, ""))
        elif option.startswith("-r") and not option.startswith("--"):
            image.requirements.append(word[2:])
        elif word in _PIP_OPTIONS_WITH_VALUE:
            next(given, None)
        elif word in {"-e", "--editable"} or word.startswith((".", "/", "file:", "git+")):
            image.unmet.append(f"RUN pip install {' '.join(words)}")
            return
        elif not word.startswith("-") and re.split(r"[=<>~!\[]", word)[0] not in _PIP_ITSELF:
            image.packages.append(word)


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
        list(stage.packages),
        list(stage.unmet),
        list(stage.notes),
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
