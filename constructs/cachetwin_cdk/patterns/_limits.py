"""Limits of Fargate, RDS, load balancers and Lambda on values that the patterns take.

Sources: the developer guide of ECS (task CPU and memory, stop timeout), the user guide of RDS for PostgreSQL (instance
classes, names), the API references of Elastic Load Balancing (paths of health checks) and Lambda (environment).
"""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_

from cachetwin_cdk.checks._places import require_vpc
from cachetwin_cdk.checks._validate import known, refuse, require_between, require_match

# CPU units of a task: the least and most memory in MiB, and the step between; the smallest size has no even steps.
_MEMORY_OF_CPU = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16_384 + 1, 1024),
    4096: range(8192, 30_720 + 1, 1024),
    8192: range(16_384, 61_440 + 1, 4096),
    16_384: range(32_768, 122_880 + 1, 8192),
}
_STOP_TIMEOUT_MAX_S = 120
_PATH_LENGTH_MAX = 1024
# Families of instance classes that RDS for PostgreSQL 18 has, by their first letters; others are EC2's alone or too old.
_DATABASE_FAMILIES = ("c6gd", "m5", "m6", "m7", "m8", "r5", "r6", "r7", "r8", "t3", "t4g", "x1", "x2", "x8", "z1")
_LAMBDA_ENVIRONMENT_MAX = 4096
# Runtimes that Lambda makes no function of any more (cfn-lint's copy of the dates, November 2026).
_RETIRED_RUNTIMES = frozenset(
    {
        "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "go1.x", "java8", "nodejs", "nodejs10.x",
        "nodejs12.x", "nodejs14.x", "nodejs4.3", "nodejs6.10", "nodejs8.10", "provided", "python2.7", "python3.6",
        "python3.7", "ruby2.5", "ruby2.7",
    }
)  # fmt: skip
_LAMBDA_OWN = (
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
)  # fmt: skip
# Key words that PostgreSQL reserves: a database of such a name cannot be named without quotes.
_RESERVED_NAMES = frozenset(
    {
        "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case", "cast",
        "check", "collate", "column", "constraint", "create", "current_catalog", "current_date", "current_role",
        "current_time", "current_timestamp", "current_user", "default", "deferrable", "desc", "distinct", "do",
        "else", "end", "except", "false", "fetch", "for", "foreign", "from", "grant", "group", "having", "in",
        "initially", "intersect", "into", "lateral", "leading", "limit", "localtime", "localtimestamp", "not",
        "null", "offset", "on", "only", "or", "order", "placing", "primary", "references", "returning", "select",
        "session_user", "some", "symmetric", "system_user", "table", "then", "to", "trailing", "true", "union",
        "unique", "user", "using", "variadic", "when", "where", "window", "with", "rdsadmin", "template0",
        "template1",
    }
)  # fmt: skip


def require_task_size(cpu: int, memory_limit_mib: int) -> None:
    """Raise ValidationError for CPU and memory that Fargate does not combine; sizes above those known here pass."""
    if not known(cpu, memory_limit_mib) or cpu > max(_MEMORY_OF_CPU):
        return
    memory = _MEMORY_OF_CPU.get(cpu)
    if memory is None:
        refuse("cpu", f"be one of {', '.join(map(str, _MEMORY_OF_CPU))}", cpu, "choose one of those")
    if memory_limit_mib not in memory:
        allowed = ", ".join(map(str, memory)) if len(memory) < 5 else f"{memory[0]} to {memory[-1]} in steps of "
        step = "" if len(memory) < 5 else str(memory[1] - memory[0])
        refuse(
            "memory_limit_mib",
            f"be {allowed}{step} with cpu {cpu}",
            memory_limit_mib,
            "choose one of those, or more cpu",
        )


def require_stop_timeout(stop_timeout: cdk.Duration | None) -> None:
    """Raise ValidationError for a time that Fargate does not wait between SIGTERM and SIGKILL."""
    if stop_timeout is not None:
        require_between("stop_timeout", stop_timeout.to_seconds(integral=False), 0, _STOP_TIMEOUT_MAX_S, unit="seconds")


def require_health_check_path(path: str) -> None:
    """Raise ValidationError for a path that a load balancer does not request."""
    require_match("health_check_path", path, r"/\S*", "start with a slash", remedy="write it as /healthz")
    if known(path) and len(path) > _PATH_LENGTH_MAX:
        refuse("health_check_path", f"hold at most {_PATH_LENGTH_MAX} characters", f"{len(path)}", "shorten it")


def require_instance_type(instance_type: ec2.InstanceType | None) -> None:
    """Raise ValidationError for an instance type that is no instance class of RDS for PostgreSQL."""
    if instance_type is None or not known(instance_type.to_string()):
        return
    family, _, size = instance_type.to_string().partition(".")
    if not family.startswith(_DATABASE_FAMILIES) or size == "nano":
        refuse(
            "database_instance_type",
            "be a class that RDS for PostgreSQL has",
            instance_type.to_string(),
            "choose one such as t4g.small, m7g.large or r7g.large",
        )


def require_database_name(name: str) -> None:
    """Raise ValidationError for a name that RDS or PostgreSQL reserve."""
    require_match(
        "database_name",
        name,
        r"[A-Za-z][A-Za-z0-9_]{0,62}",
        "start with a letter and hold at most 63 letters, digits and underscores",
        remedy="choose such a name",
    )
    if known(name) and name.lower() in _RESERVED_NAMES:
        refuse("database_name", "be no word that PostgreSQL or RDS reserve", name, "choose a name such as app")


def require_function_environment(environment: Mapping[str, str]) -> None:
    """Raise ValidationError for a variable that Lambda does not let a function have."""
    for name in environment:
        require_match(
            "environment",
            name,
            r"[A-Za-z][A-Za-z0-9_]+",
            "name variables with a letter first, then letters, digits and underscores",
            remedy="rename it",
        )
        if name in _LAMBDA_OWN:
            refuse("environment", "name no variable that Lambda sets", name, "rename it")
    size = sum(len(f"{name}{value}".encode()) for name, value in environment.items() if known(value))
    if size > _LAMBDA_ENVIRONMENT_MAX:
        refuse(
            "environment", f"hold at most {_LAMBDA_ENVIRONMENT_MAX} bytes", size, "read larger values from elsewhere"
        )


def require_variable_names(environment: Mapping[str, str]) -> None:
    """Raise ValidationError for a variable that no process can have."""
    for name in environment:
        require_match("environment", name, r"[^=\s]+", "name each variable, without space and =", remedy="rename it")


def require_container_user(user: str) -> None:
    """Raise ValidationError for what ECS does not read as a user, or as a user and a group."""
    require_match(
        "container_user", user, r"[^\s:]+(:[^\s:]+)?", "be a user or user:group", remedy="write it as 10001:10001"
    )


def require_cluster(cluster: ecs.ICluster | None, vpc: ec2.IVpc | None) -> None:
    """Raise ValidationError for a cluster of another VPC."""
    if cluster is not None and vpc is not None:
        require_vpc("cluster", vpc, cluster.vpc)


def require_command(name: str, command: Sequence[str] | None) -> None:
    """Raise ValidationError for a command without any word."""
    if command is not None and not command:
        refuse(name, "have a word at least", list(command), "leave it out, or name the program")


def require_runtime(runtime: lambda_.Runtime | None) -> None:
    """Raise ValidationError for a runtime that Lambda makes no function of any more."""
    if runtime is not None and runtime.name in _RETIRED_RUNTIMES:
        refuse("runtime", "be one that Lambda still offers", runtime.name, "choose a newer one")


def require_timeout(timeout: cdk.Duration, most_s: int) -> None:
    """Raise ValidationError for a time that is no whole number of seconds up to ``most_s``."""
    seconds = timeout.to_seconds(integral=False)
    require_between("timeout", seconds, 1, most_s, unit="seconds")
    if known(seconds) and seconds % 1:
        refuse("timeout", "be a whole number of seconds", seconds, "round it")


def chosen_handler(handler: str | None, code: lambda_.Code | None) -> str:
    """The handler, given or that of the code. Raises ValidationError for one without the module that has it."""
    is_inline = isinstance(code, lambda_.InlineCode)
    handler = handler or ("index.handle" if is_inline else "handler.handle")
    require_match(
        "handler", handler, r"[^\s.]\S*\.[^\s.]+", "be written as module.function", remedy="write it as handler.handle"
    )
    if is_inline and known(handler) and not handler.startswith("index."):
        refuse("handler", "begin with index. for inline code, which is in that module", handler, "write index.handle")
    return handler
