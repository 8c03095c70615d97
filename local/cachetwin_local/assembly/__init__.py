"""Reading and resolving what a CDK app synthesised (`cdk.out`). Pure, apart from reading the assembly's files."""
