"""Translators of AWS::ECS types."""
