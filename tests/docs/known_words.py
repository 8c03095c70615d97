"""Whether the words of a command line exist, for commands that a test can't run."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import typer
from tests.docs.pages import ROOT

from cachetwin_engine.server.config import help_text
from cachetwin_engine.server.local_cluster import cluster_parser
from cachetwin_engine.server.valkey.run import parameter_names
from cachetwin_local.cli.application import app

# fmt: off
OTHERS = frozenset(
    [
        "apt-get", "bash", "brew", "buildah", "cat", "cd", "cdk", "curl", "docker", "echo", "eval", "exit",
        "export", "for", "git", "grep", "kill", "ministack", "mkdir", "moto_server", "npm", "npx", "openssl", "pip",
        "podman", "psql", "pytest", "python", "python3", "redis-benchmark", "redis-cli", "ruff", "sed", "source",
        "test", "true", "uv", "uvx", "valkey-cli", "valkey-server",
    ]
)
# fmt: on
"""Programs that are not of this project."""
_OPTION = re.compile(r"--[\w-]+")


_HEREDOC = re.compile(r"<<-?\s*'?(\w+)'?(.*?)\n.*?^\s*\1$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"(^|\s)#.*")
_QUOTED = re.compile(r""" "(?:[^"\\]|\\.)*" | '[^']*' """, re.VERBOSE)


def unknown(script: str) -> str | None:
    """What in the command lines of a script does not exist here; None if all of it does."""
    plain = _QUOTED.sub("QUOTED", _COMMENT.sub("", _HEREDOC.sub("", script.replace("\\\n", " "))))
    for part in re.split(r"&&|\|\||[|;\n]|\$\(", plain):
        found = _unknown_in(part)
        if found:
            return found
    return None


def _unknown_in(part: str) -> str | None:
    words = [word for word in part.split() if word not in {"then", "do", "done", "fi", "&"}]
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]
    if not words:
        return None
    program, rest = Path(words[0]).name, words[1:]
    match program:
        case "make":
            return _unknown_target(rest)
        case "cachetwin":
            return _unknown_to_runner(rest)
        case "cachetwin-engine":
            known = (
                set(_OPTION.findall(help_text(parameter_names())))
                | {f"--{name}" for name in parameter_names()}
                | {"--help", "--version"}
            )
            if rest[:1] == ["cluster"]:
                known |= set(_OPTION.findall(cluster_parser().format_help()))
            return next((word for word in rest if word.startswith("--") and word not in known), None)
        case "python" | "python3":
            return _unknown_to_python(rest)
    if program in OTHERS or "$" in words[0] or words[0].startswith((".", "/", "}", ")", "(")):
        return None
    return program


def _unknown_target(words: list[str]) -> str | None:
    makefile = (ROOT / "Makefile").read_text()
    targets = [word for word in words if not word.startswith("-") and "=" not in word]
    return next((word for word in targets if not re.search(rf"^{re.escape(word)}:", makefile, re.MULTILINE)), None)


def _unknown_to_runner(words: list[str]) -> str | None:
    group: Any = typer.main.get_command(app)
    options = {name for parameter in group.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options |= {"-h", "--help"}
    for word in words:
        command = group.get_command(None, word)
        if command is not None:
            options |= {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            break
        if re.fullmatch(r"[a-z]+", word) and word == words[0]:
            return f"cachetwin {word}"
    return next((word for word in words if word.startswith("-") and word.split("=")[0] not in options), None)


def _unknown_to_python(words: list[str]) -> str | None:
    if words[:1] == ["-m"]:
        try:
            found = importlib.util.find_spec(words[1])
        except ModuleNotFoundError:
            found = None
        return None if found else f"python -m {words[1]}"
    if words and "/" in words[0] and words[0].endswith(".py"):
        return None if (ROOT / words[0]).is_file() else words[0]
    return None
