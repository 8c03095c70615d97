"""What is done with each property of the types that the endpoint has."""

from collections.abc import Mapping
from typing import Final

from cachetwin_local.resources.property_use import PropertyUse, Refused, recorded, refused

from .shapes import TAKEN

__all__ = ["AWS_API_LISTS"]

_TAGS: Final = recorded("nothing here reads tags", "Tags")
_AT_REST: Final = "nothing is encrypted at rest here"
_POLICY: Final = "policies of resources are not evaluated here: the role's are"
_ONE_REGION: Final = "every region is this machine"
_CAPACITY: Final = "capacity is not limited here"
_KEPT: Final = "what it has here goes when the endpoint stops"


def _of(
    type_name: str, recorded_paths: Mapping[str, str], refused_paths: Mapping[str, Refused] | None = None
) -> PropertyUse:
    used = " ".join(f"{name} {name}.*" for name in TAKEN[type_name])
    return PropertyUse.of(used, recorded_paths, refused_paths)


AWS_API_LISTS: Final[Mapping[str, PropertyUse]] = {
    "AWS::CloudWatch::Alarm": _of(
        "AWS::CloudWatch::Alarm",
        _TAGS,
        refused(
            "alarms over queries are not evaluated here",
            "ActionConfiguration EvaluationCriteria EvaluationInterval EvaluationWindow WarmUpConfiguration",
        ),
    ),
    "AWS::CloudWatch::CompositeAlarm": _of(
        "AWS::CloudWatch::CompositeAlarm",
        {**_TAGS, **recorded("nothing here reads tags", "ActionConfiguration")},
        refused(
            "no alarm holds back the actions of another here",
            "ActionsSuppressor ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod",
        ),
    ),
    "AWS::DynamoDB::GlobalTable": _of(
        "AWS::DynamoDB::GlobalTable",
        {
            **recorded(_AT_REST, "SSESpecification"),
            **recorded(_ONE_REGION, "Replicas GlobalTableWitnesses MultiRegionConsistency"),
            **recorded(
                _CAPACITY,
                "BillingMode ReadOnDemandThroughputSettings ReadProvisionedThroughputSettings WarmThroughput "
                "WriteOnDemandThroughputSettings WriteProvisionedThroughputSettings",
            ),
            **recorded("the kind of table that it is", "TableType"),
        },
        {
            **refused("a table here does not begin as a copy of a table", "GlobalTableSourceArn"),
            **refused("there are no vector indexes here", "VectorIndexes"),
        },
    ),
    "AWS::DynamoDB::Table": _of(
        "AWS::DynamoDB::Table",
        {
            **_TAGS,
            **recorded(_AT_REST, "SSESpecification"),
            **recorded(_POLICY, "ResourcePolicy"),
            **recorded(_CAPACITY, "BillingMode OnDemandThroughput TableClass WarmThroughput"),
            **recorded(_KEPT, "DeletionProtectionEnabled PointInTimeRecoverySpecification"),
            **recorded("nothing here measures it", "ContributorInsightsSpecification"),
        },
        {
            **refused("a table begins empty here", "ImportSourceSpecification"),
            **refused("there is no Kinesis here", "KinesisStreamSpecification"),
            **refused("there are no vector indexes here", "VectorIndexes"),
        },
    ),
    "AWS::Events::EventBus": _of(
        "AWS::Events::EventBus",
        {
            **_TAGS,
            **recorded("a text for people", "Description"),
            **recorded(_AT_REST, "KmsKeyIdentifier"),
            **recorded(_POLICY, "Policy"),
            **recorded("what a bus does is not logged here", "LogConfig"),
        },
        {
            **refused("events of partners do not come here", "EventSourceName"),
            **refused("an event that cannot be delivered is lost here", "DeadLetterConfig"),
        },
    ),
    "AWS::KMS::Alias": _of("AWS::KMS::Alias", {}),
    "AWS::KMS::Key": _of(
        "AWS::KMS::Key",
        {
            **_TAGS,
            **recorded(_POLICY, "KeyPolicy BypassPolicyLockoutSafetyCheck"),
            **recorded("keys do not rotate here", "EnableKeyRotation RotationPeriodInDays"),
            **recorded("a key that the template no longer has is gone at once", "PendingWindowInDays"),
        },
        refused("the material of a key is made here", "Origin", unless=("AWS_KMS",)),
    ),
    "AWS::Logs::LogGroup": _of(
        "AWS::Logs::LogGroup",
        {
            **_TAGS,
            **recorded(_AT_REST, "KmsKeyId"),
            **recorded(_POLICY, "ResourcePolicyDocument BearerTokenAuthenticationEnabled"),
            **recorded(_KEPT, "DeletionProtectionEnabled LogGroupClass"),
            **recorded("a search reads every line here", "FieldIndexPolicies"),
        },
        refused("what lines hold is not masked here, but for generated secrets", "DataProtectionPolicy"),
    ),
    "AWS::S3::Bucket": _of(
        "AWS::S3::Bucket",
        {
            **_TAGS,
            **recorded(_AT_REST, "BucketEncryption"),
            **recorded(
                "only roles of this app reach a bucket, as their policies say",
                "AbacStatus AccessControl OwnershipControls PublicAccessBlockConfiguration",
            ),
            **recorded(
                "nothing here measures it",
                "AccelerateConfiguration AnalyticsConfigurations InventoryConfigurations MetadataConfiguration "
                "MetadataTableConfiguration MetricsConfigurations",
            ),
            **recorded(_KEPT, "IntelligentTieringConfigurations LifecycleConfiguration"),
            **recorded("requests are not logged in a bucket", "LoggingConfiguration"),
            **recorded(_ONE_REGION, "ReplicationConfiguration"),
            **recorded("a bucket here has the name that follows from its template", "BucketNamePrefix BucketNamespace"),
        },
        {
            **refused("browsers do not call a bucket here", "CorsConfiguration"),
            **refused("nothing hears of changes in a bucket here", "NotificationConfiguration"),
            **refused("objects are not locked here", "ObjectLockConfiguration ObjectLockEnabled"),
            **refused("a bucket is no website here", "WebsiteConfiguration"),
        },
    ),
    "AWS::SNS::Subscription": _of(
        "AWS::SNS::Subscription",
        recorded(_ONE_REGION, "Region"),
        {
            **refused("only queues and functions get what is published here", "DeliveryPolicy SubscriptionRoleArn"),
            **refused("what was published is not kept here", "ReplayPolicy"),
        },
    ),
    "AWS::SNS::Topic": _of(
        "AWS::SNS::Topic",
        {
            **_TAGS,
            **recorded("nothing here measures it", "DeliveryStatusLogging TracingConfig"),
            **recorded("messages are not signed here", "SignatureVersion"),
            **recorded(_CAPACITY, "FifoThroughputScope MaximumMessageSize"),
        },
        {
            **refused("what was published is not kept here", "ArchivePolicy"),
            **refused("what is published is not looked into here", "DataProtectionPolicy"),
        },
    ),
    "AWS::SQS::Queue": _of("AWS::SQS::Queue", _TAGS),
    "AWS::SSM::Parameter": _of(
        "AWS::SSM::Parameter",
        {**_TAGS, **recorded("a parameter does not expire here", "Policies")},
    ),
}
