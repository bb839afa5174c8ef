"""What holds requests back: money and caps, rates and concurrency, and who may leave now."""

from s3.llm.limits.budget import Budget, Price, guess, most, price_of
from s3.llm.limits.limiter import Limiter, SentBack

__all__ = ["Budget", "Limiter", "Price", "SentBack", "guess", "most", "price_of"]
