"""Tasks: fields, labels, prompts, and how a reply becomes an example."""

from s3.tasks.base import Ask, Task
from s3.tasks.classification import Classification
from s3.tasks.qa import ExtractiveQA
from s3.tasks.reply import Dropped, Reply
from s3.tasks.wording import Wording

__all__ = ["Ask", "Classification", "Dropped", "ExtractiveQA", "Reply", "Task", "Wording"]
