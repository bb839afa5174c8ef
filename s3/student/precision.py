"""The precisions that the small model computes in."""

from enum import Enum


class Precision(Enum):
    """`auto` is bf16 where the hardware multiplies it natively, else fp32.

    bf16 keeps weights and optimiser in float32 (automatic mixed precision).
    """

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
