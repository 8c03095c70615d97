"""Scaling and DNS records."""
