"""What finished runs say together: comparisons with intervals, and data frames.

It reads folders of runs through `s3.runs.reading`, and never touches a method, an LLM or a
training.
"""
