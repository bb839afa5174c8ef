"""A prompt template: one text for chats, and one for a model to go on with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import Template

from s3.llm.types import Style


@dataclass(kw_only=True)
class PromptTemplate:
    """One prompt in both styles, as `string.Template` text.

    `chat` is the user's turn. `continuation` is a text to go on with: if it ends in a quotation
    mark, the reply ends at the closing one; else at a blank line.
    """

    chat: str = ""
    continuation: str = ""

    def __bool__(self) -> bool:
        return any(map(self.has, Style))

    def fill(self, style: Style, variables: Mapping[str, str]) -> str:
        """Return the filled template of a style."""
        return Template(getattr(self, style.value)).substitute(variables)

    def has(self, style: Style) -> bool:
        """Say whether there is a text for a style."""
        return bool(getattr(self, style.value).strip())

    def check(self, where: str, known: set[str], needed: Iterable[set[str]]) -> None:
        """Raise ValueError for a variable that is not known, one that is missing, or a lone $.

        Of each set in `needed` one variable must be there: without `$label`, say, the LLM would be
        asked the same for every label. An empty text is none, and may lack all.
        """
        for style in filter(self.has, Style):
            template = Template(getattr(self, style.value))
            if not template.is_valid():
                raise ValueError(f"{where}.{style.value}: a lone $ (write $$ for the sign)")
            used = set(template.get_identifiers())
            for name in sorted(used - known):
                offer = ", ".join(sorted(f"${one}" for one in known))
                raise ValueError(
                    f"{where}.{style.value}: unknown variable ${name}; it may use {offer}"
                )
            for names in needed:
                if not names & used:
                    lacking = " or ".join(f"${name}" for name in sorted(names))
                    raise ValueError(
                        f"{where}.{style.value} lacks {lacking}: every reply would be written "
                        "without knowing what that stands for"
                    )
