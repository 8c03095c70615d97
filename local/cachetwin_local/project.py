"""A CDK app's folder, as the runner sees it: where cdk.json is, and what lies beside it."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cachetwin_local.errors import UserError

__all__ = ["Project", "find_project", "project_of_assembly"]


@dataclass(frozen=True, slots=True)
class Project:
    """The folder of a cdk.json (`root`) and the file's content (`settings`)."""

    root: Path
    settings: dict[str, Any]

    @property
    def app(self) -> str:
        """The command that synthesises. Raises UserError when cdk.json has none."""
        app = self.settings.get("app")
        if not isinstance(app, str) or not app.strip():
            raise UserError(f'{self.root / "cdk.json"} must have an "app" command, such as "python -m stacks.app"')
        return app

    @property
    def synthesised_folder(self) -> Path | None:
        """The cloud assembly that ``app`` names instead of a command, as the CDK's command line allows."""
        app = self.settings.get("app")
        folder = self.root / app if isinstance(app, str) and app.strip() else None
        return folder if folder is not None and folder.is_dir() else None

    @property
    def assembly(self) -> Path:
        """Where the app writes its cloud assembly, or the one that it is."""
        return self.synthesised_folder or self.root / str(self.settings.get("output", "cdk.out"))

    @property
    def directory(self) -> Path:
        """Where the runner keeps this project's state, secrets, data and logs."""
        return self.root / ".cachetwin"

    @property
    def unique_name(self) -> str:
        """The folder's name and a digest of where it is: two checkouts of one app get addresses of their own."""
        return f"{self.root.name}-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:6]}"


def find_project(start: Path) -> Project:
    """The project whose cdk.json is in `start` or the nearest folder above. Raises UserError when there is none."""
    for folder in [start.resolve(), *start.resolve().parents]:
        path = folder / "cdk.json"
        if path.is_file():
            return Project(folder, _object(path))
    raise UserError(f"no cdk.json in {start.resolve()} or above: run this in a CDK app, or name one with --project")


def project_of_assembly(assembly: Path) -> Project:
    """A project for a cloud assembly alone. Raises UserError when the folder does not exist."""
    folder = assembly.resolve()
    if not folder.is_dir():
        raise UserError(f"--assembly must be a folder that `cdk synth` wrote, got {assembly}")
    return Project(folder.parent, {"app": folder.name})


def _object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise UserError(f"{path} must hold a JSON object")
    return document
