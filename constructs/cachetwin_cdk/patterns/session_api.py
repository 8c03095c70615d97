"""An API whose functions keep sessions and state in a cache, with no secret anywhere.

An HTTP or REST API, Lambda, Valkey. The function's role is what logs in to the cache: it signs a token that lives for
fifteen minutes, so there is no password to store, leak or rotate. The function lives in subnets without a way out, and
its security group knows one path: to the cache.
"""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cachetwin_cdk.access.access_string import AccessString
from cachetwin_cdk.access.users import IamUser
from cachetwin_cdk.checks._validate import ValidationError, refuse, require_between, require_match
from cachetwin_cdk.compliance import Compliance, retain_unless_destroyed
from cachetwin_cdk.monitoring.log_delivery import log_key
from cachetwin_cdk.serverless.serverless_cache import ServerlessCache, UsageLimits

from ._cache import Cache, admit, engine_of, iam_environment
from ._findings import CALLED_FUNCTION, OWN_POLICY, acknowledge
from ._function import closed_function
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

_API_TIMEOUT_S = 29  # both kinds of API give up by then; a function that runs on would answer nobody


class SessionApi(Construct):
    """An API on a Lambda function that keeps its sessions and state in a Valkey cache, logged in with IAM.

    Defines an HTTP or REST API with one throttled, logged stage; a function in Python 3.13 with traces, an encrypted log
    and a role of its own; an IamUser; and, unless given, a ServerlessCache and a VPC without any gateway.

    The function is told in its environment: ``CACHE_HOST``, ``CACHE_PORT``, ``CACHE_TLS``, ``CACHE_USER``,
    ``CACHE_NAME``, ``CACHE_KIND`` (``serverless``, ``replication-group`` or ``cluster``), ``CACHE_KEY_PREFIX`` and
    ``SESSION_TTL_SECONDS``. Its password is an IAM token that it signs itself.

    ``code`` / ``handler`` / ``runtime`` / ``function``
        the code, for Python 3.13 on Graviton unless told otherwise, or a function that exists and lies in ``vpc``.
    ``api_type`` / ``account_log_role``
        HTTP, or REST for what only that kind has. REST APIs write their logs with one role for the whole account and
        region, which is made here unless somebody has made it.
    ``routes``
        such as ``GET /session``; without any, the function gets every request.
    ``authorizer`` / ``allow_anonymous`` / ``cors_preflight``
        callers sign their requests with IAM credentials, unless another authorizer says who may call, or anybody may.
        Authorizer and CORS options are those of the kind of API.
    ``cache``
        one that exists, with a user group that this app makes; the user is added to it.
    ``cache_key_prefix`` / ``cache_access``
        the cache user may read and write keys with this prefix, in transactions too, unless an access string says
        otherwise.
    ``rate_limit`` / ``burst_limit``
        requests per second over all callers, and how many at once above that.
    ``compliance`` / ``backup_retention_days``
        REGULATED for HIPAA and NIST 800-53: a key of its own for the cache, and 15 days of backups instead of one.
    ``removal_policy``
        SNAPSHOT keeps a last snapshot of the cache, and the logs; DESTROY keeps nothing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: lambda_.Code | None = None,
        handler: str = "handler.handle",
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
        _require_code(code, function)
        callers = Callers(authorizer, allow_anonymous, cors_preflight)
        callers.require_kind(api_type)
        if cache is not None and vpc is None:
            raise ValidationError("vpc must be given with a cache that exists, got None; pass the VPC the cache is in")
        if cache is not None and cache_usage_limits is not None:
            raise ValidationError(
                "cache_usage_limits must be left out when cache is given, got both; set the limits where it is made"
            )
        if function is not None and vpc is None:
            raise ValidationError("vpc must be given with a function that exists, got None; pass the VPC it is in")
        require_between("rate_limit", rate_limit, 1, 10_000, unit="requests per second")
        require_between("burst_limit", burst_limit, 1, 5_000, unit="requests")
        require_between("memory_size_mib", memory_size_mib, 128, 10_240, unit="MiB")
        require_between("timeout", time_limit.to_seconds(integral=False), 1, _API_TIMEOUT_S, unit="seconds")
        require_between("session_ttl", ttl.to_seconds(integral=False), 1, 31_536_000, unit="seconds")
        require_match(
            "cache_key_prefix", cache_key_prefix, r"[^\s*?\[\]{}]+", "be literal text", remedy="write it as session:"
        )
        chosen_routes = [method_and_path(route) for route in routes]
        super().__init__(scope, construct_id)
        log_removal = retain_unless_destroyed(removal_policy)
        self.log_key = log_key(self, "LogKey", removal_policy=log_removal)
        self.vpc = vpc or isolated_network(
            self,
            "Vpc",
            log_encryption_key=self.log_key,
            log_retention=log_retention,
            log_removal_policy=log_removal,
            regulated=compliance.is_regulated,
        )
        self.cache_user = IamUser(
            self,
            "CacheUser",
            access_string=cache_access or _session_access(cache_key_prefix),
            engine=engine_of(cache),
        )
        if cache is not None:
            admit(cache, self.cache_user)
        self.cache: Cache = cache or ServerlessCache(
            self,
            "Cache",
            vpc=self.vpc,
            users=[self.cache_user],
            # Anybody who may call can fill the cache, so it must not grow without an end.
            usage_limits=cache_usage_limits or UsageLimits(data_storage_gb_max=10, ecpu_per_second_max=10_000),
            compliance=compliance,
            snapshot_retention_days=_retention(compliance, backup_retention_days),
            removal_policy=removal_policy,
        )
        told = {
            **iam_environment(self.cache, self.cache_user),
            "CACHE_KEY_PREFIX": cache_key_prefix,
            "SESSION_TTL_SECONDS": str(int(ttl.to_seconds())),
        }
        settings = _merged(told, environment or {})
        if function is not None:
            for name, value in settings.items():
                function.add_environment(name, value)
        self.function = function or closed_function(
            self,
            "Function",
            code=_given(code),
            handler=handler,
            runtime=runtime or lambda_.Runtime.PYTHON_3_13,
            architecture=architecture or lambda_.Architecture.ARM_64,
            vpc=self.vpc,
            environment=settings,
            memory_size_mib=memory_size_mib,
            timeout=time_limit,
            reserved_concurrent_executions=reserved_concurrent_executions,
            log_encryption_key=self.log_key,
            log_retention=log_retention,
            log_removal_policy=log_removal,
        )
        self.cache.grant_connect(self.function, self.cache_user)
        self.function.connections.allow_to_default_port(self.cache, "The function asks the cache")
        access_log = logs.LogGroup(
            self, "AccessLog", encryption_key=self.log_key, retention=log_retention, removal_policy=log_removal
        )
        limits = Limits(rate_limit, burst_limit)
        if api_type is ApiType.HTTP:
            self._front: HttpFront | RestFront = http_front(
                self, self.function, chosen_routes, callers, limits=limits, log_group=access_log
            )
        else:
            self._front = rest_front(
                self,
                self.function,
                chosen_routes,
                callers,
                limits=limits,
                log_group=access_log,
                account_log_role=account_log_role,
                regulated=compliance.is_regulated,
            )
        if compliance.is_regulated and function is None and self.function.role is not None:
            acknowledge(self.function.role, OWN_POLICY)
            acknowledge(self.function, CALLED_FUNCTION)

    @property
    def api(self) -> http.HttpApi | rest.RestApi:
        """The API, of the kind that was asked for."""
        return self._front.api

    @property
    def stage(self) -> http.HttpStage | rest.Stage:
        """Its only stage."""
        return self._front.stage

    @property
    def url(self) -> str:
        """Where the API answers."""
        return self._front.url


def _session_access(prefix: str) -> AccessString:
    """Data commands on the prefix's keys, in transactions too; nothing that administers or can stall the server."""
    return (
        AccessString.on()
        .keys(f"{prefix}*")
        .categories("read", "write", "transaction", "connection")
        .without_categories("admin", "dangerous")
    )


def _retention(compliance: Compliance, days: int | None) -> int:
    """A day, for sessions live for minutes; more where rules ask for it."""
    if days is not None:
        return days
    return compliance.retention_days if compliance.is_regulated else 1


def _given(code: lambda_.Code | None) -> lambda_.Code:
    if code is None:
        raise ValidationError("code must be given, got None; pass code, or a function that exists")
    return code


def _require_code(code: lambda_.Code | None, function: lambda_.Function | None) -> None:
    if code is not None and function is not None:
        raise ValidationError("function must be left out when code is given, got both; keep one of them")
    if code is None and function is None:
        raise ValidationError("code must be given, got None; pass code, or a function that exists")
    if function is not None and not function.is_bound_to_vpc:
        refuse("function", "lie in the VPC", function.node.path, "make it with vpc=, so that it can reach the cache")


def _merged(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    for name in theirs:
        if name in ours:
            refuse("environment", "not set what the pattern sets", name, "leave it out")
    return {**ours, **theirs}
