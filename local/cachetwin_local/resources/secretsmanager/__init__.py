"""Translators of AWS::SecretsManager types."""
