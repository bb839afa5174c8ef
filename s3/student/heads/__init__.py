"""One file a head: how examples become tensors, outputs become answers, and answers are judged."""

from s3.student.heads.base import Batch, Head, Predictions
from s3.student.heads.classification import Classifier
from s3.student.heads.spans import SpanExtractor

__all__ = ["Batch", "Classifier", "Head", "Predictions", "SpanExtractor"]
