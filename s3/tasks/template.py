"""A prompt template: one text for chats, and one for a model to go on with."""

from __future__ import annotations

from collections.abc import Mapping
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

    def check(self, where: str, known: set[str]) -> None:
        """Raise ValueError for a variable that is not among the `known` ones, or a lone $."""
        for style in Style:
            template = Template(getattr(self, style.value))
            if not template.is_valid():
                raise ValueError(f"{where}.{style.value}: a lone $ (write $$ for the sign)")
            for name in set(template.get_identifiers()) - known:
                offer = ", ".join(sorted(f"${one}" for one in known))
                raise ValueError(
                    f"{where}.{style.value}: unknown variable ${name}; it may use {offer}"
                )
