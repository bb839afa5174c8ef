"""Tasks: fields, labels, prompts, and how a reply becomes an example."""

from s3.tasks.base import Ask, Task, Wording
from s3.tasks.classification import Classification
from s3.tasks.qa import ExtractiveQA
from s3.tasks.reply import Dropped, Reply

__all__ = ["Ask", "Classification", "Dropped", "ExtractiveQA", "Reply", "Task", "Wording"]
