"""What is done with each property of AWS::ElasticLoadBalancingV2 types."""

from cachetwin_local.resources.property_use import PropertyUse, Refused, recorded, refused

_TAGS = "nothing here reads tags"
_STICKY = "clients are not kept on one of several target groups here: the weights decide for each request"
_LOGIN = "nobody is asked to log in here: requests pass as if they had"
_HEADERS = "headers that the load balancer adds or removes on AWS stay as they are"
_MANY = "there is one load balancer, in one place, without a limit of capacity"


def _actions(name: str) -> tuple[str, dict[str, str], dict[str, Refused]]:
    """The properties of a list of actions: used, recorded, refused."""
    used = (
        "FixedResponseConfig.* ForwardConfig.TargetGroups.TargetGroupArn ForwardConfig.TargetGroups.Weight Order "
        "RedirectConfig.* TargetGroupArn Type"
    )
    sticky = f"{name}.ForwardConfig.TargetGroupStickinessConfig"
    return (
        " ".join(f"{name}.{path}" for path in used.split()),
        recorded("said at Enabled", f"{sticky}.DurationSeconds"),
        {
            **refused(_STICKY, f"{sticky}.Enabled"),
            **refused(
                _LOGIN,
                f"{name}.AuthenticateCognitoConfig {name}.AuthenticateOidcConfig {name}.JwtValidationConfig",
            ),
        },
    )


_DEFAULT = _actions("DefaultActions")
_RULE = _actions("Actions")

LISTENER = PropertyUse.of(
    f"LoadBalancerArn Port Protocol {_DEFAULT[0]}",
    {
        **_DEFAULT[1],
        **recorded("the local CA signs one for the endpoint", "Certificates"),
        **recorded(_TAGS, "Tags"),
        **recorded("TLS is what this machine's library offers", "AlpnPolicy SslPolicy"),
        **recorded("said at Mode", "MutualAuthentication.AdvertiseTrustStoreCaNames"),
        **recorded(
            "said at Mode", "MutualAuthentication.IgnoreClientCertificateExpiry MutualAuthentication.TrustStoreArn"
        ),
    },
    {
        **_DEFAULT[2],
        **refused(_HEADERS, "ListenerAttributes"),
        **refused("clients are not asked for a certificate here", "MutualAuthentication.Mode", unless=("off",)),
    },
)

LISTENER_RULE = PropertyUse.of(
    "Conditions.Field Conditions.HostHeaderConfig.Values Conditions.HttpHeaderConfig.HttpHeaderName "
    "Conditions.HttpHeaderConfig.Values Conditions.HttpRequestMethodConfig.Values Conditions.PathPatternConfig.Values "
    f"Conditions.QueryStringConfig.* Conditions.SourceIpConfig.Values Conditions.Values ListenerArn Priority {_RULE[0]}",
    {
        **_RULE[1],
        **recorded(_TAGS, "Tags"),
        **recorded("clients have IPv4 here", "Conditions.SourceIpConfig.IpAddressType"),
    },
    {
        **_RULE[2],
        **refused(
            "regular expressions are not matched here: the rule matches by its other values",
            "Conditions.RegexValues Conditions.HostHeaderConfig.RegexValues Conditions.HttpHeaderConfig.RegexValues "
            "Conditions.PathPatternConfig.RegexValues",
        ),
        **refused("host and path are passed on as they came", "Transforms"),
    },
)

LOAD_BALANCER = PropertyUse.of(
    "Type",
    {
        **recorded("a part of names and ARNs", "Name Scheme"),
        **recorded(
            "checked where the groups and subnets are of this app",
            "SecurityGroups Subnets SubnetMappings EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
        ),
        **recorded(_TAGS, "Tags"),
        **recorded(
            _MANY,
            "EnableCapacityReservationProvisionStabilize EnablePrefixForIpv6SourceNat IpAddressType Ipv4IpamPoolId "
            "MinimumLoadBalancerCapacity LoadBalancerAttributes:load_balancing.cross_zone.enabled "
            "LoadBalancerAttributes:zonal_shift.config.enabled LoadBalancerAttributes:dns_record.client_routing_policy "
            "LoadBalancerAttributes:deletion_protection.enabled LoadBalancerAttributes:waf.fail_open.enabled "
            "LoadBalancerAttributes:ipv6.deny_all_igw_traffic LoadBalancerAttributes:client_keep_alive.seconds "
            "LoadBalancerAttributes:routing.http2.enabled LoadBalancerAttributes:secondary_ips.auto_assigned.per_subnet",
        ),
        **recorded(
            "a request with an invalid header is refused",
            "LoadBalancerAttributes:routing.http.drop_invalid_header_fields.enabled",
        ),
        **recorded(
            "requests are not logged to S3 here",
            " ".join(
                f"LoadBalancerAttributes:{log}_logs.s3.{part}"
                for log in ("access", "connection", "health_check")
                for part in ("enabled", "bucket", "prefix")
            ),
        ),
    },
    {
        **refused(
            "an idle connection is closed after 60 s here",
            "LoadBalancerAttributes:idle_timeout.timeout_seconds",
            unless=("60",),
        ),
        **refused(
            _HEADERS,
            "LoadBalancerAttributes:routing.http.x_amzn_tls_version_and_cipher_suite.enabled "
            "LoadBalancerAttributes:routing.http.preserve_host_header.enabled "
            "LoadBalancerAttributes:routing.http.xff_client_port.enabled",
        ),
        **refused(_HEADERS, "LoadBalancerAttributes:routing.http.xff_header_processing.mode", unless=("append",)),
        **refused(
            "requests are not checked as strictly or loosely as asked",
            "LoadBalancerAttributes:routing.http.desync_mitigation_mode",
            unless=("defensive",),
        ),
        **refused("this attribute is not known here", "LoadBalancerAttributes"),
    },
)

TARGET_GROUP = PropertyUse.of(
    "HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort HealthCheckProtocol HealthCheckTimeoutSeconds "
    "HealthyThresholdCount Matcher.HttpCode Port Protocol TargetType UnhealthyThresholdCount "
    "TargetGroupAttributes:deregistration_delay.timeout_seconds "
    "TargetGroupAttributes:lambda.multi_value_headers.enabled Targets.Id TargetGroupAttributes:stickiness.enabled "
    "TargetGroupAttributes:stickiness.lb_cookie.duration_seconds "
    "TargetGroupAttributes:stickiness.app_cookie.cookie_name "
    "TargetGroupAttributes:stickiness.app_cookie.duration_seconds",
    {
        **recorded("a part of names and ARNs", "Name"),
        **recorded("checked where the groups and subnets are of this app", "VpcId"),
        **recorded(_TAGS, "Tags"),
        **recorded(
            "addresses and instances are said not to be targets here",
            "Targets.AvailabilityZone Targets.Port Targets.QuicServerId",
        ),
        **recorded("services are always checked, functions never", "HealthCheckEnabled"),
        **recorded("targets have IPv4 addresses here", "IpAddressType"),
        **recorded(
            "every zone is this machine, and a group without a healthy target answers 503",
            "TargetGroupAttributes:load_balancing.cross_zone.enabled "
            "TargetGroupAttributes:target_group_health.dns_failover.minimum_healthy_targets.count "
            "TargetGroupAttributes:target_group_health.dns_failover.minimum_healthy_targets.percentage "
            "TargetGroupAttributes:target_group_health.unhealthy_state_routing.minimum_healthy_targets.count "
            "TargetGroupAttributes:target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        ),
    },
    {
        **refused(
            "only cookies keep a client on its target here",
            "TargetGroupAttributes:stickiness.type",
            unless=("lb_cookie", "app_cookie"),
        ),
        **refused("targets take turns", "TargetGroupAttributes:load_balancing.algorithm.type", unless=("round_robin",)),
        **refused(
            "a new target gets its full share at once",
            "TargetGroupAttributes:slow_start.duration_seconds",
            unless=("0",),
        ),
        **refused(
            "an anomaly of a target is not looked for",
            "TargetGroupAttributes:load_balancing.algorithm.anomaly_mitigation",
            unless=("off",),
        ),
        **refused("targets are spoken to in HTTP/1.1", "ProtocolVersion", unless=("HTTP1",)),
        **refused("targets are spoken to in HTTP/1.1", "Matcher.GrpcCode TargetControlPort"),
        **refused("this attribute is not known here", "TargetGroupAttributes"),
    },
)
