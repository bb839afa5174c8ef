"""Runs of `run.py` as processes of their own, on a tiny encoder and a fake endpoint."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.runs.helpers import ROOT, finished
from tests.server import FakeLLM


class Lab:
    """Runs of `run.py` on the tiny encoder and a test endpoint, in a folder of their own."""

    def __init__(self, tiny: Path, folder: Path) -> None:
        self.folder = folder
        self.options = [
            "llm=server", "llm.model=test", f"model.weights={tiny}",
            "llm.input_price=1", "llm.output_price=2", "model.max_length=96", "model.epochs=2",
            "model.precision=fp32", "seed_size=12",
            "task.gold.validation_size=12", "task.gold.test_size=10", "wandb.mode=offline",
        ]  # fmt: skip

    def start(self, endpoint: FakeLLM, *options: str, **environment: str) -> subprocess.Popen[str]:
        url = f"llm.base_url={endpoint.url}"
        sweep = [option for option in options if option == "-m"]  # Hydra wants it first
        rest = [option for option in options if option != "-m"]
        command = [sys.executable, str(ROOT / "run.py"), *sweep, *self.options, url, *rest]
        return subprocess.Popen(
            command, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )  # fmt: skip

    def run(self, endpoint: FakeLLM, *options: str, **environment: str) -> str:
        process = self.start(endpoint, *options, **environment)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
        return output

    def folders(self, root: str = "outputs") -> list[Path]:
        return finished(self.folder / root)
