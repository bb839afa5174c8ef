"""What listens to a run: the folder's summary, the table of rounds, Weights & Biases."""
