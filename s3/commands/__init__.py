"""`python -m s3 COMMAND`: one file a command, thin."""
