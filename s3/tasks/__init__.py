"""Tasks: fields, labels, prompts, and how a reply becomes an example."""

from s3.tasks.base import Draft, Task
from s3.tasks.classification import Classification
from s3.tasks.qa import ExtractiveQA
from s3.tasks.reply import Dropped, ReplyRules
from s3.tasks.template import PromptTemplate

__all__ = [
    "Classification",
    "Draft",
    "Dropped",
    "ExtractiveQA",
    "PromptTemplate",
    "ReplyRules",
    "Task",
]
