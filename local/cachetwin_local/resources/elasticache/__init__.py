"""Translators of AWS::ElastiCache types."""
