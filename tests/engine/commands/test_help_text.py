"""HELP of commands with sub-commands: made from the command table."""

import pytest
from tests.engine.in_cluster import start_in_cluster
from tests.engine.in_process import Run, StartRun, start

CONTAINERS = sorted({row.name.decode() for row in start().engine.commands.values() if row.subcommands is not None})


def lines_of(run: Run, request: str) -> list[str]:
    reply = run(request).decode()
    assert reply.startswith("*"), reply
    return [line[1:] for line in reply.split("\r\n")[1:-1]]


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_subcommand_has_its_usage_and_summary(start_run: StartRun, name: str) -> None:
    run = start_in_cluster(start_run)
    lines = lines_of(run, f"{name} HELP")
    assert lines[0].startswith(f"{name.upper()} <subcommand> ")
    assert lines[-2:] == ["HELP", "    Print this help."]
    subcommands = run.engine.commands[name.encode()].subcommands
    assert subcommands is not None
    shown = {line.split()[0].lower().encode() for line in lines[1::2]}
    assert shown == set(subcommands) - {b"syncslots"}
    assert all(line.startswith("    ") and line.strip() for line in lines[2::2])


def test_arguments_are_those_of_the_version(start_run: StartRun) -> None:
    def kill(profile: str) -> str:
        return next(line for line in lines_of(start_run(profile), "CLIENT HELP") if line.startswith("KILL "))

    assert "MAXAGE" in kill("valkey-8.1")
    assert "MAXAGE" not in kill("redis-7.1")


def test_an_unknown_subcommand_points_to_help(run: Run) -> None:
    assert run("OBJECT NOTHING k") == b"-ERR unknown subcommand 'NOTHING'. Try OBJECT HELP.\r\n"
