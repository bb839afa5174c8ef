"""Pages of finished runs and of comparisons: a file each, which asks no other host for anything.

It reads runs through `s3.runs.reading` and comparisons through `s3.analysis`, and writes HTML.
"""
