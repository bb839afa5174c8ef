"""S3: seed data with rationales (Alg. 1), then error extrapolation (Alg. 2 and 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from s3.data.example import Example
from s3.methods.base import Bench
from s3.methods.loop import ExtrapolationLoop
from s3.synthesis import SynthesisedSet, rationales_of, seed_data
from s3.tasks import Classification, Task


@dataclass(kw_only=True)
class S3(ExtrapolationLoop):
    """Synthesis Step by Step: seed data, then rounds of error extrapolation.

    The seed of a single-sentence task grows from rationales that the LLM lists for each label
    (Alg. 1). A task with given texts keeps them, and has no rationales (Alg. 3).
    """

    rationales: bool = True  # false: seeds without rationales
    rationales_per_label: int = 20  # the paper's K
    rationales_per_prompt: int = 3  # the paper's k

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        for name in ("rationales_per_label", "rationales_per_prompt"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.rationales_per_prompt > self.rationales_per_label:
            raise ValueError("rationales_per_prompt cannot exceed rationales_per_label")

    def seed_templates(self, task: Task) -> set[str]:
        """Return the prompts of Alg. 1, of Alg. 3's seed, or of the ablation without rationales."""
        if self._has_rationales(task):
            return {"rationale", "query"}
        return {"query"} if task.given else {"bare"}

    def idle(self, task: Task) -> set[str]:
        """Return the options of rationales where there are none."""
        if self._has_rationales(task):
            return set()
        numbers = {"rationales_per_label", "rationales_per_prompt"}
        return numbers | ({"rationales"} if task.given else set())

    def write_seed(self, bench: Bench, size: int, known: Sequence[Example]) -> SynthesisedSet:
        """Alg. 1 where nothing is given, the seed of Alg. 3 else."""
        task, llm, asked, rationales = bench.task, bench.llm, SynthesisedSet(0), None
        contexts = task.context_examples(bench.train)
        if self._has_rationales(task):
            assert isinstance(task, Classification)
            rationales = rationales_of(task, llm, self.rationales_per_label, asked)
        k = self.rationales_per_prompt
        seed = seed_data(task, llm, contexts, size, bench.seed, rationales, k, known)
        seed.charge(asked)
        return seed

    def _has_rationales(self, task: Task) -> bool:
        return self.rationales and isinstance(task, Classification) and not task.given
