"""One engine, started by its command line."""

import sys
from collections.abc import Sequence
from pathlib import Path

from cachetwin_engine.server.config import OptionError, help_text, parse_arguments
from cachetwin_engine.server.memcached.options import wants_memcached


def run_command_line(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; 0 after a clean end, 1 with one line on stderr when the command line cannot be used."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["fork-server"]:
        return _fork_server(words[1:])
    if wants_memcached("" if arguments is not None else Path(sys.argv[0]).name, words):
        return _memcached(words)
    at = _place_of_cluster(words)
    if at >= 0:
        return _cluster(words[:at] + words[at + 1 :])
    # Anywhere among the directives: a container's entry point puts its own before what the user asks.
    if "--version" in words or words[:1] == ["-v"]:
        from cachetwin_engine.server.valkey.run import version_line  # noqa: PLC0415  (loads the core)

        sys.stdout.write(f"{version_line()}\n")
        return 0
    if "--help" in words or words[:1] == ["-h"]:
        from cachetwin_engine.server.valkey.run import parameter_names  # noqa: PLC0415  (loads the core)

        sys.stdout.write(help_text(parameter_names()))
        return 0
    try:
        options = parse_arguments(words)
        from cachetwin_engine.server.valkey.run import run  # noqa: PLC0415  (a mistyped command line answers at once)

        run(options)
    except OptionError as error:
        sys.stderr.write(f"cachetwin-engine: {error}\n")
        return 1
    return 0


def _fork_server(words: list[str]) -> int:
    """Start nodes by fork when a supervisor asks for them; each of them goes on from here."""
    from cachetwin_engine.server.fork_server import end_node, start_by_order  # noqa: PLC0415  (as above)

    try:
        node_words = start_by_order(words[0] if len(words) == 1 else "")
    except OptionError as error:
        sys.stderr.write(f"cachetwin-engine: {error}\n")
        return 1
    return end_node(run_command_line(node_words))


def _place_of_cluster(words: list[str]) -> int:
    """Where ``cluster`` stands as a command: first, or behind the directives of a container's entry point; else -1."""
    for at, word in enumerate(words):
        begins = at == 0 or (at >= 2 and words[at - 2].startswith("--"))
        if word == "cluster" and begins and (at + 1 == len(words) or words[at + 1].startswith("-")):
            return at
    return -1


def _cluster(words: list[str]) -> int:
    """Several nodes on this machine."""
    try:
        from cachetwin_engine.server.local_cluster import parse_cluster_arguments, run_cluster  # noqa: PLC0415  (as above)

        run_cluster(parse_cluster_arguments(words))
    except OptionError as error:
        sys.stderr.write(f"cachetwin-engine: {error}\n")
        return 1
    return 0


def _memcached(words: list[str]) -> int:
    """The second engine, with a command line of its own."""
    try:
        from cachetwin_engine.server.memcached.run import run_memcached  # noqa: PLC0415  (as above)

        run_memcached(words)
    except OptionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
