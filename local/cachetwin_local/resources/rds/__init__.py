"""Translators of AWS::RDS types."""
