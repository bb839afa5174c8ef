"""The layers: imports point one way, nothing heavy is imported early, no task is known by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "s3"
FILES = sorted(PACKAGE.rglob("*.py"))
TASKS = {path.stem for path in (PACKAGE.parent / "conf" / "task").glob("*.yaml")}
# Each module imports only from those of the lines above its own, and from within itself; those on
# one line do not know each other.
LAYERS = """
errors
data progress registry metrics influence
rows
gold
llm
student
tasks
synthesis
rationales
methods audit
report tracking
table
dryrun
rounds
experiment
config
""".splitlines()
LEVEL = {name: level for level, line in enumerate(LAYERS) for name in line.split()}
HEAVY = {"torch", "transformers", "datasets", "pyarrow", "datasketch", "wandb", "xllamacpp"}
HEAVY |= {"pytorch_lightning", "scipy", "openai"}
LAZY = {"student", "llm"}  # their files are imported inside functions; --help is timed elsewhere


def part(path: Path) -> str:
    """The module or subpackage of s3 that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def name(path: Path) -> str:
    """What a file is called in a test's name."""
    return str(path.relative_to(PACKAGE))


def imported(node: ast.AST) -> list[str]:
    """The full names that an import statement names."""
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            yield node
            yield from running(node)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_every_module_has_its_layer():
    assert {part(path) for path in FILES} - {"__init__"} == set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_point_one_way(path: Path):
    own = part(path)
    names = [name.split(".") for node in running(parsed(path)) for name in imported(node)]
    parts = {name[1] for name in names if name[0] == "s3" and len(name) > 1} - {own, "__version__"}
    assert {one for one in parts if one not in LEVEL} == set()
    if own != "__init__":
        assert {one for one in parts if LEVEL[one] >= LEVEL[own]} == set()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_code_knows_a_task_by_its_name(path: Path):
    tree = parsed(path)
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not TASKS & {one for one in strings | named if isinstance(one, str)}


@pytest.mark.parametrize("path", [path for path in FILES if part(path) not in LAZY], ids=name)
def test_what_is_heavy_is_imported_inside_functions(path: Path):
    top = [node for node in parsed(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not HEAVY & {name.split(".")[0] for node in top for name in imported(node)}


def test_the_test_itself_sees_an_import_that_points_back():
    tree = ast.parse("def f():\n    from s3.methods import S3\nif TYPE_CHECKING:\n    import s3.x")
    assert [name for node in running(tree) for name in imported(node)] == ["s3.methods.S3"]
