"""Findings of cdk-nag's packs for regulated data in the patterns, and the reasons to acknowledge them."""

from cachetwin_cdk.checks._findings import OWN_POLICY as OWN_POLICY  # noqa: PLC0414  (one more of the reasons below)
from cachetwin_cdk.checks._findings import acknowledge_regulated

acknowledge = acknowledge_regulated  # what is found in the patterns is of those packs
FRONT = {
    "ALBWAFEnabled": "Which web ACL guards a public application is for its owner to say, or for Firewall Manager: attach "
    "one to 'front.load_balancer'."
}
ACCESS_LOGS = {
    "S3BucketDefaultLockEnabled": "A load balancer does not write to a bucket with a default lock.",
    "S3BucketLoggingEnabled": "This bucket holds access logs; logging the access to them would never end.",
    "S3BucketReplicationEnabled": "Access logs are for looking into, and are gone after 90 days; replicate "
    "'front.access_logs' where they have to outlive a region.",
    "S3DefaultEncryptionKMS": "A load balancer writes its access logs to buckets that S3 encrypts with its own keys only.",
}
NETWORK = {
    "VPCDefaultSecurityGroupClosed": "Nothing uses the default group, and emptying it takes a function with "
    "rights to do so.",
}
PUBLIC_SUBNET = {
    "VPCNoUnrestrictedRouteToIGW": "The load balancer of a public application, and the NAT gateway, need this route."
}
DATABASE = {
    "RDSInBackupPlan": "RDS keeps automated backups; a plan of AWS Backup that selects by tag takes the instance in "
    "as well.",
    "SecretsManagerRotationEnabled": "Tasks read the password when they start, so a rotation must come with a deployment; "
    "rotate with 'add_rotation_single_user' once the service reads it anew.",
}
CACHE_SECRET = {
    "SecretsManagerRotationEnabled": "Tasks read the password when they start; let it rotate with "
    "'rotate_cache_password_days' where they are deployed more often than that.",
}
CALLED_FUNCTION = {
    "LambdaConcurrency": "The API's throttle bounds how many run at once; reserve with 'reserved_concurrent_executions'.",
    "LambdaDLQ": "The API calls it and waits: who called hears of a failure at once.",
}
METER = {
    "LambdaConcurrency": "A schedule calls it once a minute, for at most half a minute.",
    "LambdaDLQ": "A measurement that failed is of no use later: the next one comes in a minute.",
}
REST_STAGE = {
    "APIGWAssociatedWithWAF": "Which web ACL guards an API is for its owner to say, or for Firewall Manager: attach one to "
    "'stage'.",
    "APIGWCacheEnabledAndEncrypted": "An answer is for one caller's session and must not be given to another from a cache.",
    "APIGWSSLEnabled": "A function stands behind the API, called with AWS credentials: no client certificate is sent.",
}
