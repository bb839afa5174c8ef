"""How requests get to an LLM and replies back: many at a time, by slots, or in batches."""
