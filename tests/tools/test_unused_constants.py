"""The finder of private constants that nothing reads."""

from pathlib import Path

from tools.unused_constants import unused


def test_a_constant_is_used_by_its_module_or_by_one_that_imports_it(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("_READ = 1\n_IMPORTED: int = 2\n_DEAD = 3\nPUBLIC = _READ\n__all__ = []\n_ = 4\n")
    (tmp_path / "two.py").write_text("from one import _IMPORTED\n")
    assert unused([tmp_path]) == [f"{tmp_path / 'one.py'}:3: _DEAD"]


def test_a_constant_that_is_only_assigned_again_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("_COUNT = 0\n_COUNT = 1\n")
    assert unused([tmp_path]) == [f"{tmp_path / 'one.py'}:2: _COUNT"]
