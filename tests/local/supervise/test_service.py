"""The containers of a service that run here."""

import asyncio
from dataclasses import replace

from tests.local.supervise.tiny_app import DOCKERFILE, topology

from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.values import ContainerImage


def test_a_sidecar_that_is_not_essential_and_only_docker_can_run_is_left_out(
    run_context: RunContext, address: str
) -> None:
    asset = run_context.assembly / "asset"
    asset.mkdir(parents=True)
    (asset / "Dockerfile").write_text(DOCKERFILE)
    (asset / "service.py").write_text("import time; time.sleep(99)")
    app = topology(address, 8080)
    (service,) = app.services
    image = ContainerImage("public.ecr.aws/xray/aws-xray-daemon")
    sidecar = replace(service.containers[0], name="xray", image=image, essential=False, environment={})
    app = replace(app, services=(replace(service, containers=(*service.containers, sidecar)),), target_groups=())
    run_context.secrets.provision(app.secrets)

    async def main() -> list[str]:
        actor = ServiceActor(run_context, app.services[0], app, VirtualEnvironments(run_context))
        await actor.prepare()
        try:
            await actor.start()
            return list(run_context.children)
        finally:
            await actor.stop()

    assert asyncio.run(main()) == ["Tiny/Service/web/1"]
