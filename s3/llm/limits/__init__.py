"""What holds requests back: money and caps, rates and concurrency, and who may leave now."""

from s3.llm.limits.budget import Budget, guess, most
from s3.llm.limits.limiter import Limiter, SentBack
from s3.llm.limits.prices import Price, price_of
from s3.llm.limits.rates import LearntRate

__all__ = ["Budget", "LearntRate", "Limiter", "Price", "SentBack", "guess", "most", "price_of"]
