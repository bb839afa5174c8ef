"""A run: how it is carried out, what it writes down, and how finished runs are read again."""
