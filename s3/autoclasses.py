"""Lets transformers load the project's own kind of model, without loading transformers for it.

A trained probe is a model class of its own (`student/probe.py`). Once `s3` is imported,
`transformers.pipeline("text-classification", model=folder)` and
`AutoModelForSequenceClassification.from_pretrained(folder)` know it: no remote code, no download.
`import s3` must stay quick, so the class is registered as soon as transformers loads the file of
its auto classes, by Python's import machinery, and at once where it has loaded that already.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

AWAITED = "transformers.models.auto.modeling_auto"


def register() -> None:
    """Have the probe's file tell the auto classes of its model, if it has not done so."""
    import s3.student.probe  # noqa: F401


def install() -> None:
    """See to it that the auto classes know the probe as soon as they exist."""
    if AWAITED in sys.modules:
        register()
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds the awaited file as usual, and has what follows its execution done."""

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != AWAITED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Registering(spec.loader)
        return spec


class _Registering(Loader):
    """The usual loader, after which the probe is registered."""

    def __init__(self, usual: Loader) -> None:
        self.usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.usual.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.usual.exec_module(module)
        if module.__spec__ is not None:
            module.__spec__.loader = self.usual
        sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, _Finder)]
        register()
