"""What a user would pick instead, beside the engine: each peer in its own environment.

First `sh benchmarks/llm_peers.sh /tmp/s3-peers`, then `python benchmarks/llm_peers.py
/tmp/s3-peers`. Every peer is given 50 requests in flight by its own options, its telemetry is
off, and it gets a fresh folder. A peer that fails is said to fail, with its last line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from llm_engine import DELAY, MORE, empty_store, endpoint, engine, prompts, stats

START = """
import sys, time
url, number = sys.argv[1] + "/v1", int(sys.argv[2])
prompts = [f"Write a short review of film number {i}, as a viewer would." for i in range(number)]
"""
END = """
print("RESULT", good, time.perf_counter() - started)
"""
PEERS = {
    "curator": """
import tiktoken

class Letters:  # the tokenizer that it would fetch from the net, to count tokens by
    def encode(self, text, **options):
        return list(text)

tiktoken.get_encoding = tiktoken.encoding_for_model = lambda name: Letters()
from bespokelabs import curator
llm = curator.LLM(model_name="m", backend="openai", backend_params={
    "base_url": url, "api_key": "none", "max_concurrent_requests": 50,
    "max_requests_per_minute": 1_000_000, "max_tokens_per_minute": 1_000_000_000})
started = time.perf_counter()
good = len(llm(prompts).dataset)
""",
    "data-designer": """
import data_designer.config as dd
from data_designer.interface import DataDesigner
provider = dd.ModelProvider(name="local", endpoint=url, provider_type="openai", api_key="none")
pace = dd.ChatCompletionInferenceParams(temperature=0.9, max_tokens=64, max_parallel_requests=50)
model = dd.ModelConfig(alias="m", model="m", provider="local", inference_parameters=pace,
    skip_health_check=True)
builder = dd.DataDesignerConfigBuilder(model_configs=[model])
builder.add_column(dd.SamplerColumnConfig(name="film", sampler_type="uuid", params={}))
builder.add_column(dd.LLMTextColumnConfig(name="text", model_alias="m",
    prompt="Write a short review of film number {{ film }}, as a viewer would."))
designer = DataDesigner(artifact_path="artifacts", model_providers=[provider])
started = time.perf_counter()
good = len(designer.create(builder, num_records=number).load_dataset())
""",
    "distilabel": """
from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration
if __name__ == "__main__":
    with Pipeline() as pipeline:
        rows = LoadDataFromDicts(data=[{"instruction": p} for p in prompts], batch_size=50)
        llm = OpenAILLM(model="m", base_url=url, api_key="none")
        rows >> TextGeneration(llm=llm, input_batch_size=50)
    started = time.perf_counter()
    done = pipeline.run(use_cache=False)["default"]["train"]
    good = sum(text is not None for text in done["generation"])
""",
}
QUIET = {
    "TELEMETRY_ENABLED": "0",
    "NEMO_TELEMETRY_ENABLED": "false",
    "CURATOR_DISABLE_RICH_DISPLAY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "OPENAI_API_KEY": "none",
}


def peer(name: str, python: Path, url: str, number: int) -> str:
    """Run one peer; return its good rows and seconds, or how it failed."""
    end = END if name != "distilabel" else END.replace("\n", "\n    ").rstrip(" ")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "run.py"
        script.write_text(START + PEERS[name].rstrip() + end)
        homes = {"HOME": folder, "CURATOR_CACHE_DIR": folder, "HF_HOME": folder}
        env = {**os.environ, **QUIET, **homes}
        try:
            done = subprocess.run(
                [python, script, url, str(number)], cwd=folder, env=env,
                capture_output=True, text=True, timeout=120,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return "not done after 120 s"
    result = [line.split() for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if not result:
        return f"failed: {(done.stderr.strip() or 'silently').splitlines()[-1][:120]}"
    return f"{result[-1][1]} rows in {float(result[-1][2]):.2f} s"


def ours(url: str, number: int) -> str:
    """Run the engine the same way."""
    empty_store()
    started = time.perf_counter()
    good = engine(url, prompts(number))
    return f"{good} rows in {time.perf_counter() - started:.2f} s"


def main(folder: Path) -> None:
    """Every client at every endpoint; print a line each."""
    faulty = {"refuse": 0.1, "error": 0.05, "truncate": 0.02}
    cases: list[tuple[str, int, dict[str, float]]] = [
        ("clean", 200, {}),
        ("clean", 2000, {}),
        ("429, 500, cut", 200, faulty),
        ("and dropped, empty", 200, {**faulty, **MORE}),
        ("600 a minute", 200, {"rate": 600}),
    ]
    for case, number, manners in cases:
        for name in ("engine", *PEERS):
            python = folder / name / "bin" / "python"
            if name != "engine" and not python.exists():
                continue
            with endpoint(delay=DELAY, seed=1, **manners) as url:
                told = ours(url, number) if name == "engine" else peer(name, python, url, number)
                print(f"{case:18} {number:5}  {name:14} {told}; {stats(url)}", flush=True)


if __name__ == "__main__":
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - the progress bars' place
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/s3-peers"))
