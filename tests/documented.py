"""The shell commands that README.md and docs/ name, to be run by tests/test_documented.py.

A command is a line of a fence without a language, or of `bash`; a line after `$ ` in a `console`
fence; and a code span that begins with a program. What docs/reliability.md lists under "Commands
that no test runs" is left out, with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.runs.helpers import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LISTED = ROOT / "docs" / "reliability.md", "## Commands that no test runs\n"
PROGRAMS = "python|s3|make|pip|uv|wandb|vllm|sbatch|curl|ssh|hf|export|transformers|ollama|bash"
SPAN = re.compile(rf"(?:[A-Z_0-9]+=\S+ )*(?:{PROGRAMS}) .+", re.DOTALL)
MENTION = re.compile(r"(?:python -m )?s3 [a-z]+")  # a command's name, no command line
LANGUAGES = {"python", "yaml", "json", "text", "sh"}  # of fences that are files or output


@dataclass(frozen=True)
class Command:
    """A command line, and where it stands."""

    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line} {self.text}"


def commands() -> list[Command]:
    """Return every command of the pages, each text once."""
    found = [one for page in PAGES for one in of_page(page)]
    return list({one.text: one for one in reversed(found)}.values())[::-1]


def mentions() -> set[str]:
    """Return the commands of `s3` that the pages name alone, without arguments."""
    texts = {span for page in PAGES for _, span in spans(page.read_text(encoding="utf-8"))}
    return {text.rpartition("s3 ")[2] for text in texts if MENTION.fullmatch(text)}


def unrun() -> dict[str, str]:
    """Return the reason why no test runs it, by command; one that ends in ` ...` is a beginning."""
    page, heading = LISTED
    section = page.read_text(encoding="utf-8").partition(heading)[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+`) \| (.+) \|$", section, re.MULTILINE)
    return {text: why for texts, why in rows for text in re.findall(r"`([^`]+)`", texts)}


def fits(pattern: str, text: str) -> bool:
    """Say whether a row of that list means a command."""
    return text == pattern or (pattern.endswith(" ...") and text.startswith(pattern[:-3]))


def of_page(page: Path) -> Iterator[Command]:
    """Yield the commands of a page, but for those of the list."""
    text = page.read_text(encoding="utf-8")
    if page == LISTED[0]:
        before, heading, after = text.partition(LISTED[1])
        text = before + "\n" * heading.count("\n") + re.sub(r"`", " ", after.partition("\n## ")[0])
        text += "\n## " + after.partition("\n## ")[2]
    for place, language, lines in fences(text):
        assert language in {"", "bash", "console", *LANGUAGES}, f"{page.name}:{place}: {language}"
        if language not in LANGUAGES:
            for line, one in typed(lines, prompt="$ " if language == "console" else ""):
                yield Command(page, place + line, one)
    for line, span in spans(text):
        if SPAN.fullmatch(span) and not MENTION.fullmatch(span):
            yield Command(page, line, " ".join(span.split()))


def fences(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the line, the language and the lines of every fence."""
    for fence in re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE):
        number = text.count("\n", 0, fence.start()) + 2
        yield number, fence[1], fence[2].splitlines()


def typed(lines: list[str], prompt: str) -> Iterator[tuple[int, str]]:
    """Yield what is typed: without prompt and comment, continued lines as one."""
    whole = ""
    for number, line in enumerate(lines):
        if not whole and not line.startswith(prompt):
            continue
        whole += line.removeprefix(prompt) if not whole else line.strip()
        if whole.endswith("\\"):
            whole = whole[:-1]
            continue
        if stripped := re.sub(r"(^|\s+)# .*$", "", whole).strip():
            yield number, stripped
        whole = ""


def spans(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every code span outside fences."""
    bare = re.sub(
        r"^```.*\n(?:.*\n)*?```$", lambda one: "\n" * one[0].count("\n"), text, flags=re.MULTILINE
    )
    for span in re.finditer(r"(?<!`)`([^`]+)`(?!`)", bare):
        yield bare.count("\n", 0, span.start()) + 1, span[1]
