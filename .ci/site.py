"""What the site has beside docs/: the README, the experiments', references made from the code."""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
# Links of a page that lie outside docs/ in the repository, and where the site has them.
MOVED = [(r"\]\(\.\./README\.md", "](index.md"), (r"\]\(\.\./experiments/", "](experiments/")]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    pages = {"index.md": readme(), "commands.md": commands(), "reference.md": reference()}
    for path in sorted((ROOT / "experiments").rglob("README.md")):
        pages[str(path.relative_to(ROOT))] = outside(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "experiments").rglob("*.svg")):
        files.append(File.generated(config, str(path.relative_to(ROOT)), content=path.read_text()))
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead the links of a page to where the site has what they name."""
    for before, after in MOVED:
        markdown = re.sub(before, after, markdown)
    return markdown


def readme() -> str:
    """Return the README as the site's first page."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("](docs/", "](")
    return re.sub(r"\[([^\]]+)\]\((?:CONTRIBUTING|LICENSE|CHANGELOG)[^)]*\)", r"\1", text)


def outside(text: str) -> str:
    """Return an experiment's README whose links to files that are no pages are plain words."""
    text = re.sub(r"(?<!!)\[([^\]]+)\]\((?!http|[^)]*README\.md|#)[^)]*\)", r"\1", text)
    return re.sub(r"\| `(\w+)` \|", r"| [\1](\1/README.md) |", text)  # a table's folders


def commands() -> str:
    """Return the help of every command."""
    import typer

    from s3.commands.app import app

    group: Any = typer.main.get_command(app)
    with typer.Context(group, info_name="s3") as above:
        return "# Commands\n\n" + "\n".join(_helps(group, above))


def _helps(group: Any, above: Any) -> list[str]:
    found = []
    for name, command in sorted(group.commands.items()):
        with type(above)(command, info_name=name, parent=above) as context:
            if hasattr(command, "commands"):
                found += _helps(command, context)
            else:
                shown = command.get_help(context)
                found.append(f"## {context.command_path}\n\n```text\n{shown}\n```\n")
    return found


def reference() -> str:
    """Return every option of every class that a YAML file can name, with default and comment."""
    from s3.config import CLASSES
    from s3.llm import LLM
    from s3.methods import Method
    from s3.options import comments, source
    from s3.runs.experiment import Experiment
    from s3.student import Student
    from s3.tasks import Task

    parts_of = {Task: "task.", LLM: "llm.", Student: "model.", Method: "method."}
    parts = ["# Reference of options", "From the classes that the YAML files name; [options]"
             "(options.md) tells what they are for.", ""]  # fmt: skip
    for cls in (Experiment, *CLASSES):
        said = comments(source(cls))
        part = next((name for kind, name in parts_of.items() if issubclass(cls, kind)), "")
        parts += [f"## {cls.__name__}", "", "| option | default | |", "|---|---|---|"]
        parts += [f"| `{part}{one.name}` | {_default(one)} | {_cell(said.get(one.name, ''))} |"
                  for one in fields(cls)]  # fmt: skip
        parts.append("")
    return "\n".join(parts)


def _default(field: Field[Any]) -> str:
    value = field.default_factory() if field.default_factory is not MISSING else field.default
    if value is MISSING or is_dataclass(value) or value == "":
        return ""
    if value is None or isinstance(value, bool):
        value = {None: "null", True: "true", False: "false"}[value]
    return f"`{getattr(value, 'name', value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
