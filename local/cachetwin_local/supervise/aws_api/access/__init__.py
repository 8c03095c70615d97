"""Who calls AWS's APIs, and whether the policies of the caller's role allow it."""
