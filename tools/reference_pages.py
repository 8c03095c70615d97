"""Writes ``docs/constructs``: a page for each construct, made of its docstring, its signature and an example that ran.

    python tools/reference_pages.py            write the pages
    python tools/reference_pages.py --check    exit 1 and name the pages that are not current

What an example makes is counted in the template it synthesises, so a page cannot promise what the construct does not do.
``tests/cdk/docs/test_reference.py`` runs the check.
"""

import inspect
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

import cachetwin_cdk
from cachetwin_cdk import patterns

PAGES = Path(__file__).parents[1] / "docs" / "constructs"
# What each page shows; ``stack`` and ``vpc`` are the reader's own.
EXAMPLES: dict[str, str] = {
    "ReplicationGroup": """
        cache = ReplicationGroup(stack, "Cache", vpc=vpc)
        server = ec2.SecurityGroup(stack, "Server", vpc=vpc)
        cache.connections.allow_default_port_from(server)
        """,
    "ServerlessCache": """
        limits = UsageLimits(data_storage_gb_max=10, ecpu_per_second_max=5000)
        cache = ServerlessCache(stack, "Cache", vpc=vpc, usage_limits=limits)
        """,
    "MemcachedCluster": """
        cache = MemcachedCluster(stack, "Pages", vpc=vpc, topology=MemcachedTopology.across_zones(3))
        """,
    "GlobalDatastore": """
        cache = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.M7G_LARGE)
        datastore = GlobalDatastore(stack, "Global", primary=cache, id_suffix="orders")
        """,
    "SecondaryReplicationGroup": """
        datastore = GlobalDatastore.from_global_replication_group_attributes(
            stack, "Global", global_replication_group_id="dsdfu-orders"
        )
        copy = SecondaryReplicationGroup(stack, "Cache", vpc=vpc, global_datastore=datastore)
        """,
    "ParameterGroup": """
        ParameterGroup(stack, "Parameters", engine_version=EngineVersion.VALKEY_8_1, parameters={"timeout": "300"})
        """,
    "SubnetGroup": """
        SubnetGroup(stack, "Subnets", vpc=vpc)
        """,
    "IamUser": """
        rules = AccessString.on().keys("session:*").commands("get", "set", "del")
        user = IamUser(stack, "Sessions", access_string=rules)
        cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.users(user))
        role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        cache.grant_connect(role, user)
        """,
    "PasswordUser": """
        user = PasswordUser(stack, "Reports", access_string=AccessString.read_only("report:*"))
        """,
    "NoPasswordUser": """
        off = NoPasswordUser(stack, "Default", user_name="default")
        """,
    "UserGroup": """
        user = PasswordUser(stack, "App", access_string=AccessString.application())
        group = UserGroup(stack, "Users", users=[user])
        """,
    "CacheAlarms": """
        cache = ReplicationGroup(stack, "Cache", vpc=vpc)
        alarms = CacheAlarms(stack, "Alarms", cache=cache, topic=sns.Topic(stack, "OnCall"))
        """,
    "CacheDashboard": """
        cache = ServerlessCache(stack, "Cache", vpc=vpc)
        CacheDashboard(stack, "Dashboard", caches=[cache])
        """,
    "CacheRecord": """
        cache = ReplicationGroup(stack, "Cache", vpc=vpc)
        zone = route53.PrivateHostedZone(stack, "Zone", vpc=vpc, zone_name="shop.internal")
        record = CacheRecord(stack, "Name", cache=cache, zone=zone, record_name="orders")
        """,
    "CacheSnapshot": """
        cache = ReplicationGroup(stack, "Cache", vpc=vpc)
        snapshot = CacheSnapshot(stack, "BeforeTheMove", cache=cache)
        """,
    "ControlPlaneEndpoint": """
        user = PasswordUser(stack, "App", access_string=AccessString.application())
        cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.users(user))
        api = ControlPlaneEndpoint(stack, "Api", vpc=vpc)
        UserPasswordRotation(stack, "Rotation", user=user, cache=cache, vpc=vpc, control_plane=api)
        """,
    "ShardScaling": """
        cache = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.M7G_LARGE, topology=Topology.cluster(2))
        scaling = ShardScaling(stack, "Scaling", cache=cache, min_capacity=2, max_capacity=8)
        scaling.scale_on_memory("Memory", target_percent=60)
        scaling.scale_on_schedule("Morning", schedule=appscaling.Schedule.cron(hour="6", minute="0"), min_capacity=4)
        """,
    "ReplicaScaling": """
        cache = ReplicationGroup(stack, "Cache", vpc=vpc, node_type=NodeType.M7G_LARGE, topology=Topology.cluster())
        ReplicaScaling(stack, "Scaling", cache=cache).scale_on_engine_cpu("Cpu")
        """,
    "NodeScaling": """
        cache = MemcachedCluster(stack, "Cache", vpc=vpc)
        scaling = NodeScaling(stack, "Scaling", cache=cache, min_capacity=2, max_capacity=8)
        scaling.scale_on_cpu("Cpu", target_percent=60)
        """,
    "UserPasswordRotation": """
        user = PasswordUser(stack, "App", access_string=AccessString.application())
        UserPasswordRotation(stack, "Rotation", user=user)
        """,
    "AuthTokenRotation": """
        cache = ReplicationGroup(stack, "Cache", vpc=vpc, access=Access.auth_token(AuthToken.generate(stack, "Token")))
        AuthTokenRotation(stack, "Rotation", cache=cache)
        """,
    "CachedWebApp": """
        image = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13")
        web = CachedWebApp(stack, "Web", image=image, allow_plain_http=True)
        """,
    "SessionApi": """
        code = lambda_.Code.from_inline("def handle(event, context): return {'statusCode': 204}")
        sessions = SessionApi(stack, "Sessions", code=code, handler="index.handle", routes=["GET /session"])
        """,
    "MessagingServices": """
        image = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13")
        messaging = MessagingServices(
            stack,
            "Orders",
            services={
                "clerk": MessagingService(image=image, enqueues=["orders"], publishes=["orders.placed"]),
                "worker": MessagingService(image=image, works_on="orders", count_max=20),
                "mailer": MessagingService(image=image, subscribes=["orders.*"]),
            },
        )
        """,
}
# What a page describes beside its construct: classes whose arguments a reader needs.
BESIDE = {
    "MessagingServices": ("MessagingService",),
    "CachedWebApp": ("ExistingDatabase",),
    "ReplicationGroup": (
        "Topology",
        "Shard",
        "Access",
        "Encryption",
        "Backups",
        "RestoreFrom",
        "Maintenance",
        "Logging",
    ),
    "SecondaryReplicationGroup": ("Access", "Maintenance", "Logging"),
    "ServerlessCache": ("Access", "Backups", "RestoreFrom", "UsageLimits"),
    "MemcachedCluster": ("MemcachedTopology", "Maintenance"),
}


def main() -> int:
    """Write the pages, or with ``--check`` compare them."""
    pages = {f"{name}.md": page(name, code) for name, code in EXAMPLES.items()} | {
        "README.md": contents(),
        "replacement.md": replacements(),
    }
    stale = [name for name, text in pages.items() if not _same(PAGES / name, text)]
    stale += [path.name for path in PAGES.glob("*.md") if path.name not in pages]
    if "--check" in sys.argv:
        sys.stderr.writelines(
            f"docs/constructs/{name} is not current: run python tools/reference_pages.py\n" for name in stale
        )
        return 1 if stale else 0
    PAGES.mkdir(exist_ok=True)
    for name in stale:
        if name in pages:
            (PAGES / name).write_text(pages[name])
        else:
            (PAGES / name).unlink()
    return 0


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def contents() -> str:
    """The list of pages."""
    lines = [f"- [{name}]({name}.md): {_first_line(_named(name))}" for name in EXAMPLES]
    lines.append(
        "- [What replaces a resource](replacement.md): the arguments whose change makes CloudFormation replace it."
    )
    return (
        "# Constructs\n\nWritten by `python tools/reference_pages.py` from the docstrings. These are Python constructs: "
        "an app in TypeScript cannot import them.\n\n" + "\n".join(lines) + "\n"
    )


def replacements() -> str:
    """The arguments whose change replaces a resource, by construct: the sentences of their descriptions that say so."""
    rows = ["| Construct | Argument | What its change replaces |", "|---|---|---|"]
    described = [(name, "", descriptions(_named(name))) for name in EXAMPLES]
    described += [
        (name, f"{other}.", descriptions(_named(other))) for name, others in BESIDE.items() for other in others
    ]
    for name, prefix, texts in described:
        for argument, text in texts.items():
            said = [sentence for sentence in re.split(r"(?<=\.) ", text) if re.search(r"\breplaces\b", sentence)]
            if said:
                told = " ".join(said).replace("``", "`").replace("|", "\\|")
                rows.append(f"| [{name}]({name}.md) | `{prefix}{argument}` | {told} |")
    return (
        "# What replaces a resource\n\nWritten by `python tools/reference_pages.py`. CloudFormation makes a new resource "
        "and deletes the old one for a change of these arguments. Data come over by `restore` only: of the final "
        "snapshot, or of one made before. `tests/cdk/replication_group/test_replacement.py` compares the descriptions "
        "with the schemas of the resource types.\n\n" + "\n".join(rows) + "\n"
    )


def page(name: str, code: str) -> str:
    """One page."""
    construct = _named(name)
    example = textwrap.dedent(code).strip()
    made = Counter(resource["Type"] for resource in template_of(example)["Resources"].values())
    parts = [
        f"# {name}",
        _prose(construct),
        "## Example",
        f"```python\n{example}\n```",
        "The example makes " + ", ".join(f"{count} `{kind}`" for kind, count in sorted(made.items())) + ".",
        "## Arguments",
        _arguments(construct),
        "## Members",
        "\n".join(_members(construct)),
    ]
    for other in BESIDE.get(name, ()):
        beside = _named(other)
        parts += [f"## {other}", _prose(beside), *_makers(beside)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _makers(beside: type) -> list[str]:
    """How an object is made: the functions that make it, each with its arguments, or else its class."""
    makers = [name for name, member in vars(beside).items() if isinstance(member, staticmethod)]
    if not makers:
        return [_arguments(beside)]
    parts = []
    for name in makers:
        function = getattr(beside, name)
        has_arguments = bool(_parameters(function))
        parts += [f"### {beside.__name__}.{name}()", _prose(function), _arguments(function) if has_arguments else ""]
    return parts


def _named(name: str) -> Any:  # noqa: ANN401  (whatever class has the name)
    """A construct, or a pattern."""
    return getattr(cachetwin_cdk, name, None) or getattr(patterns, name)


def template_of(example: str) -> dict[str, Any]:
    """The template that the example synthesises in a network of the reader's own."""
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Shop")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["a", "b"],
        isolated_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        isolated_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
    )
    names: dict[str, Any] = {name: getattr(cachetwin_cdk, name) for name in cachetwin_cdk.__all__}
    names |= {name: getattr(patterns, name) for name in patterns.__all__}
    names |= {"stack": stack, "vpc": vpc, "ec2": ec2}
    for module, short in (
        ("iam", "iam"),
        ("sns", "sns"),
        ("route53", "route53"),
        ("applicationautoscaling", "appscaling"),
        ("ecs", "ecs"),
        ("lambda", "lambda_"),
    ):
        names[short] = __import__(f"aws_cdk.aws_{module}", fromlist=["aws_cdk"])
    exec(compile(example, "<example>", "exec"), names)  # noqa: S102  (our own examples, above)
    return dict(Template.from_stack(stack).to_json())


def _prose(construct: Callable[..., object]) -> str:
    """The docstring without its arguments, as Markdown."""
    return (inspect.getdoc(construct) or "").split("\n\nArgs:\n")[0].replace("``", "`")


def descriptions(construct: Callable[..., object]) -> dict[str, str]:
    """What the docstring says of each argument: ``name: text`` below ``Args:``, continued by deeper lines."""
    _, _, section = (inspect.getdoc(construct) or "").partition("\n\nArgs:\n")
    entries = re.findall(r"^    (\w+): (.+(?:\n     +.+)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def undescribed(construct: Callable[..., object]) -> list[str]:
    """Arguments without a description, and descriptions of what is no argument."""
    arguments, described = {name for name, _ in _parameters(construct)}, descriptions(construct).keys()
    return sorted(arguments ^ described)


def _parameters(construct: Callable[..., object]) -> list[tuple[str, inspect.Parameter]]:
    signature = inspect.signature(
        construct.__init__ if isinstance(construct, type) else construct  # type: ignore[misc]  # of this very class
    )
    return [
        (name, parameter)
        for name, parameter in signature.parameters.items()
        if name not in {"self", "scope", "construct_id"}
    ]


def _arguments(construct: Callable[..., object]) -> str:
    """The table of arguments. Raises ValueError when one has no description."""
    if missing := undescribed(construct):
        raise ValueError(f"the docstring of {construct.__name__} must describe each argument, see {', '.join(missing)}")
    described = descriptions(construct)
    rows = ["| Name | Type | Default | Description |", "|---|---|---|---|"]
    for name, parameter in _parameters(construct):
        default = "required" if parameter.default is parameter.empty else f"`{_shown(parameter.default)}`"
        text = described[name].replace("``", "`").replace("|", "\\|")
        rows.append(f"| `{name}` | {_annotation(parameter.annotation)} | {default} | {text} |")
    return "\n".join(rows)


def _shown(default: object) -> str:
    if str(default) == "<factory>":
        return "{}"
    if isinstance(default, Enum):
        return f"{type(default).__name__}.{default.name}"
    return str(default)


def _annotation(annotation: object) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    for prefix in ("collections.abc.", "typing.", "aws_cdk.aws_", "aws_cdk."):
        text = text.replace(prefix, "")
    for module in {
        part.rsplit(".", 1)[0] for part in text.replace("[", " ").replace("]", " ").split() if "cachetwin" in part
    }:
        text = text.replace(f"{module}.", "")
    text = re.sub(r"\b(\w+)Base\b", r"I\1", text)  # the name that users annotate with: docs/decisions/0007
    return f"`{text}`".replace("|", "\\|")


def _members(construct: type) -> list[str]:
    """Public methods and properties that are ours, with the first line of what they say."""
    lines = []
    for name in sorted(dir(construct)):
        owner = next((base for base in construct.__mro__ if name in vars(base)), None)
        if name.startswith("_") or owner is None or not owner.__module__.startswith("cachetwin_cdk"):
            continue
        member = inspect.getattr_static(construct, name)
        if isinstance(member, property):
            lines.append(f"- `{name}`: {_first_line(member)}")
        elif callable(getattr(construct, name)) and inspect.getdoc(getattr(construct, name)):
            lines.append(f"- `{name}()`: {_first_line(getattr(construct, name))}")
    return lines


def _first_line(thing: object) -> str:
    text = (inspect.getdoc(thing) or "").split("\n\n")[0].replace("``", "`")
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
