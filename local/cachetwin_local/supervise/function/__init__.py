"""Lambda functions: execution environments as processes, behind a Runtime API of their own."""
