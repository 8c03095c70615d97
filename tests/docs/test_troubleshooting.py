"""Every text that docs/troubleshooting.md explains, and how-to/addresses.md quotes, is printed by the real thing."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.processes import accepts, free_port, wait_until

from cachetwin_engine.server.config import Options
from cachetwin_engine.server.valkey.protected_mode import denial
from cachetwin_engine.server.valkey.run import new_engine

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
RUN_S_MAX = 120
BIN = Path(sys.executable).parent
APP = """
import json, os
out = os.environ["CDK_OUTDIR"]
os.makedirs(out, exist_ok=True)
stack = {"type": "aws:cloudformation:stack", "environment": "aws://000000000000/us-east-1", "displayName": "App"}
stack["properties"] = {"templateFile": "App.template.json"}
manifest = {"version": "48.0.0", "artifacts": {"App": stack}, "missing": json.load(open("missing.json"))}
json.dump(json.load(open("template.json")), open(out + "/App.template.json", "w"))
json.dump(manifest, open(out + "/manifest.json", "w"))
"""
"""A CDK app without the CDK: it writes the assembly of one stack."""

CACHE: dict[str, Any] = {
    "Type": "AWS::ElastiCache::ReplicationGroup",
    "Properties": {
        "ReplicationGroupDescription": "test",
        "Engine": "valkey",
        "EngineVersion": "8.1",
        "CacheNodeType": "cache.t4g.micro",
        "NumCacheClusters": 1,
        "AutomaticFailoverEnabled": False,
        "TransitEncryptionEnabled": True,
    },
}


class Desk:
    """A folder to trigger errors in: run programs there and keep what they print."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[subprocess.Popen[bytes]] = []

    def cachetwin(self, *words: str) -> str:
        """What `cachetwin` prints."""
        return self._run(str(BIN / "cachetwin"), *words)

    def engine(self, *words: str) -> str:
        """What an engine that can't start prints."""
        return self._run(str(BIN / "cachetwin-engine"), *words)

    def serve(self, *words: str) -> int:
        """Start an engine; its port."""
        port = free_port()
        command = [str(BIN / "cachetwin-engine"), *words, "--save", ""]
        if "--tls-port" not in words:
            command += ["--port", str(port)]
        command = [word.replace("PORT", str(port)) for word in command]
        with (self.folder / "engine.log").open("wb") as log:
            self.servers.append(subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log))
        wait_until(lambda: accepts(port), "the engine's port")
        return port

    def app(self, resources: dict[str, Any] | None = None, **template: object) -> "Desk":
        """Make the folder a CDK app with this template."""
        (self.folder / "make.py").write_text(APP)
        (self.folder / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} make.py"}))
        (self.folder / "missing.json").write_text("[]")
        (self.folder / "template.json").write_text(json.dumps({"Resources": resources or {"Cache": CACHE}, **template}))
        return self

    def close(self) -> None:
        """Stop what was started."""
        for server in self.servers:
            server.terminate()
            server.wait(20)
        if (self.folder / ".cachetwin").exists():
            self.cachetwin("down")

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=RUN_S_MAX, check=False,
            stdin=subprocess.DEVNULL,
            env={
                "PATH": f"{BIN}:/usr/bin:/bin", "COLUMNS": "200", "HOME": str(self.folder),
                "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ["JSII_RUNTIME_PACKAGE_CACHE_ROOT"],
            },
        )  # fmt: skip
        return done.stdout + done.stderr


def error_of(call: Callable[[], object]) -> str:
    """What a client raises."""
    with pytest.raises(redis.RedisError) as raised:
        call()
    return str(raised.value)


def service(command: list[str], **more: object) -> dict[str, Any]:
    """A service of one task whose image is the folder asset.web of the assembly."""
    container = {
        "Name": "web",
        "Image": {"Fn::Sub": "000000000000.dkr.ecr.us-east-1.amazonaws.com/assets:" + "f" * 64},
        "Essential": True,
        "Command": command,
        **more,
    }
    return {
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {"ContainerDefinitions": [container], "NetworkMode": "awsvpc", "Cpu": "256", "Memory": "512"},
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "Properties": {"TaskDefinition": {"Ref": "Task"}, "DesiredCount": 1, "LaunchType": "FARGATE"},
        },
    }


ASSETS = """
os.makedirs(out + "/asset.web", exist_ok=True)
open(out + "/asset.web/Dockerfile", "w").write(open("Dockerfile").read())
open(out + "/asset.web/requirements.txt", "w").write(open("requirements.txt").read())
source = {"directory": "asset.web"}
destinations = {"here": {"repositoryName": "assets", "imageTag": "f" * 64}}
assets = {"version": "48.0.0", "files": {}, "dockerImages": {"f" * 64: {"source": source, "destinations": destinations}}}
json.dump(assets, open(out + "/App.assets.json", "w"))
manifest["artifacts"]["App.assets"] = {"type": "cdk:asset-manifest", "properties": {"file": "App.assets.json"}}
json.dump(manifest, open(out + "/manifest.json", "w"))
"""


def app_with_service(desk: Desk, command: list[str], requirements: str = "", **more: object) -> Desk:
    desk.app(service(command, **more))
    (desk.folder / "make.py").write_text(APP + ASSETS)
    (desk.folder / "Dockerfile").write_text("FROM python:3.13\nCOPY . .\n")
    (desk.folder / "requirements.txt").write_text(requirements)
    return desk


def broken_app(desk: Desk, text: str) -> Desk:
    desk.app()
    (desk.folder / "make.py").write_text(text)
    return desk


def with_cdk_json(desk: Desk, text: str) -> Desk:
    (desk.folder / "cdk.json").write_text(text)
    return desk


def with_lookup(desk: Desk) -> Desk:
    desk.app()
    (desk.folder / "missing.json").write_text('[{"key": "vpc-provider:account=1:region=us-east-1"}]')
    return desk


def running(desk: Desk) -> Desk:
    assert "ready in" in desk.app().cachetwin("up", "-d")
    return desk


def unreachable(desk: Desk) -> Desk:
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "closed"}}
    cache = {
        **CACHE,
        "Properties": {**CACHE["Properties"], "SecurityGroupIds": [{"Fn::GetAtt": ["Closed", "GroupId"]}]},
    }
    app_with_service(
        desk,
        ["python", "-c", "pass"],
        Environment=[{"Name": "CACHE", "Value": {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]}}],
    )
    template = json.loads((desk.folder / "template.json").read_text())
    open_group = {"GroupDescription": "service"}
    template["Resources"] |= {
        "Closed": group,
        "Open": {"Type": "AWS::EC2::SecurityGroup", "Properties": open_group},
        "Cache": cache,
    }
    template["Resources"]["Service"]["Properties"]["NetworkConfiguration"] = {
        "AwsvpcConfiguration": {"SecurityGroups": [{"Fn::GetAtt": ["Open", "GroupId"]}], "Subnets": ["subnet-1"]}
    }
    (desk.folder / "template.json").write_text(json.dumps(template))
    return desk


def service_that_needs(desk: Desk, environment: list[object] | None = None, **more: Any) -> Desk:  # noqa: ANN401  (properties of a template)
    app_with_service(desk, ["python", "-c", "pass"], Environment=environment or [], **more)
    template = json.loads((desk.folder / "template.json").read_text())
    template["Resources"]["Topic"] = {"Type": "AWS::Neptune::DBCluster", "Properties": {}}
    (desk.folder / "template.json").write_text(json.dumps(template))
    return desk


def named_image(desk: Desk) -> Desk:
    resources = service(["run"])
    resources["Task"]["Properties"]["ContainerDefinitions"][0]["Image"] = "nginx:1"
    return desk.app(resources)


def taken_port(desk: Desk) -> str:
    found = re.search(r"on (127\.[\d.]+):6379", desk.app().cachetwin("plan"))
    assert found
    with socket.create_server((found.group(1), 6379)):
        return desk.cachetwin("up", "-d")


def on_every_interface(desk: Desk) -> str:
    code = "import http.server as h; h.HTTPServer(('', PORT), h.SimpleHTTPRequestHandler).serve_forever()"
    port = free_port()
    app_with_service(
        desk, ["python", "-c", code.replace("PORT", str(port))]
    )  # a port that its definition does not name
    assert "ready in" in (up := desk.cachetwin("up", "-d")), up
    wait_until(lambda: "every interface" in desk.cachetwin("logs"), "the line in the log", 60)
    return desk.cachetwin("logs")


def certificate(desk: Desk) -> list[str]:
    words = "req -x509 -newkey rsa:2048 -nodes -days 30 -keyout key.pem -out cert.pem -subj /CN=localhost"
    subprocess.run(["openssl", *words.split()], cwd=desk.folder, check=True, timeout=30, capture_output=True)
    return ["--port", "0", "--tls-port", "PORT", "--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem"]


def users(desk: Desk) -> redis.Redis:
    (desk.folder / "users.conf").write_text("user default off\nuser app on >a-long-password ~app:* +@read\n")
    return redis.Redis(port=desk.serve("users.conf"), username="app", password="a-long-password")


def full_cache(desk: Desk) -> str:
    client = redis.Redis(port=desk.serve("--maxmemory", "2mb"))
    return error_of(lambda: [client.set(f"key:{number}", b"x" * 10_000) for number in range(1000)])


def replica(desk: Desk) -> str:
    port = desk.serve("--replicaof", f"127.0.0.1 {free_port()}")
    return error_of(lambda: redis.Redis(port=port).set("k", 1))


def too_many_clients(desk: Desk) -> str:
    port = desk.serve("--maxclients", "1")
    with redis.Redis(port=port) as first:
        first.ping()
        return error_of(lambda: redis.Redis(port=port).ping())


def damaged_dump(desk: Desk) -> str:
    (desk.folder / "dump.rdb").write_bytes(b"not a dump file at all")
    return desk.engine("--port", str(free_port()))


def construct(text: str) -> str:
    cdk = pytest.importorskip("cachetwin_cdk")
    import aws_cdk  # noqa: PLC0415  (after cachetwin_cdk, which chooses the Node)
    from aws_cdk import aws_ec2  # noqa: PLC0415

    stack = aws_cdk.Stack(aws_cdk.App(analytics_reporting=False), "Stack")
    public = aws_ec2.SubnetConfiguration(name="public", subnet_type=aws_ec2.SubnetType.PUBLIC)
    vpc = aws_ec2.Vpc(stack, "Vpc", max_azs=2, subnet_configuration=[public] if text == "public" else None)
    with pytest.raises(cdk.ValidationError) as raised:
        cdk.ReplicationGroup(stack, "Cache", vpc=vpc, topology=cdk.Topology.replicated(1 if text == "public" else 7))
    return str(raised.value)


ELASTICACHE = ("--elasticache", "yes")
TRIGGERS: dict[str, Callable[[Desk], str]] = {
    "no cdk.json": lambda desk: desk.cachetwin("plan"),
    "cdk.json must have": lambda desk: with_cdk_json(desk, "{}").cachetwin("plan"),
    "the app ... exited": lambda desk: broken_app(desk, "import no_such_module").cachetwin("plan"),
    "ran but wrote no manifest": lambda desk: broken_app(desk, "").cachetwin("plan"),
    "the app looks up": lambda desk: with_lookup(desk).cachetwin("plan"),
    "there is no ... to use": lambda desk: desk.app().cachetwin("plan", "--no-synth"),
    "stack must be": lambda desk: desk.app().cachetwin("plan", "Other"),
    "-c must be": lambda desk: desk.app().cachetwin("plan", "-c", "word"),
    "parameter ... must": lambda desk: desk.app(
        {"Cache": {**CACHE, "Properties": {**CACHE["Properties"], "Port": {"Ref": "Port"}}}},
        Parameters={"Port": {"Type": "Number"}},
    ).cachetwin("plan"),
    "Fn::ImportValue": lambda desk: desk.app(
        {"Cache": {**CACHE, "Properties": {**CACHE["Properties"], "Port": {"Fn::ImportValue": "x"}}}}
    ).cachetwin("plan"),
    "the plan would not work": lambda desk: unreachable(desk).cachetwin("up", "-d"),
    "cannot reach": lambda desk: unreachable(desk).cachetwin("plan"),
    "container ... must be made": lambda desk: named_image(desk).cachetwin("plan"),
    "... comes from": lambda desk: service_that_needs(
        desk, [{"Name": "CACHE", "Value": {"Fn::GetAtt": ["Topic", "Endpoint.Address"]}}]
    ).cachetwin("plan"),
    "must use secrets": lambda desk: service_that_needs(
        desk, Secrets=[{"Name": "KEY", "ValueFrom": "arn:aws:secretsmanager:us-east-1:000000000000:secret:x-123456"}]
    ).cachetwin("plan"),
    "there is nothing to run": lambda desk: desk.app({"Role": {"Type": "AWS::IAM::Role"}}).cachetwin("up", "-d"),
    "this project is already up": lambda desk: running(desk).cachetwin("up", "-d"),
    "this project is up": lambda desk: running(desk).cachetwin("reset", "-y"),
    "reset asks": lambda desk: (running(desk).cachetwin("down"), desk.cachetwin("reset"))[1],
    "nothing is running": lambda desk: desk.app().cachetwin("logs", "-f"),
    "the packages of": lambda desk: app_with_service(desk, ["python"], "./no-such-package\n").cachetwin("up", "-d"),
    "while starting": lambda desk: app_with_service(desk, ["python", "-c", "raise SystemExit(3)"]).cachetwin(
        "up", "-d"
    ),
    "the container ... runs": lambda desk: app_with_service(desk, ["no-such-program"]).cachetwin("up", "-d"),
    "port ... on": taken_port,
    "[cachetwin] listens": on_every_interface,
    "CERTIFICATE_VERIFY_FAILED": lambda desk: error_of(redis.Redis(port=desk.serve(*certificate(desk)), ssl=True).ping),
    "Connection closed": lambda desk: error_of(redis.Redis(port=desk.serve(*certificate(desk))).ping),
    "HELLO must be": lambda desk: error_of(redis.Redis(port=desk.serve("--requirepass", "x")).ping),
    "Authentication required": lambda desk: error_of(
        redis.Redis(port=desk.serve("--requirepass", "x"), protocol=2).ping
    ),
    "invalid username": lambda desk: error_of(redis.Redis(port=desk.serve("--requirepass", "x"), password="y").ping),
    "User ... has": lambda desk: error_of(lambda: users(desk).set("app:k", 1)),
    "No permissions": lambda desk: error_of(lambda: users(desk).get("other")),
    "unknown command": lambda desk: error_of(
        lambda: redis.Redis(port=desk.serve(*ELASTICACHE)).config_get("maxmemory")
    ),
    "command not": full_cache,
    "Keys in request": lambda desk: error_of(
        lambda: redis.Redis(port=desk.serve("--cluster-enabled", "yes")).mget("lamp", "chair")
    ),
    "You can't write": replica,
    "max number": too_many_clients,
    "DENIED": lambda desk: denial(new_engine(Options())).decode(),
    "unknown directive": lambda desk: desk.engine("--prot", "7"),
    "profile must": lambda desk: desk.engine("--profile", "valkey-8"),
    "cannot listen": lambda desk: desk.engine("--port", str(desk.serve())),
    "tls-cert-file": lambda desk: desk.engine("--tls-cert-file", "cert.pem"),
    "cannot read": lambda desk: desk.engine("no-such-file.conf"),
    "Fatal error": damaged_dump,
    "maxmemory": lambda desk: desk.engine("--maxmemory", "much"),
    "must be between": lambda desk: construct("replicas"),
    "vpc must have": lambda desk: construct("public"),
}
HEADINGS = re.findall(r"^### `(.+)`$", PAGE.read_text(), re.MULTILINE)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_each_heading_has_its_trigger() -> None:
    assert len(HEADINGS) == len(TRIGGERS)
    assert len(set(HEADINGS)) == len(HEADINGS)
    assert {trigger_of(heading) for heading in HEADINGS} == set(TRIGGERS.values())


def trigger_of(heading: str) -> Callable[[Desk], str]:
    """The trigger whose name begins the heading; of two the longer name."""
    found = sorted((name for name in TRIGGERS if heading.startswith(name)), key=len)
    return TRIGGERS[found[-1]]


@pytest.mark.parametrize("heading", HEADINGS)
def test_the_text_is_what_is_printed(desk: Desk, heading: str) -> None:
    printed = trigger_of(heading)(desk)
    words = " ".join(printed.replace("`", "").replace("│", " ").split())
    pattern = re.escape(heading).replace(r"\.\.\.", ".*?")
    assert re.search(pattern, words), printed
