"""Translators of AWS::CloudFormation types."""
