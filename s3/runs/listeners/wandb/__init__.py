"""Weights & Biases: one run a job, one row a round. Nothing else in a run talks to it."""

from s3.runs.listeners.wandb.settings import Mode, Wandb, awaited, complaint
from s3.runs.listeners.wandb.tracker import Tracker

__all__ = ["Mode", "Tracker", "Wandb", "awaited", "complaint"]
