"""The pictures in docs/pictures are those of today's templates."""

from tools.pictures import FOLDER, pictures


def test_the_pictures_are_current() -> None:
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert on_disk == pictures(), "run: python tools/pictures.py"
