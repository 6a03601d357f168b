"""What the linters cannot see: the house style as a test, with the remedy in each message."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "kiban"
EDGE = {"adapters", "cli", "wiring", "web", "chat", "__init__.py", "__main__.py"}
LONGEST_FILE = 500
LONGEST_FUNCTION = 70
CLOCKS = {"now", "utcnow", "today"}
BANNED_NAMES = {"utils", "helpers", "manager", "common"}


@cache
def modules() -> list[tuple[Path, ast.Module]]:
    paths = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))
    return [(path, ast.parse((SOURCE / path).read_text())) for path in paths]


def core() -> Iterator[tuple[Path, ast.AST]]:
    """Every node of every module of the core."""
    for path, tree in modules():
        if path.parts[0] not in EDGE:
            for node in ast.walk(tree):
                yield path, node


def test_a_module_says_what_it_is_for() -> None:
    silent = [str(path) for path, tree in modules() if tree.body and not ast.get_docstring(tree)]
    assert silent == [], "open with one to five sentences"


def test_a_name_says_what_is_inside() -> None:
    drawers = [str(path) for path, _ in modules() if BANNED_NAMES & {path.stem, *path.parts}]
    assert drawers == [], "name the idea, not the drawer"


def test_a_file_holds_one_idea() -> None:
    lengths = {str(path): (SOURCE / path).read_text().count("\n") for path, _ in modules()}
    assert {path: n for path, n in lengths.items() if n > LONGEST_FILE} == {}, "split it by idea"


def test_functions_are_read_in_one_go() -> None:
    long = {
        f"{path}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    }
    assert long == {}, "push the work down into leaves"


def test_the_core_is_told_the_time() -> None:
    asked = [
        f"{path}:{node.lineno}"
        for path, node in core()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"datetime", "date"}
    ]
    assert asked == [], "take now: Instant"


def test_the_core_returns_what_it_has_to_say() -> None:
    said = [
        f"{path}:{node.lineno}"
        for path, node in core()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "input", "open"}
    ]
    assert said == [], "return a value; the edge shows it"


def test_sets_are_sorted_before_they_are_walked() -> None:
    walked = [
        f"{path}:{node.iter.lineno}"
        for path, node in core()
        if isinstance(node, ast.For | ast.comprehension) and is_set(node.iter)
    ]
    assert walked == [], "walk sorted(...), so that two runs agree"


def is_set(node: ast.expr) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"set", "frozenset"}
