"""The wire: requests in, replies and error texts out."""
