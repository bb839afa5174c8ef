"""What `python -m s3 COMMAND` can do: one file a command.

A command's file is imported whenever any command starts, and is therefore thin: it declares its
options, and imports what it works with inside its functions, so that `--help` answers at once.
"""
