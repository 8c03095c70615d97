"""Caches under the runner's actors, without a supervisor: what each benchmark of them starts from."""

from pathlib import Path

from tests.local.supervise.cache.caches import secret

from cachetwin_local.supervise.project.local_ca import LocalCA
from cachetwin_local.supervise.project.logs import Logs
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.project.secret_store import SecretStore


def new_run_context(directory: Path, assembly: Path) -> RunContext:
    """A run context in ``directory``, which is made, with the password of the caches' user; its logs are to be closed."""
    directory.mkdir(mode=0o700)
    run_context = RunContext(
        directory=directory,
        assembly=assembly,
        secrets=SecretStore(directory / "secrets.json"),
        local_ca=LocalCA(directory / "ca", "benchmark"),
        logs=Logs(directory / "logs"),
        publish=lambda _event: None,
    )
    run_context.secrets.provision([secret()])
    return run_context
