"""The dry run: a rehearsal that shows prompts, requests, tokens and cost, and sends nothing."""

from s3.runs.dryrun.habits import Habits, learn
from s3.runs.dryrun.plan import Plan, between, rehearse, show

__all__ = ["Habits", "Plan", "between", "learn", "rehearse", "show"]
