"""One experiment: the composed parts, and `run()`, which carries it out or finds it finished."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from s3.audit import Audit
from s3.data.gold import GoldData
from s3.errors import UserError
from s3.llm import LLM, BudgetReached, Session
from s3.llm.limits.prices import Price
from s3.methods import Method
from s3.runs import dryrun, preflight
from s3.runs.finding import ROOTS
from s3.runs.folder import CHOICES, RunFolder
from s3.runs.identity import identity
from s3.runs.listeners.base import Listener, Listeners, retell
from s3.runs.listeners.summary import Summary
from s3.runs.listeners.table import Table
from s3.runs.listeners.wandb import Tracker, Wandb, awaited
from s3.runs.reading import Run
from s3.runs.rounds import Rounds
from s3.storage import digest
from s3.student import Student
from s3.tasks import Task


@dataclass(kw_only=True)
class Experiment:
    """The composed configuration of one run."""

    task: Task
    llm: LLM
    model: Student
    method: Method
    seed: int = 0  # decides all draws; another seed is another sample of everything
    seed_size: int = 200  # seed examples that a method writes
    root: str | None = None  # run folders are made here; null: outputs, in a sweep multirun
    fresh: bool = False  # true: run again what is finished or under way, from the start
    dry_run: bool = False  # true: show prompts, requests and cost; send nothing
    confirm_above: float | None = 5.0  # US dollars that a run may cost unasked; null: any sum
    objective: str | None = None  # what a sweeper gets of a job; null: validation's model.metric
    objective_if_failed: float = 0.0  # what it gets of a job that failed
    gold_baseline: bool = True  # train on gold validation alone, too, and show it beside the rounds
    audit: Audit = field(default_factory=Audit)
    wandb: Wandb = field(default_factory=Wandb)

    def __post_init__(self) -> None:
        """Check the seed, and that the parts go together."""
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, not {self.seed}")
        if self.confirm_above is not None and not self.confirm_above >= 0:
            raise ValueError(f"confirm_above must be at least 0, not {self.confirm_above}")
        self.method.check(self.task, self.llm.style)
        self.model.check(self.task.head())
        scores = [f"validation/{name}" for name in self.task.head().metrics]
        if self.objective not in (None, *scores):
            raise ValueError(
                f"objective={self.objective}: choose {' or '.join(scores)}. What is tuned is tuned "
                "on gold validation: test is looked at once, in the end."
            )

    def run(
        self,
        config: dict[str, Any],
        choices: Mapping[str, str],
        changed: Mapping[str, Any],
        listeners: Sequence[Listener] = (),
    ) -> RunFolder:
        """Run to the end, or find the finished run; return its folder.

        `config` is the composed configuration, `choices` the option chosen for each of its groups,
        `changed` what differs from these options' defaults. `listeners` hear of the run beside
        those that every run has, of a finished one too. Raises UserError for what a person can
        mend.
        """
        gold = self.task.load(self.seed)
        ending, folder, decides = self._named(gold, choices)
        if self.dry_run:
            self._look_ahead(folder, gold)
            dryrun.show(*self._plans(folder, gold, choices["task"]))
            return folder
        found = None if self.fresh else self._finished(folder, ending)
        if found and not found.changed():
            print(f"finished before (fresh=true runs it again): {found.path}")
            self._retell(found, listeners)
            return found
        folder = found or folder
        self._look_ahead(folder, gold)
        if not found:
            self._confirm(folder, gold, choices["task"])
        parts = {name: choices[name] for name in CHOICES}
        about = {**parts, "seed": self.seed, "options": dict(changed)}
        with folder.hold({**config, "choices": dict(choices)}, decides, self.fresh):
            if found:
                self._mend(folder, gold, config, about, listeners)
            else:
                self._carry_out(self.llm, folder, gold, config, about, listeners)
        if not folder.finished:
            raise UserError(
                f"{folder.path}: the summary could not be written. Data and model are there; the "
                "same command writes it."
            )
        return folder

    def rehearsal(self, choices: Mapping[str, str]) -> list[dryrun.Plan]:
        """Return what the run is likely to ask for, the least and the most; nothing is sent.

        Raises UserError as `run`.
        """
        gold = self.task.load(self.seed)
        return self._plans(self._named(gold, choices)[1], gold, choices["task"])

    def _named(
        self, gold: GoldData, choices: Mapping[str, str]
    ) -> tuple[str, RunFolder, dict[str, Any]]:
        """Return the end of the run's name, its folder, and what decides its result."""
        decides = identity(
            self.task, self.llm, self.model, self.method, self.audit, gold, self.seed
        )
        ending = f"seed{self.seed}-{digest(decides)[:8]}"
        names = [choices[group] for group in ("task", "method", "llm", "model")]
        return ending, RunFolder(Path(self.root or ROOTS[0]) / "-".join([*names, ending])), decides

    def score(self, folder: RunFolder) -> float:
        """Return the objective of a finished run: of its best round, on gold validation.

        It lies in 0..1, and more is better.
        """
        run = Run.open(folder.path)
        return float(run.best.row[self.objective or f"validation/{run.summary['metric']}"])

    def _finished(self, folder: RunFolder, ending: str) -> RunFolder | None:
        """The finished run with this identity; by default a sweep finds single runs' too."""
        roots = [Path(self.root)] if self.root not in (None, *ROOTS) else map(Path, ROOTS)
        others = [RunFolder(path) for root in roots for path in root.glob(f"*-{ending}")]
        return next((one for one in (folder, *others) if one.finished), None)

    def _look_ahead(self, folder: RunFolder, gold: GoldData) -> None:
        """Raise UserError for what would end the run after it has paid.

        A dry run does without loading the student.
        """
        preflight.look(folder.path, self.model, self.wandb)
        rows, trial = preflight.like_rows(self.task, gold), not self.dry_run
        for line in self.model.preflight(self.task.head(), rows, trial=trial):
            print(f"student: {line}", file=sys.stderr)

    def _confirm(self, folder: RunFolder, gold: GoldData, name: str) -> None:
        """Ask before a run that may cost much, where someone is there to answer.

        Who has set a cap is not asked. Raises UserError if the answer is no.
        """
        limit, capped = self.confirm_above, getattr(self.llm, "max_cost", None) is not None
        there = sys.stdin.isatty() and sys.stderr.isatty()
        if limit is None or capped or not there or self.llm.price() in (None, Price()):
            return
        print("working out what this run may cost", file=sys.stderr, flush=True)
        plan, least, most = self._plans(folder, gold, name)
        if most.total.cost <= limit:
            return
        print(
            f"This run costs about ${plan.total.cost:.2f} ({dryrun.between(least, most)}).\n"
            "Go on? [y/N] ", end="", file=sys.stderr, flush=True,
        )  # fmt: skip
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise UserError(
                "nothing was sent. dry_run=true shows what the sum is made of, llm.max_cost caps "
                f"it, and above confirm_above={limit:g} dollars a run asks."
            )

    def _plans(self, folder: RunFolder, gold: GoldData, name: str) -> list[dryrun.Plan]:
        """Return what a run is likely to ask for, and the least and the most."""
        kind = folder.name.rpartition("-seed")[0]
        like = list(folder.path.parent.glob(f"{kind}-seed*"))
        habits = dryrun.learn(self.llm, self.task, name, like)
        parts = (self.task, self.llm, self.method, self.model, gold, self.seed)
        return [dryrun.rehearse(*parts, one) for one in (habits, *habits.extremes())]

    def _retell(self, found: RunFolder, listeners: Sequence[Listener]) -> None:
        """Show a finished run; W&B hears of it where it is waited for and not known yet."""
        tracker = [Tracker(self.wandb)] if awaited(self.wandb, found) else []
        retell(Run.open(found.path), Listeners([*listeners, *tracker, Table()]))

    def _mend(
        self,
        folder: RunFolder,
        gold: GoldData,
        config: Mapping[str, Any],
        about: Mapping[str, Any],
        listeners: Sequence[Listener],
    ) -> None:
        """Make damaged files of a finished run again: nothing is asked, trainings are repeated."""
        if folder.changed():
            try:
                silent = replace(self.llm, max_requests=0)
                self._carry_out(silent, folder, gold, config, about, listeners)
            except BudgetReached:
                raise UserError(
                    f"{folder.path}: what is damaged cannot be made again, because the store of "
                    "completions no longer has all that this run was told. fresh=true asks anew; "
                    "the files stay as they are."
                ) from None
        else:
            self._retell(folder, listeners)
        if left := folder.changed():
            raise UserError(
                f"{folder.path / left[0]}: damaged, and this command does not make it. fresh=true "
                "makes the run again and keeps this folder under another name."
            )

    def _carry_out(
        self,
        llm: LLM,
        folder: RunFolder,
        gold: GoldData,
        config: Mapping[str, Any],
        about: Mapping[str, Any],
        listeners: Sequence[Listener],
    ) -> None:
        # The summary first: a page is made of a finished run, and W&B shows the page.
        told = Listeners([Summary(), *listeners, Tracker(self.wandb), Table()])
        with Session(llm, self.seed, folder.attempt) as session:
            rounds = Rounds(
                self.task, self.method, self.model, gold, self.seed, session, folder, told,
                self.audit, self.gold_baseline,
            )  # fmt: skip
            told.started(folder, config, about)
            try:
                rounds.run()
                folder.write_failures(session.failures)
                rounds.finish(about)
            except BaseException:
                folder.write_failures(session.failures)
                told.stopped()
                raise
