"""Translators of AWS::ApiGateway types: REST APIs."""
