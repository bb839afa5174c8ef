"""The small model: heads (examples <-> tensors <-> answers), its training and its predictions."""

from s3.student.classifier import Classifier
from s3.student.head import Head
from s3.student.precision import Precision
from s3.student.predictor import Predictions, Predictor
from s3.student.spans import SpanExtractor
from s3.student.student import Package, Student

__all__ = [
    "Classifier",
    "Head",
    "Package",
    "Precision",
    "Predictions",
    "Predictor",
    "SpanExtractor",
    "Student",
]
