"""An API whose function keeps sessions in a cache, without a stored password.

HTTP or REST API, Lambda, Valkey. The function logs in to the cache with an IAM token that is valid for 15 minutes, so no
password is stored, leaked or rotated. It runs in subnets without a route out of the VPC, and its security group allows
connections to the cache only.
"""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cachetwin_cdk.access.access import Access
from cachetwin_cdk.access.access_string import AccessString
from cachetwin_cdk.access.users import IamUser
from cachetwin_cdk.checks._places import require_vpc_of_groups
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import (
    ValidationError,
    WarningId,
    known,
    refuse,
    require_at_least,
    require_between,
    require_match,
    warn,
)
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.monitoring.log_delivery import log_key
from cachetwin_cdk.network._placement import accept_all_outbound
from cachetwin_cdk.operations.backups import Backups
from cachetwin_cdk.serverless.serverless_cache import ServerlessCache, UsageLimits

from ._cache import Cache, UserPlace, add_user_to, engine_of, iam_environment, require_usable
from ._environment import merged, seconds_text
from ._findings import CALLED_FUNCTION, OWN_POLICY, acknowledge
from ._function import private_function
from ._limits import chosen_handler, require_function_environment, require_runtime, require_timeout
from ._logs import LogSettings
from ._network import isolated_network
from ._session_front import (
    ApiType,
    Authorizer,
    Callers,
    Cors,
    HttpFront,
    Limits,
    RestFront,
    http_front,
    method_and_path,
    rest_front,
)

_RATE_QUOTA, _BURST_QUOTA = 10_000, 5_000  # of an account and region, before it is raised
_API_TIMEOUT_S = 29  # both kinds of API wait no longer for the function


@checked_arguments
class SessionApi(Construct):
    """An HTTP or REST API on a Lambda function that keeps its sessions in a Valkey cache and logs in to it with IAM.

    Defines the API with one throttled and logged stage; a function in Python 3.13 with traces, an encrypted log and
    its own role; an IamUser; and, unless given, a ServerlessCache and a VPC without any gateway.

    The function has these environment variables: ``CACHE_HOST``, ``CACHE_PORT``, ``CACHE_TLS``, ``CACHE_USER``,
    ``CACHE_NAME``, ``CACHE_KIND`` (``serverless``, ``replication-group`` or ``cluster``), ``CACHE_KEY_PREFIX`` and
    ``SESSION_TTL_SECONDS``. Its password is an IAM token that it signs itself.

    Args:
        code: The code of the function. Required unless ``function`` is given.
        handler: The handler in ``code``. By default ``handler.handle``, or ``index.handle`` for inline code.
        runtime: The runtime of the function. Python 3.13 by default.
        function: An existing function in ``vpc``, in place of ``code``. By default one is created.
        api_type: The kind of API: HTTP, or REST for the features that only REST APIs have. Changing it replaces the
            API.
        account_log_role: Whether to create the role with which all REST APIs of the account and region write logs.
            By default it is created; turn it off where it exists. HTTP APIs do not need it.
        routes: The routes that call the function, such as ``GET /session``. By default every request calls it.
        authorizer: Who may call, as an authorizer of the kind of API. By default callers sign requests with IAM
            credentials.
        allow_anonymous: Whether anybody may call, in place of an authorizer.
        cors_preflight: CORS options of the kind of API. By default other origins are not allowed.
        rate_limit: Requests per second that the stage accepts, over all callers.
        burst_limit: Requests that the stage accepts at once above ``rate_limit``.
        environment: Further environment variables of the function. By default there are none.
        memory_size_mib: Memory of the function in MiB, which also determines its share of CPU.
        timeout: How long the function may run, at most 29 seconds. 10 seconds by default.
        architecture: The processor of the function. Graviton (Arm) by default.
        reserved_concurrent_executions: How many executions are reserved for the function, and are its maximum. By
            default none are reserved.
        vpc: An existing VPC; required with an existing cache or function. By default a new one with isolated
            subnets in two zones. Changing it replaces the cache.
        cache: An existing cache with a user group to which the user is added: one of this app, in any stack, or one
            imported with ``add_users=True``. By default a serverless cache is created.
        cache_usage_limits: Limits of the cache created here. By default 10 GB and 10,000 processing units per
            second.
        cache_key_prefix: The prefix of the keys that the user may use.
        cache_access: The access string of the user. By default it may read and write keys with
            ``cache_key_prefix``, in transactions too.
        session_ttl: How long a session lasts, passed on as ``SESSION_TTL_SECONDS``. 30 minutes by default.
        compliance: The rules that the API follows. REGULATED, for HIPAA and NIST 800-53, adds a key for the cache
            and 15 days of backups.
        backup_retention_days: How many days snapshots of the cache are kept. By default one, or 15 with
            ``compliance=REGULATED``.
        log_retention: How long log groups keep their entries.
        removal_policy: What happens when the API is removed. By default the cache leaves a final snapshot and logs
            are kept; DESTROY keeps nothing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: lambda_.Code | None = None,
        handler: str | None = None,
        runtime: lambda_.Runtime | None = None,
        function: lambda_.Function | None = None,
        api_type: ApiType = ApiType.HTTP,
        account_log_role: bool = True,
        routes: Sequence[str] = (),
        authorizer: Authorizer | None = None,
        allow_anonymous: bool = False,
        cors_preflight: Cors | None = None,
        rate_limit: float = 100,
        burst_limit: int = 200,
        environment: Mapping[str, str] | None = None,
        memory_size_mib: int = 512,
        timeout: cdk.Duration | None = None,
        architecture: lambda_.Architecture | None = None,
        reserved_concurrent_executions: int | None = None,
        vpc: ec2.IVpc | None = None,
        cache: Cache | None = None,
        cache_usage_limits: UsageLimits | None = None,
        cache_key_prefix: str = "session:",
        cache_access: AccessString | None = None,
        session_ttl: cdk.Duration | None = None,
        compliance: Compliance = Compliance.STANDARD,
        backup_retention_days: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.SNAPSHOT,
    ) -> None:
        time_limit = timeout or cdk.Duration.seconds(10)
        ttl = session_ttl or cdk.Duration.minutes(30)
        callers = Callers(authorizer, allow_anonymous, cors_preflight)
        callers.require_kind(api_type)
        _require_code(code, function)
        _require_vpc(vpc, cache=cache, function=function)
        if cache is not None and cache_usage_limits is not None:
            raise ValidationError(
                "cache_usage_limits must be left out when cache is given, got both; set the limits where it is made"
            )
        _require_numbers(rate_limit, burst_limit, memory_size_mib, time_limit, ttl)
        require_match(
            "cache_key_prefix", cache_key_prefix, r"[^\s*?\[\]{}]+", "be literal text", remedy="write it as session:"
        )
        chosen_routes = [method_and_path(route) for route in routes]
        _require_routes(chosen_routes, api_type)
        require_function_environment(environment or {})
        if function is not None:
            _require_no_settings(
                handler=handler,
                runtime=runtime,
                timeout=timeout,
                architecture=architecture,
                reserved_concurrent_executions=reserved_concurrent_executions,
            )
        handler = chosen_handler(handler, code)
        require_runtime(runtime)
        require_at_least("reserved_concurrent_executions", reserved_concurrent_executions, 0)
        super().__init__(scope, construct_id)

        require_usable(self, cache, vpc, cache_access)
        _warn_of_quotas(self, rate_limit, burst_limit)
        self._regulated = compliance.is_regulated
        retain_logs = retain_unless_destroyed(removal_policy)
        self.log_key = log_key(self, "LogKey", removal_policy=retain_logs)
        self._log_settings = LogSettings(self.log_key, log_retention, retain_logs)
        self.vpc = vpc or isolated_network(self, "Vpc", log_settings=self._log_settings, regulated=self._regulated)
        place = UserPlace.of(self, cache)
        self.cache_user = IamUser(
            place.scope,
            place.construct_id("CacheUser"),
            access_string=cache_access or _session_access(cache_key_prefix),
            engine=engine_of(cache),
        )
        member = add_user_to(cache, self.cache_user) if cache is not None else None
        self.cache: Cache = cache or self._create_cache(
            cache_usage_limits, compliance, backup_retention_days, removal_policy
        )
        own_environment = {
            **iam_environment(self.cache, self.cache_user),
            "CACHE_KEY_PREFIX": cache_key_prefix,
            "SESSION_TTL_SECONDS": seconds_text(ttl),
        }
        variables = merged(own_environment, environment or {}, ())
        self.function = (
            _configured(function, variables)
            if function is not None
            else self._create_function(
                code,
                handler=handler,
                runtime=runtime,
                architecture=architecture,
                environment=variables,
                memory_size_mib=memory_size_mib,
                timeout=time_limit,
                reserved_concurrent_executions=reserved_concurrent_executions,
            )
        )
        if member is not None:
            self.function.node.add_dependency(member)
        self.cache.grant_connect(self.function, self.cache_user)
        if function is not None:
            accept_all_outbound(function)
        self.function.connections.allow_to_default_port(self.cache, "The function asks the cache")
        self._front = self._create_front(
            api_type, chosen_routes, callers, Limits(rate_limit, burst_limit), account_log_role=account_log_role
        )
        if self._regulated and function is None:
            self._acknowledge_findings()

    @property
    def api(self) -> http.HttpApi | rest.RestApi:
        """The API, of the kind that ``api_type`` names."""
        return self._front.api

    @property
    def stage(self) -> http.HttpStage | rest.Stage:
        """The stage of the API; it has one."""
        return self._front.stage

    @property
    def url(self) -> str:
        """The URL of the API."""
        return self._front.url

    def _create_cache(
        self,
        usage_limits: UsageLimits | None,
        compliance: Compliance,
        retention_days: int | None,
        removal_policy: cdk.RemovalPolicy,
    ) -> ServerlessCache:
        return ServerlessCache(
            self,
            "Cache",
            vpc=self.vpc,
            access=Access.users(self.cache_user),
            # Every caller of the API can add keys, so the cache has limits by default.
            usage_limits=usage_limits or UsageLimits(data_storage_gb_max=10, ecpu_per_second_max=10_000),
            compliance=compliance,
            backups=Backups(retention_days=_retention_days(compliance, retention_days)),
            removal_policy=removal_policy,
        )

    def _create_function(
        self,
        code: lambda_.Code | None,
        *,
        handler: str,
        runtime: lambda_.Runtime | None,
        architecture: lambda_.Architecture | None,
        environment: Mapping[str, str],
        memory_size_mib: int,
        timeout: cdk.Duration,
        reserved_concurrent_executions: int | None,
    ) -> lambda_.Function:
        assert code is not None  # noqa: S101  (required where no function is given)
        return private_function(
            self,
            "Function",
            code=code,
            handler=handler,
            runtime=runtime or lambda_.Runtime.PYTHON_3_13,
            architecture=architecture or lambda_.Architecture.ARM_64,
            vpc=self.vpc,
            environment=environment,
            memory_size_mib=memory_size_mib,
            timeout=timeout,
            reserved_concurrent_executions=reserved_concurrent_executions,
            log_settings=self._log_settings,
        )

    def _create_front(
        self,
        api_type: ApiType,
        routes: Sequence[tuple[str, str]],
        callers: Callers,
        limits: Limits,
        *,
        account_log_role: bool,
    ) -> HttpFront | RestFront:
        access_log = self._log_settings.create_group(self, "AccessLog")
        if api_type is ApiType.HTTP:
            return http_front(self, self.function, routes, callers, limits=limits, log_group=access_log)
        return rest_front(
            self,
            self.function,
            routes,
            callers,
            limits=limits,
            log_group=access_log,
            account_log_role=account_log_role,
            regulated=self._regulated,
        )

    def _acknowledge_findings(self) -> None:
        if self.function.role is not None:
            acknowledge(self.function.role, OWN_POLICY)
            acknowledge(self.function, CALLED_FUNCTION)


def _configured(function: lambda_.Function, variables: Mapping[str, str]) -> lambda_.Function:
    """The existing function, with the variables added to its environment."""
    for name, value in variables.items():
        function.add_environment(name, value)
    return function


def _session_access(prefix: str) -> AccessString:
    """Data commands and transactions on keys with the prefix, without administration and slow commands."""
    return (
        AccessString.on()
        .keys(f"{prefix}*")
        .categories("read", "write", "transaction", "connection")
        .without_categories("admin", "dangerous")
    )


def _retention_days(compliance: Compliance, days: int | None) -> int:
    """One day by default, because sessions last minutes, and more where ``compliance`` asks for it."""
    if days is not None:
        return days
    return compliance.retention_days if compliance.is_regulated else 1


def _require_code(code: lambda_.Code | None, function: lambda_.Function | None) -> None:
    if code is not None and function is not None:
        raise ValidationError("function must be left out when code is given, got both; keep one of them")
    if code is None and function is None:
        raise ValidationError("code must be given, got None; pass code, or a function that exists")
    if function is not None and not function.is_bound_to_vpc:
        refuse("function", "lie in the VPC", function.node.path, "make it with vpc=, so that it can reach the cache")


def _require_vpc(vpc: ec2.IVpc | None, *, cache: Cache | None, function: lambda_.Function | None) -> None:
    if cache is not None and vpc is None:
        raise ValidationError("vpc must be given with a cache that exists, got None; pass the VPC the cache is in")
    if function is not None:
        if vpc is None:
            raise ValidationError("vpc must be given with a function that exists, got None; pass the VPC it is in")
        require_vpc_of_groups("function", vpc, function.connections.security_groups)


def _require_no_settings(**settings: object) -> None:
    """Raise ValidationError for settings of the function that is made here, where one exists."""
    for name, value in settings.items():
        if value is not None:
            refuse(name, "be left out with an existing function", value, "set it where the function is made")


def _require_numbers(
    rate_limit: float, burst_limit: int, memory_size_mib: int, timeout: cdk.Duration, session_ttl: cdk.Duration
) -> None:
    require_at_least("rate_limit", rate_limit, 1, unit="request per second")
    require_at_least("burst_limit", burst_limit, 1, unit="request")
    require_between("memory_size_mib", memory_size_mib, 128, 10_240, unit="MiB")
    require_timeout(timeout, _API_TIMEOUT_S)
    require_at_least("session_ttl", session_ttl.to_seconds(integral=False), 1, unit="second")


def _warn_of_quotas(scope: Construct, rate_limit: float, burst_limit: int) -> None:
    for name, value, quota in (("rate_limit", rate_limit, _RATE_QUOTA), ("burst_limit", burst_limit, _BURST_QUOTA)):
        if known(value) and value > quota:
            warn(
                scope,
                WarningId.RATE_QUOTA,
                f"{name} {value} is more than the {quota} that a new account has for all of its APIs in a region; have the "
                "quota raised, then acknowledge this warning",
            )


def _require_routes(routes: Sequence[tuple[str, str]], api_type: ApiType) -> None:
    """Raise ValidationError for a route that is given twice, and for a greedy parameter that is not the last part."""
    for number, route in enumerate(routes):
        if route in routes[:number]:
            refuse("routes", "name each route once", " ".join(route), "remove the second one")
        if api_type is ApiType.REST:
            _require_one_variable(route[1], [path for _, path in routes[:number]])
        if "+}" in route[1].rstrip("/").removesuffix("+}"):
            refuse("routes", "have {name+} as the last part only", route[1], "end the path with it")


def _require_one_variable(path: str, others: Sequence[str]) -> None:
    """A REST API is a tree in which one part of a path has one variable."""
    parts = path.split("/")
    for other in others:
        for ours, theirs in zip(parts, other.split("/"), strict=False):
            if ours != theirs:
                if ours.startswith("{") and theirs.startswith("{"):
                    refuse("routes", f"call that part of the path {theirs}, as {other} does", path, "use one name")
                break
