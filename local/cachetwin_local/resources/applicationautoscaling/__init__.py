"""Translators of AWS::ApplicationAutoScaling types."""
