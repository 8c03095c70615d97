"""A program for the tests: supervises one small service behind a load balancer, as `cachetwin up` would.

``python tiny_app.py FOLDER ADDRESS PORT SERVICE_CODE [TIMEOUT]`` runs in the foreground; FOLDER gets a cdk.json, so
that the other commands find the project. The service's NAME is what FOLDER/name holds, or tiny, and FOLDER/tasks holds the
number of its tasks, or there is one; where there is a FOLDER/front, there is no load balancer; where there is a
FOLDER/grace, tasks that it finds unhealthy stay; where there is a FOLDER/app.py, it is the app, which is watched.
"""

import json
import sys
from pathlib import Path

from cachetwin_local.errors import UserError
from cachetwin_local.project import find_project
from cachetwin_local.running import run_foreground
from cachetwin_local.screen import Screen, stderr_console
from cachetwin_local.synth import synthesise
from cachetwin_local.topology.address_plan import hashed_address
from cachetwin_local.topology.values import (
    Container,
    ContainerImage,
    Endpoint,
    Forward,
    GenerateSecretString,
    Identity,
    Listener,
    LoadBalancer,
    PortMapping,
    Secret,
    SecretRef,
    Service,
    Target,
    TargetGroup,
    TargetHealthCheck,
    TaskAddress,
    Topology,
    WeightedTarget,
)
from cachetwin_local.watch import AppWatch

DOCKERFILE = 'FROM python:3.13\nWORKDIR /app\nCOPY . .\nCMD ["python", "service.py"]\n'


def identity(logical_id: str, type_: str) -> Identity:
    return Identity("Tiny", logical_id, type_, f"Tiny/{logical_id}", logical_id.lower(), f"arn:aws:tiny:::{logical_id}")


def topology(address: str, port: int, folder: Path | None = None) -> Topology:
    name, has_front, count, grace_s = "tiny", True, 1, 0
    if folder is not None:
        name = (folder / "name").read_text() if (folder / "name").exists() else name
        has_front = not (folder / "front").exists()
        count = int((folder / "tasks").read_text()) if (folder / "tasks").exists() else 1
        grace_s = 3600 if (folder / "grace").exists() else 0
    secret = Secret(identity("Key", "AWS::SecretsManager::Secret"), "key", GenerateSecretString(), None)
    container = Container(
        name="web",
        image=ContainerImage("tiny", "asset"),
        essential=True,
        command=None,
        entry_point=None,
        working_directory=None,
        environment={"KEY": (SecretRef(secret.identity.arn),), "NAME": name},
        port_mappings=(PortMapping(8000),),
        health_check=None,
        log_group=None,
        stop_timeout_s=2,
    )
    addresses = [address, *(hashed_address(address, str(index)) for index in range(1, count))]
    service = Service(
        identity=identity("Service", "AWS::ECS::Service"),
        cluster="tiny",
        task_definition="tiny",
        desired_count=count,
        tasks=tuple(TaskAddress(one, {8000: 8000}) for one in addresses[:count]),
        containers=(container,),
        security_groups=(),
        depends_on=(),
        health_check_grace_s=grace_s,
    )
    group = TargetGroup(
        identity=identity("Targets", "AWS::ElasticLoadBalancingV2::TargetGroup"),
        protocol="HTTP",
        port=80,
        targets=(Target(service.identity.key, "web", 8000),),
        health_check=TargetHealthCheck("HTTP", "/", None, "200", 1, 2, 2, 2),
    )
    listener = Listener(
        identity=identity("Listener", "AWS::ElasticLoadBalancingV2::Listener"),
        protocol="HTTP",
        endpoint=Endpoint(address, port, 80),
        default_action=Forward((WeightedTarget(group.identity.key),)),
    )
    balancer = LoadBalancer(
        identity("Frontend", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
        "internal",
        f"{address}:{port}",
        (listener,),
        (),
    )
    return Topology(
        project="tiny",
        region="us-east-1",
        account="000000000000",
        loopback="per-endpoint",
        stacks=("Tiny",),
        secrets=(secret,),
        services=(service,),
        load_balancers=(balancer,) if has_front else (),
        target_groups=(group,),
    )


def main(folder: Path, address: str, port: int, code: str, timeout: float | None = None) -> int:
    asset = folder / "cdk.out" / "asset"
    asset.mkdir(parents=True, exist_ok=True)
    (asset / "Dockerfile").write_text(DOCKERFILE)
    (asset / "service.py").write_text(code)
    has_app = (folder / "app.py").exists()
    (folder / "cdk.json").write_text(json.dumps({"app": "python app.py" if has_app else "true"}))
    try:
        project, screen = find_project(folder), Screen(stderr_console())
        if has_app:
            synthesise(project, {})
        run_foreground(
            project,
            topology(address, port, folder),
            screen,
            timeout,
            plan_again=lambda: topology(address, port, folder),
            watch=AppWatch(lambda: find_project(folder), {}).watch if has_app else None,
        )
    except UserError as error:
        sys.stderr.write(f"cachetwin: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    folder, address, port, code, *timeout = sys.argv[1:]
    sys.exit(main(Path(folder), address, int(port), code, float(timeout[0]) if timeout else None))
