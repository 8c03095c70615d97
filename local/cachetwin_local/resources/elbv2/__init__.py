"""Translators of AWS::ElasticLoadBalancingV2 types."""
