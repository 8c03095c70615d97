"""What is done with each property of AWS::Lambda types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded, refused

_TAGS = "nothing here reads tags"
_HERE = "a process of this machine, with its processor"
_ONE = "every version and alias runs the code that the function has now"

FUNCTION = PropertyUse.of(
    "Code.S3Bucket Code.S3Key Code.ZipFile DeadLetterConfig.TargetArn Environment.* EphemeralStorage.Size FunctionName "
    "Handler Layers LoggingConfig.ApplicationLogLevel LoggingConfig.LogFormat LoggingConfig.LogGroup "
    "LoggingConfig.SystemLogLevel MemorySize PackageType ReservedConcurrentExecutions Role Runtime Timeout "
    "TracingConfig.Mode",
    {
        **recorded("a text for people", "Description"),
        **recorded(_TAGS, "Tags"),
        **recorded(_HERE, "Architectures"),
        **recorded("checked where the groups and subnets are of this app", "VpcConfig"),
        **recorded("nothing is encrypted at rest here", "KmsKeyArn Code.SourceKMSKeyArn"),
        **recorded("the runtime is what this machine has", "RuntimeManagementConfig"),
        **recorded("code is not signed here", "CodeSigningConfigArn"),
        **recorded("an environment starts cold, as without it", "SnapStart"),
        **recorded("a loop of calls is not looked for", "RecursiveLoop"),
        **recorded("the asset of this app is what runs", "Code.S3ObjectVersion Code.S3ObjectStorageMode"),
        **recorded(_ONE, "PublishToLatestPublished"),
    },
    {
        **refused("a function from a container image does not run here", "Code.ImageUri ImageConfig"),
        **refused("no file system is mounted here", "FileSystemConfigs"),
        **refused("functions run in environments of their own here", "CapacityProviderConfig FunctionScalingConfig"),
        **refused("an invocation ends within its timeout here", "DurableConfig"),
        **refused("environments are not kept apart by tenant", "TenancyConfig"),
    },
)

URL = PropertyUse.of(
    "AuthType Cors.AllowCredentials Cors.AllowHeaders Cors.AllowMethods Cors.AllowOrigins Cors.ExposeHeaders Cors.MaxAge "
    "Qualifier TargetFunctionArn",
    None,
    refused("a response is sent when it is complete", "InvokeMode", unless=("BUFFERED",)),
)

VERSION = PropertyUse.of(
    "FunctionName",
    {
        **recorded("a text for people", "Description"),
        **recorded(_ONE, "CodeSha256"),
        **recorded("environments start when they are needed", "ProvisionedConcurrencyConfig"),
        **recorded("the runtime is what this machine has", "RuntimePolicy"),
        **recorded("functions run in environments of their own here", "FunctionScalingConfig"),
    },
)

ALIAS = PropertyUse.of(
    "FunctionName Name",
    {
        **recorded("a text for people", "Description"),
        **recorded(_ONE, "FunctionVersion RoutingConfig"),
        **recorded("environments start when they are needed", "ProvisionedConcurrencyConfig"),
    },
)

EVENT_SOURCE_MAPPING = PropertyUse.of(
    "BatchSize BisectBatchOnFunctionError DestinationConfig.* Enabled EventSourceArn FilterCriteria.* FunctionName "
    "FunctionResponseTypes MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds MaximumRetryAttempts "
    "ScalingConfig.* StartingPosition",
    {
        **recorded(_TAGS, "Tags"),
        **recorded("nothing is encrypted at rest here", "KmsKeyArn"),
        **recorded("one batch after the other keeps the order of a stream", "ParallelizationFactor"),
        **recorded("queues are read as fast as the function takes messages", "ProvisionedPollerConfig"),
        **recorded("what a mapping does is in the log of `aws`", "LoggingConfig MetricsConfig"),
        **recorded("a stream here begins with the run", "StartingPositionTimestamp"),
    },
    {
        **refused("windows over several batches do not run here", "TumblingWindowInSeconds", unless=("0",)),
        **refused(
            "queues and streams of tables are event sources here",
            "AmazonManagedKafkaEventSourceConfig DocumentDBEventSourceConfig Queues SelfManagedEventSource "
            "SelfManagedKafkaEventSourceConfig SourceAccessConfigurations Topics",
        ),
    },
)
