"""The runner: brings the architecture of a synthesised CDK app up on this machine."""
