"""The methods: the paper's own and those that it compares with."""

from s3.methods.base import Bench, Method, Round
from s3.methods.gold import GoldOnly
from s3.methods.progen import ProGen
from s3.methods.s3 import S3
from s3.methods.zerogen import ZeroGen

__all__ = ["S3", "Bench", "GoldOnly", "Method", "ProGen", "Round", "ZeroGen"]
