"""The one text normaliser: when two texts are the same, and what their words are."""
