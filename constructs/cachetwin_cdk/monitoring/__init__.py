"""Alarms, dashboards, log delivery and events."""
