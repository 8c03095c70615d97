"""What is done with each property of AWS::ApiGatewayV2 types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded, refused

_TAGS = "nothing here reads tags"
_TEXT = "a text for people"
_HERE = "the API is at an address of this machine"
_WEBSOCKET = "only a WebSocket API has it"

API = PropertyUse.of(
    "CorsConfiguration.AllowCredentials CorsConfiguration.AllowHeaders CorsConfiguration.AllowMethods "
    "CorsConfiguration.AllowOrigins CorsConfiguration.ExposeHeaders CorsConfiguration.MaxAge Name ProtocolType",
    {
        **recorded(_TEXT, "Description Version"),
        **recorded(_TAGS, "Tags"),
        **recorded(_HERE, "DisableExecuteApiEndpoint IpAddressType"),
        **recorded(_WEBSOCKET, "ApiKeySelectionExpression DisableSchemaValidation RouteSelectionExpression"),
    },
    {
        **refused(
            "an API that is imported from OpenAPI does not run here", "Body BodyS3Location BasePath FailOnWarnings"
        ),
        **refused("write routes and integrations as resources of their own", "CredentialsArn RouteKey Target"),
    },
)

ROUTE = PropertyUse.of(
    "ApiId AuthorizationScopes AuthorizationType AuthorizerId OperationName RouteKey Target",
    recorded(
        _WEBSOCKET,
        "ApiKeyRequired ModelSelectionExpression RequestModels RequestParameters RouteResponseSelectionExpression",
    ),
)

INTEGRATION = PropertyUse.of(
    "ApiId ConnectionType IntegrationMethod IntegrationSubtype IntegrationType IntegrationUri PayloadFormatVersion "
    "TimeoutInMillis",
    {
        **recorded(_TEXT, "Description"),
        **recorded("permissions are not checked yet", "CredentialsArn"),
        **recorded(
            _WEBSOCKET,
            "ContentHandlingStrategy PassthroughBehavior RequestTemplates TemplateSelectionExpression",
        ),
    },
    refused(
        "requests and responses pass unchanged here", "RequestParameters ResponseParameters TlsConfig ConnectionId"
    ),
)

AUTHORIZER = PropertyUse.of(
    "ApiId AuthorizerPayloadFormatVersion AuthorizerResultTtlInSeconds AuthorizerType AuthorizerUri "
    "EnableSimpleResponses IdentitySource JwtConfiguration.Audience JwtConfiguration.Issuer Name",
    {
        **recorded("permissions are not checked yet", "AuthorizerCredentialsArn"),
        **recorded(_WEBSOCKET, "IdentityValidationExpression"),
    },
)

STAGE = PropertyUse.of(
    "AccessLogSettings.Format ApiId DefaultRouteSettings.ThrottlingBurstLimit DefaultRouteSettings.ThrottlingRateLimit "
    "RouteSettings.* StageName StageVariables.*",
    {
        **recorded(_TEXT, "Description"),
        **recorded(_TAGS, "Tags"),
        **recorded("`cachetwin logs` has the access log", "AccessLogSettings.DestinationArn"),
        **recorded("what is written is what runs", "AutoDeploy DeploymentId"),
        **recorded(
            "metrics are counted in any case",
            "DefaultRouteSettings.DetailedMetricsEnabled DefaultRouteSettings.DataTraceEnabled "
            "DefaultRouteSettings.LoggingLevel",
        ),
        **recorded(_HERE, "ClientCertificateId"),
    },
)
