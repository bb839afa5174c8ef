"""What a finished run's model says of new texts: from Python, and of whole files."""
