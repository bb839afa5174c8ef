"""A person's review of a run's synthetic rows: which deserve doubt, and a page to decide on."""
