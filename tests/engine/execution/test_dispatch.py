"""Requests that reach no command."""

from tests.engine.in_process import Run


def test_an_unknown_command_is_told_with_its_first_arguments(run: Run) -> None:
    assert run("NOPE a b") == b"-ERR unknown command 'NOPE', with args beginning with: 'a' 'b' \r\n"
    assert run("CLIENT NOPE") == b"-ERR unknown subcommand 'NOPE'. Try CLIENT HELP.\r\n"
