"""The share of the matrix-product peak that training reaches, and where the rest goes."""

from __future__ import annotations

import time
from typing import Any

import training_common as common

SECONDS = 4.0


def peak(dtype: Any, rows: int, inner: int, outer: int) -> float:
    """Return the FLOP/s of the model's largest product alone."""
    import torch

    left, right = torch.randn(rows, inner).to(dtype), torch.randn(outer, inner).to(dtype)
    seconds, runs = _timed(lambda: torch.nn.functional.linear(left, right))
    return 2.0 * rows * inner * outer * runs / seconds


def training(precision: str, rows: int, length: int, profile: bool) -> float:
    """Return the FLOP/s of whole training steps: 6 a token and weight, and the attention."""
    import torch

    from s3.student.dropout import quicken
    from s3.student.hardware import keep_memory
    from s3.student.pretrained import load_model

    model = load_model(common.HEAD, common.student().source).train()
    quicken(model)
    keep_memory()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5, fused=True)
    ids = torch.randint(1000, 20000, (rows, length))

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.sum()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    seconds, runs = _timed(step)
    if profile:
        _profile(step)
    weights = sum(p.numel() for n, p in model.named_parameters() if "encoder" in n and p.ndim > 1)
    config = model.config
    attention = 12 * rows * length * length * config.hidden_size * config.num_hidden_layers
    return runs / seconds * (6.0 * weights * rows * length + attention)


def _timed(work: Any) -> tuple[float, int]:
    """Return seconds and runs; CPU seconds of a single thread, which a busy machine spares."""
    import torch

    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    work()
    began, runs = clock(), 0
    while clock() - began < SECONDS:
        work()
        runs += 1
    return clock() - began, runs


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
    torch.set_num_threads(options.threads or torch.get_num_threads())
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        best = max(peak(dtype, 2048, *shape) for shape in ((384, 1536), (1536, 384), (384, 384)))
        for rows, length in ((16, 128), (16, 64), (32, 32)):
            reached = training(precision, rows, length, profile=length == 128)
            print(
                f"{precision}, {rows} rows of {length}: {reached / 1e9:.0f} of {best / 1e9:.0f} "
                f"GFLOP/s, share {reached / best:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
