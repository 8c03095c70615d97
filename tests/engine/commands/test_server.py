"""Commands about the server itself."""

from tests.engine.in_process import StartRun


def test_lolwut_names_what_clients_are_to_believe(start_run: StartRun) -> None:
    run = start_run("valkey-9.1")
    assert run("LOLWUT").endswith(b"Valkey ver. 9.1.2\n\r\n")
    run("CONFIG SET extended-redis-compatibility yes")
    assert run("LOLWUT VERSION 5").endswith(b"Redis ver. 7.2.4\n\r\n")
    assert start_run("valkey-8.1")("LOLWUT").endswith(b"Redis ver. 8.1.1\n\r\n")
