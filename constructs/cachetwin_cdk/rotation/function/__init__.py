"""The code of the rotation functions, which Lambda runs as ``rotate.handler``; it needs boto3 only."""
