"""Who may log in to a database with an IAM token, from the state of a run."""

from cachetwin_local.supervise.postgres.tokens import TokenLogins
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Database

__all__ = ["token_logins"]


def token_logins(run_context: RunContext, database: Database) -> TokenLogins:
    """What tokens are checked against now."""
    identity, endpoint = database.identity, database.endpoint
    _arn, partition, _service, region, account, *_name = identity.arn.split(":")
    attributes = identity.attributes
    resource_id = attributes.get("DbiResourceId", attributes.get("DBClusterResourceId", ""))
    ports = {endpoint.port, endpoint.port_on_aws}
    return TokenLogins(
        hosts=frozenset(f"{name}:{port}".lower() for name in (endpoint.address, *endpoint.names) for port in ports),
        region=region,
        resource=f"arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}",
        callers=tuple(run_context.identities.all()),
        known={
            "aws:SecureTransport": "true",
            "aws:RequestedRegion": region,
        },
        ahead_ms=run_context.clock.ahead_ms,
    )
