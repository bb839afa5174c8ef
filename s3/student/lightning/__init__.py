"""One training of the small model by Lightning; imported only when something is trained."""
