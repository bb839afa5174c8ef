"""One experiment: the composed parts, and run(): rounds scored, written down and tracked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s3 import __version__
from s3.audit import Audit
from s3.data.gold import GoldData
from s3.data.rows import content_digest, fingerprint
from s3.llm import LLM, Session
from s3.methods import Method
from s3.runs import dryrun
from s3.runs.folder import RunFolder
from s3.runs.listeners.table import show
from s3.runs.listeners.wandb import Wandb
from s3.runs.rounds import Rounds
from s3.storage import digest
from s3.student import Student
from s3.tasks import Task

# These say how a run is carried out, not what comes out of it.
UNDECIDING = ("audit", "root", "fresh", "dry_run", "wandb")


@dataclass(kw_only=True)
class Experiment:
    """The composed configuration of one run."""

    task: Task
    llm: LLM
    model: Student
    method: Method
    seed: int = 0
    seed_size: int = 200  # seed examples that a method writes
    root: str | None = None  # run folders are made here; null: outputs, in a sweep multirun
    fresh: bool = False  # true: run again what is finished or under way, from the start
    dry_run: bool = False  # true: show prompts, requests and cost; send nothing
    audit: Audit = field(default_factory=Audit)
    wandb: Wandb = field(default_factory=Wandb)

    def __post_init__(self) -> None:
        """Check the seed, and that the parts go together."""
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, not {self.seed}")
        self.method.check(self.task)
        self.model.check(self.task.head())

    def run(self, config: dict[str, Any], choices: Mapping[str, str]) -> RunFolder:
        """Run to the end, or find the finished run; return its report.

        `config` is the composed configuration, `choices` the option chosen for each of its
        groups. Raises UserError for what a person can mend.
        """
        gold = self.task.load(self.seed)
        identity = self._identity(config, gold)
        report = RunFolder(Path(self.root or "outputs") / self._name(choices, identity))
        if self.dry_run:
            self._rehearse(report, gold, choices["task"])
            return report
        if report.summary and not self.fresh:
            print(f"finished before (fresh=true runs it again): {report.folder}")
            show(report)
            return report
        config = {**config, "choices": dict(choices)}
        with report.open(config, identity, self.fresh):
            self._run(report, gold, config)
        show(report)
        return report

    def _rehearse(self, report: RunFolder, gold: GoldData, name: str) -> None:
        kind = report.folder.name.rpartition("-seed")[0]
        like = list(report.folder.parent.glob(f"{kind}-seed*"))
        dryrun.show(dryrun.rehearse(self, gold, dryrun.learn(self.llm, self.task, name, like)))

    def _run(self, report: RunFolder, gold: GoldData, config: Mapping[str, Any]) -> None:
        name = report.folder.name
        with (
            self.wandb.run(report.folder, config) as tracker,
            Session(self.llm, self.seed, name, fresh=self.fresh) as llm,
        ):
            rounds = Rounds(self, gold, llm, report, tracker)
            try:
                rounds.run()
            finally:
                report.failures(llm.failures)
            rounds.finish()

    def _identity(self, config: Mapping[str, Any], gold: GoldData) -> dict[str, Any]:
        """What decides the result: the configuration, the data, the seed, the version."""
        deciding = {name: part for name, part in config.items() if name not in UNDECIDING}
        deciding["near"] = config["audit"]["near"]  # decides metrics, if not data
        deciding["llm"] = self.llm.identity()
        splits = {"validation": gold.validation, "train": gold.train, "test": gold.test}
        data = {name: fingerprint(examples) for name, examples in splits.items()}
        named = [*self.method.files(), *([self.task.contexts] if self.task.contexts else [])]
        files = {name: content_digest(Path(name)) for name in named}
        return {"version": __version__, "config": deciding, "gold": data, "files": files}

    def _name(self, choices: Mapping[str, str], identity: Mapping[str, Any]) -> str:
        parts = [choices[group] for group in ("task", "method", "llm", "model")]
        return "-".join([*parts, f"seed{self.seed}", digest(identity)[:8]])
