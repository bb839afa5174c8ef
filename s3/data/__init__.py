"""What a data set is made of, and where gold examples come from."""

from s3.data.example import Answers, Example, Mistake, Origin, Predicted, Target

__all__ = ["Answers", "Example", "Mistake", "Origin", "Predicted", "Target"]
