"""Subnet groups, security groups, IP versions, endpoints."""
