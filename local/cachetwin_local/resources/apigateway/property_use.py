"""What is done with each property of AWS::ApiGateway types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded, refused

_TAGS = "nothing here reads tags"
_TEXT = "a text for people"
_HERE = "the API is at an address of this machine"
_SHAPES = "the integration's responses say what is sent; which of them a method declares is not checked"

REST_API = PropertyUse.of(
    "Name",
    {
        **recorded(_TEXT, "Description Version"),
        **recorded(_TAGS, "Tags"),
        **recorded(_HERE, "DisableExecuteApiEndpoint EndpointConfiguration EndpointAccessMode SecurityPolicy"),
        **recorded("`Value` of the app's keys is what counts, in the header X-API-Key", "ApiKeySourceType"),
        **recorded("a body that is not declared as text is in base64", "BinaryMediaTypes"),
        **recorded("nothing is compressed here", "MinimumCompressionSize"),
        **recorded("who may call by its policy is not checked yet", "Policy"),
        **recorded("read where it is imported", "Mode Parameters FailOnWarnings"),
    },
    refused("an API that is imported from OpenAPI does not run here", "Body BodyS3Location CloneFrom"),
)

RESOURCE = PropertyUse.of("ParentId PathPart RestApiId")

METHOD = PropertyUse.of(
    "ApiKeyRequired AuthorizationType AuthorizerId HttpMethod Integration.ConnectionType Integration.Credentials "
    "Integration.IntegrationHttpMethod Integration.IntegrationResponses.ResponseParameters.* "
    "Integration.IntegrationResponses.ResponseTemplates.* Integration.IntegrationResponses.SelectionPattern "
    "Integration.IntegrationResponses.StatusCode Integration.PassthroughBehavior Integration.RequestParameters.* "
    "Integration.RequestTemplates.* Integration.TimeoutInMillis Integration.Type Integration.Uri OperationName "
    "RequestModels.* RequestParameters.* RequestValidatorId ResourceId RestApiId",
    {
        **recorded(_SHAPES, "MethodResponses"),
        **recorded("scopes of user pools' tokens are not checked", "AuthorizationScopes"),
        **recorded(
            "nothing is cached or converted here",
            "Integration.CacheKeyParameters Integration.CacheNamespace Integration.ContentHandling "
            "Integration.IntegrationResponses.ContentHandling",
        ),
    },
    {
        **refused("private integrations do not run here", "Integration.ConnectionId Integration.IntegrationTarget"),
        **refused("a response is sent when it is complete", "Integration.ResponseTransferMode", unless=("BUFFERED",)),
    },
)

DEPLOYMENT = PropertyUse.of(
    "",
    {
        **recorded("what is written is what runs", "DeploymentCanarySettings Description RestApiId"),
        **recorded("the stages of the template are what runs", "StageName StageDescription"),
    },
)

STAGE = PropertyUse.of(
    "AccessLogSetting.Format MethodSettings.HttpMethod MethodSettings.ResourcePath MethodSettings.ThrottlingBurstLimit "
    "MethodSettings.ThrottlingRateLimit RestApiId StageName Variables.*",
    {
        **recorded(_TEXT, "Description DocumentationVersion"),
        **recorded(_TAGS, "Tags"),
        **recorded("`cachetwin logs` has the access log", "AccessLogSetting.DestinationArn"),
        **recorded("what is written is what runs", "DeploymentId CanarySetting"),
        **recorded(
            "nothing is cached here",
            "CacheClusterEnabled CacheClusterSize MethodSettings.CacheDataEncrypted MethodSettings.CacheTtlInSeconds "
            "MethodSettings.CachingEnabled",
        ),
        **recorded(
            "metrics are counted in any case",
            "MethodSettings.DataTraceEnabled MethodSettings.LoggingLevel MethodSettings.MetricsEnabled TracingEnabled",
        ),
        **recorded(_HERE, "ClientCertificateId"),
    },
)

AUTHORIZER = PropertyUse.of(
    "AuthorizerResultTtlInSeconds AuthorizerUri IdentitySource Name Type",
    {
        **recorded("permissions are not checked yet", "AuthorizerCredentials"),
        **recorded(_TEXT, "AuthType RestApiId"),
    },
    {
        **refused("tokens of user pools are not checked here: nobody may call", "ProviderARNs"),
        **refused("a token is passed on whatever it looks like", "IdentityValidationExpression"),
    },
)

REQUEST_VALIDATOR = PropertyUse.of("ValidateRequestBody ValidateRequestParameters", recorded(_TEXT, "Name RestApiId"))

MODEL = PropertyUse.of("Name RestApiId Schema Schema.*", recorded(_TEXT, "ContentType Description"))

GATEWAY_RESPONSE = PropertyUse.of("ResponseParameters.* ResponseTemplates.* ResponseType RestApiId StatusCode")

API_KEY = PropertyUse.of(
    "Enabled Value",
    {
        **recorded(_TEXT, "CustomerId Description GenerateDistinctId Name"),
        **recorded(_TAGS, "Tags"),
        **recorded("a key counts for the stages of its usage plans", "StageKeys"),
    },
)

USAGE_PLAN = PropertyUse.of(
    "ApiStages.ApiId ApiStages.Stage ApiStages.Throttle.* Quota.Limit Quota.Offset Quota.Period Throttle.BurstLimit "
    "Throttle.RateLimit",
    {**recorded(_TEXT, "Description UsagePlanName"), **recorded(_TAGS, "Tags")},
)

USAGE_PLAN_KEY = PropertyUse.of("KeyId UsagePlanId", recorded("every key is an API key", "KeyType"))
