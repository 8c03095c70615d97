"""What counts as a change of a function's files."""

from pathlib import Path

from cachetwin_local.supervise.function.changes import snapshot


def test_a_link_to_nothing_hides_no_other_file(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"module{number}.py").write_text("")
    before = snapshot([tmp_path])
    assert len(before) == 20
    (tmp_path / ".#module1.py").symlink_to("me@here.123")  # the lock of Emacs
    assert snapshot([tmp_path]) == before


def test_links_in_a_circle_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    (tmp_path / "again").symlink_to(tmp_path)
    assert {Path(name).name for name in snapshot([tmp_path])} == {"app.py", "again"}
