"""IAM: the roles of what runs here, and their policies."""
