"""A page as one file: template, style and script in it, and nothing that it could load.

All texts are escaped, and freed of what steers a reader's screen; beyond that a content security
policy lets the browser run and load nothing but the page's own script and style, by their digests.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.report.svg import inline
from s3.storage import write_text
from s3.text import sanitised

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
LONGEST = 2000  # characters of a text that a page shows


def write_page(path: Path, template: str, **content: Any) -> Path:
    """Write a page and return its path."""
    write_text(path, rendered(template, **content))
    return path


def rendered(template: str, **content: Any) -> str:
    """Return a page that loads and asks for nothing."""
    return _environment("search.js").get_template(template).render(content)


def served_page(template: str, script: str, **content: Any) -> str:
    """Return a page whose script may speak with the server that it came from, and no other."""
    made = _environment(script, "; connect-src 'self'")
    return made.get_template(template).render(content)


@cache
def _environment(script_name: str, more: str = "") -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script, judge_script = (
        (TEMPLATES / name).read_text(encoding="utf-8")
        for name in ("style.css", script_name, "judge.js")
    )
    scripts = f"{_digest(script)} {_digest(judge_script)}"
    policy = f"default-src 'none'; style-src {_digest(style)}; script-src {scripts}"
    environment.globals |= {
        "style": _own(style),
        "script": _own(script),
        "judge_script": _own(judge_script),
        "inline": inline,
        "policy": _own(f"{policy}{more}; base-uri 'none'; form-action 'none'"),
    }
    return environment


def cut(text: str) -> str:
    """Return a text, of a very long one its start and how much more there is."""
    more = len(text) - LONGEST
    return text if more <= 0 else f"{text[:LONGEST]}… ({more} characters more)"


def _shown(value: Any) -> Any:
    """What a template shows of a value: a text sanitised and cut; the page's own as it is."""
    own = hasattr(value, "__html__")
    return cut(sanitised(value)) if isinstance(value, str) and not own else value


def _own(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
