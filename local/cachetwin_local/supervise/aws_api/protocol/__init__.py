"""Requests to AWS's APIs as calls, and answers in the protocols that they came in."""
