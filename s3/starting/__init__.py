"""A task from a file of labelled rows: what its columns are, its prompts, its YAML."""
