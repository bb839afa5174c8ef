"""What the configuration says of the small model. It knows no engine: `student.py` builds one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from s3.weights import RegistryWeights


class Precision(Enum):
    """The precision to compute in.

    `auto` is bf16 where the hardware multiplies it natively, else fp32. bf16 keeps weights and
    optimiser in float32 (automatic mixed precision). For a probe `auto` is fp32: nothing is learnt
    that bf16 would speed up, and a text's features then do not hang on its batch.
    """

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


class Training(Enum):
    """How a classifier is trained; spans are fine-tuned either way.

    `probe` fits a linear layer over the frozen encoder's features; several texts are compared by
    late interaction, each encoded apart: for sentence encoders and few rows. `finetune` trains the
    whole encoder; it reads several texts as one, as a cross-encoder does: for masked language
    models and many rows. `probe_then_finetune` goes on from the probe (LP-FT, Kumar et al. 2022),
    which stays if no epoch is better; it wants a learning rate of about 2e-5.
    """

    probe = "probe"
    probe_then_finetune = "probe_then_finetune"
    finetune = "finetune"


@dataclass(kw_only=True)
class Settings:
    """A pretrained encoder and its fine-tuning; the schema of `s3/conf/model/*.yaml`.

    Raises ValueError naming the field that is out of range.
    """

    name: str  # how reports call it
    weights: str | None = None  # a hub id or a local folder; goes before `package`
    package: RegistryWeights | None = None  # weights in a package of a registry
    static: bool = False  # probes: read the encoder's word embeddings alone, no layer of it
    training: Training = Training.finetune  # probe, finetune or probe_then_finetune
    max_length: int  # tokens; the rest of a text is cut off, or for QA read in further windows
    prefix: str | None = None  # goes before each text; null: the prompt that the model declares
    stride: int = 128  # QA: tokens by which neighbouring windows overlap
    batch_size: int  # rows a step on average, over all devices; lengths decide how many each has
    learning_rate: float  # of fine-tuning
    weight_decay: float = 0.01  # of fine-tuning
    epochs: int  # the best one is kept
    warmup_steps: int = 0  # of fine-tuning
    class_weights: bool = False  # fine-tuning: labels count the same, as they do for probes
    metric: str | None = None  # on gold validation, chooses epoch and round; null: the head's
    patience: int | None = None  # epochs without improvement on validation before training ends
    accumulation: int = 1  # batches a step
    evaluation_tokens: int = 4096  # tokens a batch in evaluation
    precision: Precision = Precision.auto  # fp32, bf16; auto: bf16 where the hardware multiplies it
    devices: int = 1  # processes or GPUs that share each batch
    strategy: str = "auto"  # Lightning's; "ddp" trains in `devices` processes

    def __post_init__(self) -> None:
        least = {"max_length": 8, "stride": 0, "batch_size": 1, "epochs": 1, "warmup_steps": 0}
        least |= {"accumulation": 1, "devices": 1, "weight_decay": 0, "evaluation_tokens": 1}
        for field, bound in least.items():
            if getattr(self, field) < bound:
                raise ValueError(f"{field} must be at least {bound}, not {getattr(self, field)}")
        if not 0 < self.learning_rate < 1:
            raise ValueError(f"learning_rate must be between 0 and 1, not {self.learning_rate}")
        if self.static and self.training is not Training.probe:
            raise ValueError(f"static embeddings are for training=probe, not {self.training.value}")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience must be at least 1 or null, not {self.patience}")
        if self.weights is None and self.package is None:
            raise ValueError("weights must name a hub id or a folder where no package is given")

    def plain(self) -> dict[str, Any]:
        """Return the fields by name, and nothing that a subclass keeps beside them."""
        return {field.name: getattr(self, field.name) for field in fields(Settings)}
