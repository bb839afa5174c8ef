"""The order of the rooms and of the files in each: imports point up, in no circle, none early."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "s3"
FILES = sorted(PACKAGE.rglob("*.py"))
TASKS = {path.stem for path in (PACKAGE / "conf" / "task").glob("*.yaml")}
# A room or file imports only from those above its own line; those on one line do not know each
# other. The face of a package (its __init__) comes after all its files.
ORDER = {
    "s3": """
        errors
        storage text secrets
        progress metrics weights
        data
        llm
        student
        tasks
        synthesis
        methods audit starting
        runs
        prediction analysis verdict
        feasibility
        overrides judges self_agreement
        report
        review
        serving
        explaining tuning yaml_files
        options
        config commandline
        jobs
        running
        main composing
        commands
        autoclasses
    """,
    "s3.data": "example known decoding\nmany\nsplitting tables reviewed\nfiles\nrows gold\nchecks",
    "s3.llm": """
        types thoughts
        errors
        keys
        settings
        protocols recovery
        database
        store leases
        limits format trial
        transport
        embedded base
        providers session check
    """,
    "s3.llm.protocols": """
        parsing waits
        causes
        base
        anthropic chat completions responses
        azure mistral
    """,
    "s3.llm.limits": "prices\nbudget rates\nlimiter",
    "s3.llm.transport": """
        base
        http calls allowance saving notes
        models batch_api batch_replies
        servers
        online batch openai_batch anthropic_batch
        slots mistral_batch
    """,
    "s3.student": """
        settings weighting static pooling
        probe
        hardware heads dropout
        weights
        tokenizer
        encoding
        forward
        predictor preflight
        lightning probing
        student
    """,
    "s3.student.heads": "base\nclassification spans",
    "s3.student.encoding": "arrays\nrows\nstore\nbatches",
    "s3.student.lightning": "checkpoint module\nprogress\ntraining",
    "s3.tasks": "cleaning template\nreply\nbase\nclassification qa",
    "s3.starting": "columns language\nprompts\ntask",
    "s3.synthesis": "writing\nrationales seeds extrapolation labelling",
    "s3.methods": """
        base influence existing
        drawing
        gold loop
        s3 zerogen
        progen zeroshot
        fewshot
    """,
    "s3.audit": "similar\nsplit\nauditor\nfile",
    "s3.runs": """
        checksums rows crossing
        folder significance
        reading identity
        doubts finding calibration counts
        listeners dryrun
        preflight preview rounds
        experiment
    """,
    "s3.runs.listeners": "base remarks\nsummary table log\nwandb",
    "s3.runs.listeners.wandb": "settings tables artifacts\ntracker",
    "s3.prediction": "model writing\nexport files",
    "s3.analysis": """
        encodings intervals results gold
        cost similarity extrapolations groups frames listing distances judgements
        diversity quality errors maps comparison gap rankings
        real_rows
        formats measures agreement
    """,
    "s3.report": """
        charts dashboard pairs
        agreement drawing findings
        svg maps
        page
        comparison run
        cards figures
        hub
    """,
    "s3.review": "doubts\nserver",
    "s3.serving": "batches bodies page\napp",
    "s3.commands": """
        runs
        analyze audit check compare dashboard export feasible figures new predict preview
        push report review run serve store
        agreement judgements
        app
    """,
    "s3.runs.dryrun": "habits\nrehearsal\nplan",
}
HEAVY = {"torch", "transformers", "datasets", "pyarrow", "datasketch", "wandb", "xllamacpp"}
HEAVY |= {"pytorch_lightning", "scipy", "openai", "pandas", "jinja2", "matplotlib", "sklearn"}
HEAVY |= {"onnx", "onnxruntime", "wandb_workspaces", "optuna", "choix"}
HEAVY |= {"fastapi", "starlette", "uvicorn", "pydantic"}
LAZY = {"student", "llm", "serving"}  # imported inside functions; --help is timed elsewhere


def module(path: Path) -> str:
    """The dotted name of a file of the package; a package's face goes by the package's name."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )


MODULES = {module(path) for path in FILES}


def imported(tree: ast.AST) -> set[str]:
    """The modules of the package that a file imports anywhere, for type checkers too."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {known(name) for name in names if name.split(".")[0] == "s3"}


def known(name: str) -> str:
    """The module that an imported name lives in."""
    while name not in MODULES and "." in name:
        name = name.rpartition(".")[0]
    return name


def levels(room: str) -> dict[str, int]:
    lines = [line for line in ORDER[room].splitlines() if line.strip()]
    return {name: level for level, line in enumerate(lines) for name in line.split()}


def offences(own: str, tree: ast.AST) -> list[str]:
    """The imports of a module that point down or sideways, in any package that it lies in."""
    found = []
    for other in imported(tree) - {own, "s3"}:
        mine, theirs = own.split("."), other.split(".")
        depth = next(
            (i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b),
            min(len(mine), len(theirs)),
        )
        room = ".".join(mine[:depth])
        if room == own:  # a package's face shows what its files make
            continue
        order = levels(room) | {"__main__": 99} if room in ORDER else {}
        if depth == len(theirs):  # a file that imports the face of a package that it lies in
            found.append(f"{own} imports its own package {other}")
        elif order and order[theirs[depth]] >= order[mine[depth]]:
            found.append(f"{own} imports {other}")
    return found


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@pytest.mark.parametrize("room", ORDER)
def test_every_room_and_file_has_its_place(room: str):
    folder = PACKAGE.parent.joinpath(*room.split("."))
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert files | rooms == set(levels(room))


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_point_up(path: Path):
    assert offences(module(path), parsed(path)) == []


@pytest.mark.parametrize("path", FILES, ids=module)
def test_no_code_knows_a_task_by_its_name(path: Path):
    tree = parsed(path)
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not TASKS & {one for one in strings | named if isinstance(one, str)}


@pytest.mark.parametrize(
    "path", [path for path in FILES if not LAZY & set(module(path).split("."))], ids=module
)
def test_what_is_heavy_is_imported_inside_functions(path: Path):
    top = ast.Module([n for n in parsed(path).body if isinstance(n, ast.Import | ast.ImportFrom)])
    names = [
        name
        for node in top.body
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names if isinstance(node, ast.Import)]
        )
    ]
    assert not HEAVY & {name.split(".")[0] for name in names}


@pytest.mark.parametrize(
    ("own", "planted"),
    [
        ("s3.data.files", "from s3.methods import S3"),  # another room, further down
        ("s3.data.files", "def f():\n    from s3.data.gold import Gold"),  # a later file
        ("s3.tasks.base", "if TYPE_CHECKING:\n    from s3.tasks.qa import ExtractiveQA"),
        ("s3.methods.s3", "from s3.audit import Auditor"),  # a room on the same line
        ("s3.tasks.base", "from s3.tasks import Task"),  # the face of its own package
    ],
)
def test_the_test_itself_sees_a_planted_circle(own: str, planted: str):
    assert len(offences(own, ast.parse(planted))) == 1
