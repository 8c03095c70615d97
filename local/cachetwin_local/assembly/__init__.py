"""What a CDK app synthesised (`cdk.out`), read and resolved. Pure but for reading the files of the assembly."""
