"""Which files differ between two moments, and who is told."""

import os
from pathlib import Path

import pytest

from cachetwin_local.supervise.reload import FolderChange
from cachetwin_local.synth.sources import Asset
from cachetwin_local.watch.changes import Changes, Patterns, sort_changes
from cachetwin_local.watch.snapshot import Snapshot


def test_a_snapshot_tells_what_changed_came_and_went(tmp_path: Path) -> None:
    same, changed, gone, new = (tmp_path / name for name in ("same", "changed", "gone", "new"))
    for path in (same, changed, gone):
        path.write_text("first")
    before = Snapshot.take([same, changed, gone])
    changed.write_text("other")
    gone.unlink()
    new.write_text("new")
    os.utime(same)
    after = Snapshot.take([same, changed, gone, new], before)
    assert before.differing(after) == {changed, gone, new}
    assert after.differing(Snapshot.take([same, changed, new])) == frozenset()


def test_a_file_that_is_saved_by_a_rename_is_one_changed_file(tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    path.write_text("first")
    before = Snapshot.take([path])
    (tmp_path / "tmp").write_text("other")
    (tmp_path / "tmp").replace(path)
    assert before.differing(Snapshot.take([path], before)) == {path}


ROOT = Path("/shop")
WEB = Asset(Path("/shop/web"), "asset.web", bundled=False)
SHARED = Asset(Path("/shared"), "asset.shared", bundled=False)
BUILT = Asset(Path("/shop/function"), "asset.function", bundled=True)
RUNNING = frozenset({WEB.staged, SHARED.staged, BUILT.staged})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/shop/web/page.html", Changes((FolderChange("asset.web", WEB.source, (Path("/shop/web/page.html"),)),), ())),
        ("/shared/a.py", Changes((FolderChange("asset.shared", SHARED.source, (Path("/shared/a.py"),)),), ())),
        ("/shop/stack.py", Changes((), (Path("/shop/stack.py"),))),
        ("/shop/webby.py", Changes((), (Path("/shop/webby.py"),))),
        ("/shop/function/a.py", Changes((), (Path("/shop/function/a.py"),))),
        ("/shop/tests/unit/a.py", Changes((), ())),
        ("/shop/README.md", Changes((), ())),
    ],
)
def test_a_folder_that_runs_is_told_and_anything_else_is_the_apps(path: str, told: Changes) -> None:
    patterns = Patterns.of(ROOT, {"include": ["**"], "exclude": ["README.md", "tests", "**/*.log"]})
    assert sort_changes([Path(path)], [WEB, SHARED, BUILT], RUNNING, patterns) == told


def test_a_folder_that_nothing_runs_is_the_apps() -> None:
    changed = [Path("/shop/web/page.html")]
    assert sort_changes(changed, [WEB], frozenset(), Patterns(ROOT)) == Changes((), tuple(changed))


def test_two_assets_of_one_folder_are_both_told() -> None:
    image, page = (
        Asset(WEB.source, "asset.image", bundled=False),
        Asset(WEB.source / "static", "asset.page", bundled=False),
    )
    changes = sort_changes(
        [Path("/shop/web/static/a.css")], [image, page], frozenset({"asset.image", "asset.page"}), Patterns(ROOT)
    )
    assert [change.asset for change in changes.folders] == ["asset.image", "asset.page"]


@pytest.mark.parametrize(
    ("watch", "path", "matches"),
    [
        (None, "a/b.py", True),
        ({"include": ["infra/**"]}, "infra/deep/a.py", True),
        ({"include": ["infra/**"]}, "docs/a.md", False),
        ({"include": "lib"}, "lib/a.py", True),
        ({"exclude": ["**/generated"]}, "a/b/generated/c.py", False),
        ({"exclude": ["**/__init__.py"]}, "__init__.py", False),
        ({"exclude": ["./docs/"]}, "docs/a.md", False),
        ({"exclude": [7]}, "a.py", True),
    ],
)
def test_watch_of_cdk_json_says_what_is_watched(watch: object, path: str, *, matches: bool) -> None:
    assert Patterns.of(ROOT, watch).match(ROOT / path) == matches
    assert Patterns.of(ROOT, watch).match(Path("/shared/a.py"))
