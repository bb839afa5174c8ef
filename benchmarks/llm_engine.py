"""The engine against a local endpoint: speed, faults, rate limits, kills, memory.

`python benchmarks/llm_engine.py clean` (or `faults`, `busy`, `rates`, `kills`, `memory`). Each
prints a table. The endpoint is tests/server.py in a process of its own; only loopback is used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from s3.llm import Completion, Prompt, Server, Session  # noqa: E402

DELAY, CONCURRENCY = 0.05, 50


@contextmanager
def endpoint(**manners: float) -> Iterator[str]:
    """Run the test endpoint in a process of its own; yield its address."""
    options = [f"--{name}={value}" for name, value in manners.items()]
    command = [sys.executable, "-m", "tests.server", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def prompts(number: int) -> list[str]:
    """Return prompts like those of a review task."""
    return [f"Write a short review of film number {i}, as a viewer would." for i in range(number)]


def empty_store() -> None:
    """Give the engine a store of its own, empty."""
    os.environ["S3_CACHE"] = tempfile.mkdtemp()


def engine(url: str, texts: list[str], **settings: int) -> int:
    """Draft through the engine; return how many completions came."""
    pace = {"concurrency": CONCURRENCY, "max_concurrency": CONCURRENCY, **settings}
    with Session(Server(base_url=f"{url}/v1", model="m", **pace), 0) as llm:  # type: ignore[arg-type]
        asked = [Prompt(text, reply_tokens=64) for text in texts]
        return sum(isinstance(outcome, Completion) for outcome in llm.complete(asked))


def bare_aiohttp(url: str, texts: list[str]) -> int:
    """The floor: nothing but requests, bounded by a semaphore."""
    import aiohttp

    async def run() -> int:
        gate = asyncio.Semaphore(CONCURRENCY)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def one(text: str) -> str:
                body = {"model": "m", "messages": [{"role": "user", "content": text}]}
                async with gate, session.post(f"{url}/v1/chat/completions", json=body) as reply:
                    return str((await reply.json())["choices"][0]["message"]["content"])

            return len(await asyncio.gather(*map(one, texts)))

    return asyncio.run(run())


def bare_openai(url: str, texts: list[str]) -> int:
    """The provider's own client, bounded by a semaphore."""
    from openai import AsyncOpenAI

    async def run() -> int:
        gate = asyncio.Semaphore(CONCURRENCY)
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client:

            async def one(text: str) -> str:
                async with gate:
                    said = await client.chat.completions.create(
                        model="m", messages=[{"role": "user", "content": text}]
                    )
                return str(said.choices[0].message.content)

            return len(await asyncio.gather(*map(one, texts)))

    return asyncio.run(run())


def clean() -> None:
    """A well-behaved endpoint: seconds of the call, medians of three in turns."""
    clients: list[Callable[[str, list[str]], int]] = [engine, bare_aiohttp, bare_openai]
    for number in (200, 2000):
        seconds: dict[str, list[float]] = {client.__name__: [] for client in clients}
        with endpoint(delay=DELAY) as url:
            for client in clients:
                empty_store()
                client(url, prompts(5))  # imports and connections are not the call's
            for _ in range(3):
                for client in clients:
                    empty_store()
                    started = time.perf_counter()
                    assert client(url, prompts(number)) == number
                    seconds[client.__name__].append(time.perf_counter() - started)
        floor = statistics.median(seconds["bare_aiohttp"])
        for name, taken in seconds.items():
            middle = statistics.median(taken)
            print(f"{number:5} rows  {name:13} {middle:6.2f} s  {middle / floor:4.2f} x aiohttp")


def faults() -> None:
    """Misbehaviour at three seeds: good rows, seconds, requests."""
    for name, shares in (("429, 500, cut", KINDS), ("and dropped, empty", {**KINDS, **MORE})):
        for seed in (1, 2, 3):
            empty_store()
            with endpoint(delay=DELAY, seed=seed, **shares) as url:
                started = time.perf_counter()
                good = engine(url, prompts(200))
                seconds = time.perf_counter() - started
                print(f"{name:20} seed {seed}: {good}/200 in {seconds:.2f} s, {stats(url)}")


KINDS = {"refuse": 0.1, "error": 0.05, "truncate": 0.02}
MORE = {"drop": 0.02, "empty": 0.02}


def busy() -> None:
    """Many rows at six seeds: 200 in flight under 17 % faults; 2 % of 429 with Retry-After: 1.

    The CPU seconds are the engine's own, which other work on the machine changes least.
    """
    strays = {"refuse": 0.02, "retry_after": 1}
    for name, number, flight, shares in (
        ("17 % faults, 200 in flight", 2000, 200, KINDS),
        ("2 % of 429, 50 in flight", 600, CONCURRENCY, strays),
    ):
        for seed in range(1, 7):
            empty_store()
            with endpoint(delay=DELAY, seed=seed, **shares) as url:
                started, spent = time.perf_counter(), time.process_time()
                good = engine(url, prompts(number), concurrency=flight, max_concurrency=flight)
                seconds, spent = time.perf_counter() - started, time.process_time() - spent
                print(f"{name} seed {seed}: {good}/{number} in {seconds:.2f} s "
                      f"({spent:.2f} s of CPU), {stats(url)}")  # fmt: skip


def rates() -> None:
    """A token bucket of one second's burst with Retry-After: 1."""
    for rate in (600, 300):
        empty_store()
        with endpoint(delay=DELAY, rate=rate) as url:
            started = time.perf_counter()
            good = engine(url, prompts(200))
            seconds, ideal = time.perf_counter() - started, (200 - rate / 60) / (rate / 60)
            print(f"{rate} a minute: {good}/200 in {seconds:.1f} s, ideal {ideal:.1f} s "
                  f"({seconds / ideal:.2f}), {stats(url)}")  # fmt: skip


def kills() -> None:
    """kill -9 at ten random moments of 2,000 rows: what is sent again, is the result the same."""
    rng, number = random.Random(4), 2000
    with endpoint(delay=DELAY) as url:
        empty_store()
        undisturbed = _result(url, number)
        for _ in range(10):
            empty_store()
            before = _requests(url)
            process = subprocess.Popen(
                [sys.executable, __file__, "child", "--url", url], stdout=subprocess.DEVNULL
            )
            until = before + rng.randrange(100, 1900)
            while _requests(url) < until and process.poll() is None:
                time.sleep(0.005)
            process.kill()
            process.wait()
            time.sleep(0.2)
            same = _result(url, number) == undisturbed
            again = _requests(url) - before - number
            print(f"killed after {until - before:4} requests: {again:3} sent again, same: {same}")


def _result(url: str, number: int) -> str:
    done = subprocess.run(
        [sys.executable, __file__, "child", "--url", url, "--rows", str(number)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def child(url: str, number: int) -> None:
    """Draft, and print all texts: a process to be killed."""
    pace = {"concurrency": CONCURRENCY, "max_concurrency": CONCURRENCY}
    with Session(Server(base_url=f"{url}/v1", model="m", **pace), 0) as llm:  # type: ignore[arg-type]
        asked = (Prompt(text, reply_tokens=64) for text in prompts(number))
        for outcome in llm.complete(asked):
            print(getattr(outcome, "text", "failed"))


def memory(number: int) -> None:
    """Stream completions through and throw them away: the largest memory of the process."""
    empty_store()
    with endpoint() as url:
        started, said = time.perf_counter(), 0
        pace = {"concurrency": 50, "max_concurrency": 50}
        with Session(Server(base_url=f"{url}/v1", model="m", **pace), 0) as llm:  # type: ignore[arg-type]
            asked = (Prompt(f"Review film {i}.", reply_tokens=64) for i in range(number))
            for done, _ in enumerate(llm.complete(asked), 1):
                if done >= said:
                    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                    rate = done / (time.perf_counter() - started)
                    print(
                        f"{done:8} completions  {peak:5.0f} MB at most  {rate:5.0f}/s", flush=True
                    )
                    said += number // 8


def stats(url: str) -> str:
    """What the endpoint counted."""
    with urllib.request.urlopen(f"{url}/stats") as reply:
        counts = json.load(reply)
    return f"{counts['requests']} requests, {counts['statuses'].get('429', 0)} refusals"


def _requests(url: str) -> int:
    return int(stats(url).split()[0])


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what", choices=["clean", "faults", "busy", "rates", "kills", "memory", "child"]
    )
    parser.add_argument("--url")
    parser.add_argument("--rows", type=int, default=0)
    options = parser.parse_args()
    if options.what == "child":
        child(options.url, options.rows or 2000)
    elif options.what == "memory":
        memory(options.rows or 200_000)
    else:
        globals()[options.what]()


if __name__ == "__main__":
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - the progress bars' place
    main()
