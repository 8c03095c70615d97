"""What a Dockerfile asks for, and what a process has of it."""

import pytest

from cachetwin_local.assembly.dockerfile import Copy, parse


@pytest.mark.parametrize(
    ("command", "requirements", "packages"),
    [
        ("pip install -r requirements.txt", ["requirements.txt"], []),
        ("pip3 install --no-cache-dir --requirement=/tmp/a.txt -r b.txt", ["/tmp/a.txt", "b.txt"], []),  # noqa: S108
        (
            "python -m pip install -U pip && pip install flask 'redis[hiredis]>=5'",
            [],
            ["flask", "redis[hiredis]>=5"],
        ),
        ("--mount=type=cache,target=/var/cache/uv uv pip install --system -i https://x/simple flask", [], ["flask"]),
        ("/usr/local/bin/python3 -m pip install -rreq.txt", ["req.txt"], []),
        ("mkdir -p /data && chown app /data; useradd app", [], []),
        ("PIP_NO_CACHE_DIR=1 pip install flask  # small", [], ["flask"]),
    ],
)
def test_what_pip_installs_is_read(command: str, requirements: list[str], packages: list[str]) -> None:
    image = parse(f"FROM python:3.13\nRUN {command}")
    assert (image.requirements, image.packages) == (requirements, packages)
    assert (image.unmet, image.notes) == ([], [])


@pytest.mark.parametrize(
    "command",
    ["npm ci", "yarn install --frozen-lockfile", "uv sync --frozen", "poetry install", "make", "pip install .",
     "pip install -e .", "curl -o /x https://example.com/x", "go build ./...", "<<EOF"],
)  # fmt: skip
def test_what_a_process_cannot_have_is_unmet(command: str) -> None:
    assert parse(f"FROM python:3.13\nRUN {command}").unmet == [f"RUN {command}"]


def test_packages_of_the_system_are_noted() -> None:
    image = parse("FROM python:3.13\nRUN apt-get update && apt-get install -y libpq5 && apt-get clean && rm -rf /x")
    assert (image.notes, image.unmet) == (["RUN apt-get install -y libpq5"], [])


def test_what_a_stage_copied_is_copied_from_where_it_was() -> None:
    image = parse(
        "FROM python:3.13 AS build\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
        "COPY shop shop\n"
        "FROM python:3.13-slim\nWORKDIR /srv\nCOPY --from=build /usr/local/lib /usr/local/lib\n"
        "COPY --from=build /app /srv/app\nCMD run"
    )
    assert image.requirements == ["requirements.txt"]
    assert image.copies == [Copy(("requirements.txt",), "/srv/app/"), Copy(("shop",), "/srv/app/shop")]
    assert image.unmet == []


def test_what_a_command_made_in_a_stage_is_unmet() -> None:
    text = "FROM node AS web\nCOPY . .\nRUN npm run build\nFROM python:3.13\nCOPY --from=web /dist /app/static\nCMD run"
    assert parse(text).unmet == ["COPY --from=web /dist /app/static, of what `RUN npm run build` makes there"]
    assert parse(text, "web").unmet == ["RUN npm run build"]


def test_a_program_of_another_image_is_noted_and_other_files_are_unmet() -> None:
    image = parse(
        "FROM python:3.13\nCOPY --from=ghcr.io/astral-sh/uv:0.5 /uv /bin/\nCOPY --from=data:1 /srv/data /data"
    )
    assert image.notes == ["COPY --from=ghcr.io/astral-sh/uv:0.5 /uv /bin/"]
    assert image.unmet == ["COPY --from=data:1 /srv/data /data"]


def test_what_a_host_of_the_network_has_is_noted() -> None:
    assert parse("FROM a\nADD https://example.com/x /x").notes == ["ADD https://example.com/x /x"]
