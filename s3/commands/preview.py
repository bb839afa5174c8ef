"""`python -m s3 preview task=NAME`: replies to each prompt, kept or dropped and why."""

from __future__ import annotations

from s3.composing import Folder, Options, composed, wrong_options


def preview(options: Options, config_dir: Folder = None) -> None:
    """Eight replies of the LLM to each kind of prompt of a run: kept, or dropped and why.

    Takes a run's options. What is written is stored: the run begins with it and pays once.
    """
    with wrong_options():
        made = composed(options, config_dir)
    from s3.runs.preview import Written
    from s3.runs.preview import preview as write

    shown: set[str] = set()
    counts = {"kept": 0, "dropped": 0}

    def tell(one: Written) -> None:
        if one.step not in shown:
            shown.add(one.step)
            print(f"\n== {one.step}\n{indented(one.prompt.text)}", flush=True)
        counts["dropped" if one.dropped else "kept"] += 1
        print(f"-- {f'dropped: {one.dropped}' if one.dropped else 'kept'}\n{indented(one.reply)}")

    experiment, choices = made.experiment, made.choices
    task, llm, seed = experiment.task, experiment.llm, experiment.seed
    run = f"{choices['task']}-preview"
    session = write(task, llm, experiment.method, task.load(seed), seed, run, tell)
    used = session.usage
    cost = f"${used.cost:.4f}" if session.priced else "a cost that is not known"
    print(
        f"\n{counts['kept']} kept, {counts['dropped']} dropped; {used.requests} requests, {cost}, "
        f"{used.stored} replies from the store. Edit the prompts and ask again; then: "
        f"s3 run {' '.join(options)}"
    )


def indented(text: str) -> str:
    """Return a text as a terminal may show it, set in."""
    from s3.text import sanitised

    return "\n".join(f"   {line}" for line in sanitised(text.strip()).splitlines())
