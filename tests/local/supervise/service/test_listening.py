"""Where a task listens when its address or its port is another one here."""

import pytest

from cachetwin_local.supervise.service.listening import Listening

MOVED = Listening("127.0.0.1", {8080: 8085, 9090: 9090})
OWN = Listening("127.7.7.7", {8080: 8080})


@pytest.mark.parametrize(
    ("word", "here"),
    [
        ("8080", "8085"),
        (":8080", ":8085"),
        ("0.0.0.0:8080", "127.0.0.1:8085"),
        ("--port=8080", "--port=8085"),
        ("gunicorn -b :8080 -w 2 app", "gunicorn -b :8085 -w 2 app"),
        ("exec uvicorn app --host 0.0.0.0 --port 8080", "exec uvicorn app --host 127.0.0.1 --port 8085"),
        ("--bind='0.0.0.0:8080'", "--bind='127.0.0.1:8085'"),
        ("http://cache:8080", "http://cache:8080"),
        ("18080", "18080"),
        ("8080.txt", "8080.txt"),
        ("9090", "9090"),
        ("10.0.0.0:8080", "10.0.0.0:8080"),
    ],
)
def test_the_port_in_a_command_moves_with_the_task(word: str, here: str) -> None:
    assert MOVED.words([word]) == [here]


def test_variables_that_name_the_port_move_and_others_stay() -> None:
    given = {"PORT": "8080", "HTTP_PORT": "8080", "DATABASE_PORT": "5432", "SIZE": "8080", "BIND": "0.0.0.0:8080"}
    assert MOVED.variables(given) == {**given, "PORT": "8085", "HTTP_PORT": "8085", "BIND": "127.0.0.1:8085"}
    assert MOVED.variables({"PORT": "http"}) == {"PORT": "http"}
    assert MOVED.hints() == {"HOST": "127.0.0.1", "PORT": "8085"}


def test_a_task_with_an_address_of_its_own_keeps_its_ports() -> None:
    assert OWN.words(["--bind", "0.0.0.0:8080", "8080"]) == ["--bind", "127.7.7.7:8080", "8080"]
    assert OWN.variables({"PORT": "8080", "BIND": "0.0.0.0:80"}) == {"PORT": "8080", "BIND": "127.7.7.7:80"}
