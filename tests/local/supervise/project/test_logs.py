"""Logs: masked, bounded, followed."""

import asyncio
import shutil
import stat
from pathlib import Path

import pytest

from cachetwin_local.supervise.project.logs import ORDER_FILE, Logs, lines_in_order
from cachetwin_local.supervise.project.secret_store import SecretStore, generate_password
from cachetwin_local.topology.values import GenerateSecretString


def test_a_secret_is_blanked_out_as_it_is_and_as_json_or_a_url_writes_it(tmp_path: Path) -> None:
    store = SecretStore(tmp_path / "secrets.json")
    store.internal("one")
    awkward = generate_password(GenerateSecretString(exclude_lowercase=True, exclude_uppercase=True))
    store._stored["internal:one"].password = awkward
    book = Logs(tmp_path / "logs")
    book.mask(store.values_to_mask())
    for form in store.values_to_mask():
        book.write("a/b", f"password={form};")
    assert set(book.tail("a/b")) == {"password=********;"}
    assert awkward not in book.path("a/b").read_text()
    assert stat.S_IMODE(book.path("a/b").stat().st_mode) == 0o600
    book.close()


def test_a_full_file_is_kept_once_and_a_new_one_begun(tmp_path: Path) -> None:
    book = Logs(tmp_path)
    for _ in range(600):
        book.write("a", "x" * 20_000)
    book.close()
    assert {path.name for path in tmp_path.iterdir()} == {"a.log", "a.log.1", "order.jsonl", "order.jsonl.1"}
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 22_000_000


def test_the_lines_of_several_logs_are_read_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    book = Logs(tmp_path)
    for number in range(5):
        book.write("ab"[number % 2], f"line {number}")
    book.close()
    with (tmp_path / ORDER_FILE).open("a") as file:
        file.write('["a", "cut o')
    assert [f"{one.name} {one.line}" for one in lines_in_order(tmp_path)] == [
        "a line 0",
        "b line 1",
        "a line 2",
        "b line 3",
        "a line 4",
    ]
    assert lines_in_order(tmp_path / "none") == []


def test_a_slow_follower_loses_the_oldest_lines(tmp_path: Path) -> None:
    async def main() -> None:
        book = Logs(tmp_path)
        with book.follow() as queue:
            for number in range(10_005):
                book.write("a", str(number))
            assert queue.qsize() == 10_000
            assert queue.get_nowait().line == "5"
        book.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("web", ["one", "two"]),
        ("Shop/Web", ["one", "two"]),
        ("Web/2", ["two"]),
        ("Shop", ["one", "two", "three"]),
        ("We", []),
        ("Web/20", []),
        ("supervisor", ["four"]),
    ],
)
def test_a_name_is_that_of_a_resource_or_of_one_task_in_any_case(tmp_path: Path, name: str, lines: list[str]) -> None:
    book = Logs(tmp_path)
    for log, line in (("Shop/Web/1", "one"), ("Shop/Web/2", "two"), ("Shop/WebCache", "three"), ("supervisor", "four")):
        book.write(log, line)
    assert [entry.line for entry in book.recent(frozenset({name}), 10)] == lines
    assert len(book.recent(frozenset(), 10)) == 4
    book.close()


def test_a_deleted_file_or_folder_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cachetwin_local.supervise.project.logs._CHECK_S", -1.0)
    logs = Logs(tmp_path / "logs")
    logs.write("a/b", "one")
    logs.path("a/b").unlink()
    logs.write("a/b", "two")
    assert logs.path("a/b").read_text() == "two\n"
    shutil.rmtree(tmp_path / "logs")
    logs.write("a/b", "three")
    assert logs.path("a/b").read_text() == "three\n"
    assert logs.tail("a/b") == ["one", "two", "three"]
    logs.close()


def test_a_full_disk_is_reported_once_and_lines_are_written_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachetwin_local.supervise.project.logs._RETRY_S", 0.0)
    reported: list[str] = []
    logs = Logs(tmp_path, reported.append)
    logs.path("a").symlink_to("/dev/full")
    for number in range(3):
        logs.write("a", str(number))
    (line,) = reported
    assert "a.log cannot be written ([Errno 28] No space left on device)" in line
    assert [entry.line for entry in logs.recent(frozenset(), 9)] == ["0", line, "1", "2"]
    logs.path("a").unlink()
    logs.write("a", "3")
    assert logs.path("a").read_text() == "3\n"
    logs.close()
