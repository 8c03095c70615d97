"""AWS::ApiGatewayV2 types."""
