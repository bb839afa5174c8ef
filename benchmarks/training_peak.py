"""The share of the matrix-product peak that training reaches, and where the rest goes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import training_common as common

TURNS = 25
SHAPES = ((384, 1536), (1536, 384))  # of the model's largest products
Work = Callable[[], float]  # does it once and returns its FLOP


def product(dtype: Any, inner: int, outer: int) -> Work:
    """Return the model's product of 2,048 tokens, four times."""
    import torch

    left, right = torch.randn(2048, inner).to(dtype), torch.randn(outer, inner).to(dtype)

    def work() -> float:
        for _ in range(4):
            torch.nn.functional.linear(left, right)
        return 4 * 2.0 * 2048 * inner * outer

    return work


def training(precision: str, rows: int, length: int) -> Work:
    """Return a whole training step: 6 FLOP a token and weight, and the attention."""
    import torch

    from s3.student.dropout import quicken
    from s3.student.hardware import tune_memory
    from s3.student.weights import load_model

    model = load_model(common.HEAD, common.student().encoder.source).train()
    quicken(model)
    tune_memory()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5, fused=True)
    ids = torch.randint(1000, 20000, (rows, length))
    weights = sum(p.numel() for n, p in model.named_parameters() if "encoder" in n and p.ndim > 1)
    config = model.config
    attention = 12 * rows * length * length * config.hidden_size * config.num_hidden_layers

    def work() -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.sum()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return 6.0 * weights * rows * length + attention

    return work


def rates(works: dict[str, Work]) -> dict[str, float]:
    """Return each work's FLOP/s: they take turns, and the median counts.

    Other machines share the processor: only neighbours in time can be compared. With one thread
    CPU seconds are taken, which a busy machine spares.
    """
    import torch

    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(TURNS):
        for name, work in works.items():
            began = clock()
            flop = work()
            found[name].append(flop / (clock() - began))
    return {name: statistics.median(some) for name, some in found.items()}


def _profile(step: Any) -> None:
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiled

    with profiled(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(3):
            step()
    events = found.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    for event in sorted(events, key=lambda event: -event.self_cpu_time_total)[:14]:
        print(f"    {event.self_cpu_time_total / total:6.1%}  {event.key}")


def main() -> None:
    import torch

    options = common.parser(__doc__).parse_args()
    common.use_threads(options.threads)
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        for rows, length in ((16, 128), (16, 64), (32, 32)):
            step = training(precision, rows, length)
            works = {str(shape): product(dtype, *shape) for shape in SHAPES}
            found = rates({**works, "training": step})
            reached, best = found.pop("training"), max(found.values())
            if length == 128:
                _profile(step)
            print(
                f"{precision}, {rows} rows of {length}: {reached / 1e9:.0f} of {best / 1e9:.0f} "
                f"GFLOP/s, share {reached / best:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
