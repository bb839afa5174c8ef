"""From examples to batches of tensors: each text tokenised once, like lengths together."""

from s3.student.encoding.arrays import joined, room
from s3.student.encoding.batches import Loader, Plan, evaluation_plan, padding, training_plan
from s3.student.encoding.store import Encoder, Selection, TokenStore

__all__ = [
    "Encoder",
    "Loader",
    "Plan",
    "Selection",
    "TokenStore",
    "evaluation_plan",
    "joined",
    "padding",
    "room",
    "training_plan",
]
