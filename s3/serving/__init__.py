"""A run's model over HTTP: requests in batches, a page of what can be asked."""
