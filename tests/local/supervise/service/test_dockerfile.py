"""How a container runs, read from its Dockerfile and task definition."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cachetwin_local.assembly.dockerfile import Copy, parse
from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.child import Command
from cachetwin_local.supervise.service.container import (
    PreparedImage,
    prepare_command,
    read_image,
    requirements_files,
    unpack,
)
from cachetwin_local.topology.values import Container, ContainerImage, PortMapping, TaskAddress, Text

DOCKERFILE = """
ARG VERSION=3.13
FROM python:${VERSION}-slim AS base
# a comment \\
ENV APP_HOME=/srv/app \\
    GREETING="hello there"
WORKDIR $APP_HOME
FROM base
COPY --chown=1:1 requirements.txt .
COPY --from=base /x /y
RUN pip install --no-cache-dir -r requirements.txt
COPY shop/ shop/
ENTRYPOINT ["python", "-m"]
CMD ["shop", "--bind", "0.0.0.0:8080"]
"""


def container(**fields: object) -> Container:
    values: dict[str, object] = {
        "name": "web",
        "image": ContainerImage("shop", "asset"),
        "essential": True,
        "command": None,
        "entry_point": None,
        "working_directory": None,
        "environment": {},
        "port_mappings": (PortMapping(8080),),
        "health_check": None,
        "log_group": None,
        **fields,
    }
    return Container(**values)  # type: ignore[arg-type]


def command(tmp_path: Path, given: Container, environment: Mapping[str, str], text: str = DOCKERFILE) -> Command:
    asset = tmp_path / "asset"
    (asset / "shop").mkdir(parents=True)
    (asset / "shop" / "__init__.py").touch()
    (asset / "requirements.txt").write_text("starlette\n")
    (asset / "Dockerfile").write_text(text)
    image, context = read_image(given, tmp_path)
    assert requirements_files(image, context) == (asset / "requirements.txt",)
    unpack(image, context, tmp_path / "root")
    prepared = PreparedImage(image, tmp_path / "root", Path(sys.prefix))
    return prepare_command(
        given, prepared, TaskAddress("127.4.4.4", {8080: 8080}), environment, {"SSL_CERT_FILE": "/ca"}
    )


def test_stages_arguments_and_forms_are_read_as_docker_reads_them() -> None:
    image = parse(DOCKERFILE, build_args={"VERSION": "3.12"})
    assert image.base == "python:3.12-slim"
    assert image.environment == {"APP_HOME": "/srv/app", "GREETING": "hello there"}
    assert image.working_directory == "/srv/app"
    assert image.entry_point == ("python", "-m")
    assert image.copies == [Copy(("requirements.txt",), "/srv/app/"), Copy(("shop/",), "/srv/app/shop/")]
    assert parse("FROM a AS one\nCMD run me\nFROM b", "one").command == ("/bin/sh", "-c", "run me")


def test_a_container_runs_where_its_image_says_at_its_tasks_address(tmp_path: Path) -> None:
    environment = {"LIBRARY": "/srv/app/shop:/opt/other", "BIND": "0.0.0.0:1", "VERSION": "10.0.0.0"}
    found = command(tmp_path, container(), environment)
    assert found.cwd == tmp_path / "root" / "srv" / "app"
    assert found.argv[0].startswith(sys.prefix)
    assert found.argv[1:] == ("-m", "shop", "--bind", "127.4.4.4:8080")
    assert found.environment["LIBRARY"] == f"{tmp_path / 'root'}/srv/app/shop:/opt/other"
    assert found.environment["BIND"] == "127.4.4.4:1"
    assert found.environment["VERSION"] == "10.0.0.0"
    assert (found.environment["HOST"], found.environment["PORT"]) == ("127.4.4.4", "8080")
    assert found.environment["SSL_CERT_FILE"] == "/ca"
    assert (found.cwd / "shop" / "__init__.py").exists()


def test_the_task_definitions_words_win_over_the_images(tmp_path: Path) -> None:
    given = container(entry_point=("sh", "-c"), command=("echo hi",), working_directory="/srv")
    found = command(tmp_path, given, {"HOST": "127.0.0.9"})
    assert found.argv[1:] == ("-c", "echo hi")
    assert found.cwd == tmp_path / "root" / "srv"
    assert found.environment["HOST"] == "127.0.0.9"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image": ContainerImage("nginx:1")}, "comes from the image nginx:1, which only Docker can run"),
        ({"command": ("no-such-program",), "entry_point": ()}, "runs `no-such-program`, which is neither"),
        ({"working_directory": "/nowhere"}, "starts in nowhere, which its image lacks"),
    ],
)
def test_a_container_that_cannot_run_here_says_why(tmp_path: Path, fields: dict[str, Text], message: str) -> None:
    with pytest.raises(UserError, match=message):
        command(tmp_path, container(**fields), {})


def test_the_requirements_are_those_that_the_build_copied(tmp_path: Path) -> None:
    service = tmp_path / "shop" / "service"
    service.mkdir(parents=True)
    (service / "requirements.txt").write_text("starlette")
    (service / "more.txt").write_text("anyio")
    (tmp_path / "requirements.txt").write_text("none of these")
    text = """
FROM python:3.13-slim
WORKDIR /app
COPY shop/service/requirements.txt .
COPY shop/ lib/shop/
RUN pip install -r requirements.txt && pip install -r lib/shop/service/more.txt
"""
    assert requirements_files(parse(text), tmp_path) == (service / "requirements.txt", service / "more.txt")
