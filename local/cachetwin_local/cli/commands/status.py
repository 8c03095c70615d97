"""``cachetwin status``."""

import typer

from cachetwin_local.cli.options import AsJson
from cachetwin_local.cli.status_report import report_status

__all__ = ["status"]


def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show what runs, and its endpoints.

    Exits with 0 when everything is ready, 1 when something is not, 3 when nothing runs.
    """
    raise typer.Exit(report_status(context.obj, as_json=as_json))
