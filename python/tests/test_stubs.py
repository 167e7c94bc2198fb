"""The stub of `mlx.core` is Python and has the names that `mlx.core` has."""

import ast
import inspect
import pathlib

import mlx.core as mx

STUB = pathlib.Path(__file__).resolve().parent.parent / "mlx" / "core" / "__init__.pyi"
#: Names of the stub alone: they stand for types.
OF_TYPES = {"R", "Scalar", "StreamOrDevice", "Any", "Callable", "IO", "Literal", "ModuleType",
            "PathLike", "Sequence", "TypeVar", "overload"}
#: Names that MLX itself lacks: the tests run on its core too.
BEYOND_MLX = {"device", "evaluate_async", "explain", "trace_evaluation"}


def names(body):
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.AnnAssign):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            yield node.targets[0].id
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def tree():
    return ast.parse(STUB.read_text())


def test_what_the_stub_says_is_there():
    wanted = set(names(tree().body)) - OF_TYPES - BEYOND_MLX
    missing = [n for n in sorted(wanted) if not hasattr(mx, n)]
    assert missing == []


def test_functions_that_are_there_are_in_the_stub():
    known = set(names(tree().body))
    assert len(known) > 300
    missing = [
        n for n in dir(mx)
        if not n.startswith("_") and callable(getattr(mx, n)) and n not in known
        and not inspect.isclass(getattr(mx, n))
    ]
    assert missing == []


def test_members_of_array():
    body = next(n for n in tree().body if isinstance(n, ast.ClassDef) and n.name == "array").body
    members = set(names(body))
    missing = [n for n in members - BEYOND_MLX if not hasattr(mx.array, n)]
    assert missing == []
    assert [n for n in dir(mx.array) if not n.startswith("_") and n not in members] == []


def test_the_most_used_say_what_they_compute():
    told = [n.name for n in tree().body if isinstance(n, ast.FunctionDef) and ast.get_docstring(n)]
    assert len(told) > 120 and {"softmax", "matmul", "grad", "compile", "eval"} <= set(told)
