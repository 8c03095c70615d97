"""Users, user groups, access strings, tokens and permissions."""
