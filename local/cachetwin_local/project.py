"""A CDK app's folder, as the runner sees it: where cdk.json is, and what lies beside it."""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cachetwin_local.errors import UserError

__all__ = ["Project", "Source", "find_project"]

STATE_FOLDER = ".cachetwin"


@dataclass(frozen=True, slots=True)
class Project:
    """The folder of a cdk.json (`root`) and the file's content (`settings`), or a template that is run from there."""

    root: Path
    settings: dict[str, Any]
    template: Path | None = None

    @property
    def app(self) -> str:
        """The command that synthesises. Raises UserError when there is none."""
        app = self.settings.get("app")
        if not isinstance(app, str) or not app.strip():
            if not (self.root / "cdk.json").exists():
                raise UserError(
                    f"{self.root} has no cdk.json: name the --app, --assembly or --template that `cachetwin up` was given"
                )
            raise UserError(
                f'{self.root / "cdk.json"} must have an "app" command, such as "python -m stacks.app", or name one with '
                "--app"
            )
        return app

    @property
    def build(self) -> str | None:
        """The command that cdk.json runs before the app, if any. Raises UserError for another value than a string."""
        build = self.settings.get("build")
        if build is not None and not isinstance(build, str):
            raise UserError(f'"build" in {self.root / "cdk.json"} must be a command, got {build!r}')
        return build or None

    @property
    def synthesised_folder(self) -> Path | None:
        """The cloud assembly that ``app`` names instead of a command, as the CDK's command line allows."""
        app = self.settings.get("app")
        folder = self.root / app if isinstance(app, str) and app.strip() else None
        return folder if folder is not None and folder.is_dir() else None

    @property
    def assembly(self) -> Path:
        """The folder that assets are in: where the app writes its cloud assembly, or the template's own."""
        if self.template is not None:
            return self.template.parent
        output = str(self.settings.get("output", "cdk.out"))
        made = self.root / output if os.access(self.root, os.W_OK) else self.directory / output
        return self.synthesised_folder or made

    @property
    def directory(self) -> Path:
        """Where the runner keeps this project's state, secrets, data and logs.

        In the user's state folder where the project's own cannot be written, or has a name that servers cannot read: a
        search path is cut at a colon, PostgreSQL's list of folders at a comma.
        """
        if os.access(self.root, os.W_OK) and not {":", ","} & set(str(self.root)):
            return self.root / STATE_FOLDER
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(home) / "cachetwin" / self.unique_name

    @property
    def unique_name(self) -> str:
        """The folder's name and a digest of where it is: two checkouts of one app get addresses of their own."""
        name = re.sub(r"[^A-Za-z0-9._-]", "-", self.root.name)
        return f"{name}-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:6]}"


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line names instead of cdk.json's app; at most one of the three."""

    app: str | None = None
    assembly: Path | None = None
    template: Path | None = None

    def words(self) -> list[str]:
        """The options that say the same to a process that starts in another folder."""
        given = {
            "--app": self.app,
            "--assembly": self.assembly and self.assembly.resolve(),
            "--template": self.template and self.template.resolve(),
        }
        return [word for option, value in given.items() if value is not None for word in (option, str(value))]


def find_project(start: Path, source: Source | None = None) -> Project:
    """The project in `start` or the nearest folder above: of a cdk.json, or of a `source` that ran there before.

    With a `source` it is the project of that source, in the folder of a cdk.json or else in `start`. Raises UserError
    when there is no project, or when the source does not exist.
    """
    source = source or Source()
    start = start.resolve()
    if not start.is_dir():
        raise UserError(f"--project must be a folder, got {start}")
    given = source.words()
    if len(given) > 2:
        raise UserError(f"name one of --app, --assembly and --template, got {', '.join(given[::2])}")
    found = next((folder for folder in [start, *start.parents] if (folder / "cdk.json").is_file()), None)
    settings = {} if found is None else _object(found / "cdk.json")
    if given:
        return _project_of(found or start, settings, source)
    if found is None:
        found = next((one for one in [start, *start.parents] if Project(one, {}).directory.is_dir()), None)
    if found is None:
        raise UserError(
            f"no cdk.json in {start} or above: run this in a CDK app, name its folder with --project, or name an --app, "
            "an --assembly or a --template"
        )
    return Project(found, settings)


def _project_of(root: Path, settings: dict[str, Any], source: Source) -> Project:
    if source.template is not None:
        template = source.template.resolve()
        if not template.is_file():
            raise UserError(f"--template must be a file with a CloudFormation template, got {source.template}")
        return Project(root, settings, template)
    if source.assembly is not None:
        folder = source.assembly.resolve()
        if not folder.is_dir():
            raise UserError(f"--assembly must be a folder that `cdk synth` wrote, got {source.assembly}")
        return Project(root, {"app": str(folder)})
    return Project(root, {**settings, "app": source.app})


def _object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise UserError(f"{path} must hold a JSON object")
    return document
