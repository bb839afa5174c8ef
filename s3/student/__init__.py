"""The small model: heads (examples <-> tensors <-> answers), its training and its predictions."""

from s3.student.heads import Classifier, Head, Predictions, SpanExtractor
from s3.student.predictor import OnEpoch, Predictor
from s3.student.settings import Precision, Settings, Training
from s3.student.student import Student

__all__ = [
    "Classifier",
    "Head",
    "OnEpoch",
    "Precision",
    "Predictions",
    "Predictor",
    "Settings",
    "SpanExtractor",
    "Student",
    "Training",
]
