"""Which files of an app are sources, and the digest of them."""

import pytest

from cachetwin_local.assembly.staleness import digest, is_source


@pytest.mark.parametrize("path", ["app.py", "stacks/web/stack.py", "cdk.json", "service/static/index.html"])
def test_files_of_the_app_are_sources(path: str) -> None:
    assert is_source(path)


@pytest.mark.parametrize(
    "path", ["cdk.out/manifest.json", "node_modules/a/b.js", ".venv/x.py", "a/__pycache__/b.pyc", ".git/HEAD"]
)
def test_what_tools_make_is_not_a_source(path: str) -> None:
    assert not is_source(path)


def test_the_digest_depends_on_the_content_of_the_sources_alone() -> None:
    first = digest({"app.py": b"x", "cdk.out/y": b"1"})
    assert first == digest({"app.py": b"x", "cdk.out/y": b"2"})
    assert first != digest({"app.py": b"z"})
    assert first != digest({"b.py": b"x"})
