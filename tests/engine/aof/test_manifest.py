"""The manifest of the append-only file: its lines as Valkey writes and reads them."""

import pytest

from cachetwin_engine.core.aof.manifest import Manifest, ManifestError


def read(text: bytes) -> Manifest:
    manifest = Manifest(b"appendonly.aof")
    manifest.parse(text)
    return manifest


def test_files_are_named_and_numbered_as_valkey_does() -> None:
    manifest = Manifest(b"appendonly.aof")
    assert manifest.is_empty()
    assert manifest.replace_base(True) == b"appendonly.aof.1.base.rdb"
    assert manifest.add_increment() == b"appendonly.aof.1.incr.aof"
    assert manifest.add_increment() == b"appendonly.aof.2.incr.aof"
    assert manifest.next_base(False) == manifest.replace_base(False) == b"appendonly.aof.2.base.aof"
    manifest.retire_increments(keep_last=True)
    assert manifest.text() == (
        b"file appendonly.aof.2.base.aof seq 2 type b\n"
        b"file appendonly.aof.1.incr.aof seq 1 type h\n"
        b"file appendonly.aof.1.base.rdb seq 1 type h\n"
        b"file appendonly.aof.2.incr.aof seq 2 type i\n"
    )
    assert read(manifest.text()).text() == manifest.text()


def test_a_copy_changes_by_itself() -> None:
    manifest = read(b"file a.aof.3.incr.aof seq 3 type i\n")
    copy = manifest.copy()
    assert copy.add_increment() == b"appendonly.aof.4.incr.aof"
    assert [file.name for file in manifest.files()] == [b"a.aof.3.incr.aof"]


def test_names_with_blanks_are_quoted() -> None:
    manifest = Manifest(b' a "b".aof')
    manifest.add_increment()
    assert manifest.text() == b'file " a \\"b\\".aof.1.incr.aof" seq 1 type i\n'
    again = Manifest(manifest.stem)
    again.parse(manifest.text())
    assert again.files()[0].name == b' a "b".aof.1.incr.aof'


def test_comments_and_further_fields_are_passed_over() -> None:
    manifest = read(b"# a comment\nFILE x seq 7 type incr later field\n")
    assert (manifest.files()[0].name, manifest.files()[0].sequence) == (b"x", 7)


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        (b"", "Found an empty AOF manifest", 0),
        (b"\n", "Invalid AOF manifest file format", 1),
        (b"file x seq 1\n", "Invalid AOF manifest file format", 1),
        (b"file x seq 1 type\n", "Invalid AOF manifest file format", 1),
        (b"file x seq 0 type i\n", "Invalid AOF manifest file format", 1),
        (b'file "x seq 1 type i\n', "Invalid AOF manifest file format", 1),
        (b"file d/x seq 1 type i\n", "File can't be a path, just a filename", 1),
        (b"file .. seq 1 type i\n", "File can't be a path, just a filename", 1),
        (b'file "x\\x00" seq 1 type i\n', "File can't be a path, just a filename", 1),
        (b"file x seq 1 type z\n", "Unknown AOF file type", 1),
        (b"file x seq 1 type b\nfile y seq 2 type b\n", "Found duplicate base file information", 2),
        (b"file x seq 2 type i\nfile y seq 2 type i\n", "Found a non-monotonic sequence number", 2),
        (b"file x seq 1 type i", "The AOF manifest file contains too long line", 1),
        (b"file " + b"x" * 1024 + b" seq 1 type i\n", "The AOF manifest file contains too long line", 1),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: bytes, reason: str, line: int) -> None:
    with pytest.raises(ManifestError) as problem:
        read(text)
    assert (problem.value.reason, problem.value.line) == (reason, line)
