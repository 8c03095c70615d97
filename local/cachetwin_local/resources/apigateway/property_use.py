"""What is done with each property of AWS::ApiGateway types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded, refused

_TAGS = "nothing here reads tags"
_TEXT = "a text for people"
_HERE = "the API is at an address of this machine"
_SHAPES = "responses of a proxy pass unchanged; a MOCK answers with its own"
_VTL = "mapping templates do not run here, but for the status and the literal headers of a MOCK"

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
    "ApiKeyRequired AuthorizationType AuthorizerId HttpMethod Integration.ConnectionType Integration.IntegrationHttpMethod "
    "Integration.IntegrationResponses.ResponseParameters Integration.IntegrationResponses.ResponseTemplates "
    "Integration.IntegrationResponses.StatusCode Integration.RequestTemplates Integration.TimeoutInMillis "
    "Integration.Type Integration.Uri OperationName RequestParameters RequestValidatorId ResourceId RestApiId",
    {
        **recorded(_SHAPES, "MethodResponses Integration.IntegrationResponses.SelectionPattern"),
        **recorded("permissions are not checked yet", "AuthorizationScopes Integration.Credentials"),
        **recorded(_VTL, "Integration.PassthroughBehavior"),
        **recorded(
            "nothing is cached or converted here",
            "Integration.CacheKeyParameters Integration.CacheNamespace Integration.ContentHandling "
            "Integration.IntegrationResponses.ContentHandling",
        ),
    },
    {
        **refused("bodies are not checked against models here", "RequestModels"),
        **refused(
            "requests pass unchanged here",
            "Integration.RequestParameters Integration.ConnectionId Integration.IntegrationTarget",
        ),
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

REQUEST_VALIDATOR = PropertyUse.of(
    "ValidateRequestParameters",
    recorded(_TEXT, "Name RestApiId"),
    refused("bodies are not checked against models here", "ValidateRequestBody"),
)
