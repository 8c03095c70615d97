"""Alarms of CloudWatch: their definitions, their states, and their actions."""
