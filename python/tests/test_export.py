"""Functions in files: recorded for several arguments, called by position and by name."""

import pathlib

import mlx.core as mx
import pytest

X, Z = mx.array([1.0, 2.0]), mx.array([3.0, 4.0])


def add(x, y, z=None):
    return x + y if z is None else x + y + z


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "function.mlxfn")


def test_several_recordings(path):
    with mx.exporter(path, add) as export:
        export(X, X)
        export(X, X, z=Z)
        export(mx.ones(3), mx.ones(3))
    with pytest.raises(RuntimeError):
        export(X, X)
    function = mx.import_function(path)
    assert isinstance(function(X, X), tuple)
    assert function(X, X)[0].tolist() == [2, 4]
    assert function(X, X, z=Z)[0].tolist() == [5, 8]
    assert function(mx.ones(3), mx.ones(3))[0].tolist() == [2, 2, 2]
    for args, names in (((mx.ones(4), mx.ones(4)), {}), ((X,), {}), ((X, X), {"y": Z})):
        with pytest.raises(ValueError):
            function(*args, **names)


def test_shapeless_recordings(path):
    with mx.exporter(path, lambda *args: sum(args), shapeless=True) as export:
        export(mx.array(1))
        export(mx.array(1), mx.array(2))
    function = mx.import_function(path)
    assert function(mx.array(7))[0].item() == 7
    assert function(mx.array(7), mx.array(2))[0].item() == 9
    with pytest.raises(ValueError):
        function(mx.array(10), mx.array([5, 10]))


@pytest.mark.parametrize("args, names", [
    ((X, X), {"z": Z}), (((X, X), {"z": Z}), {}), (([X, X], {"z": Z}), {}),
])
def test_forms_of_a_call(path, args, names):
    mx.export_function(path, add, *args, **names)
    function = mx.import_function(path)
    assert function(X, X, z=Z)[0].tolist() == [5, 8]
    assert function((X, X), {"z": Z})[0].tolist() == [5, 8]
    with pytest.raises(ValueError):
        function(X, X, Z)


def test_names_alone(path):
    mx.export_function(path, add, x=X, y=X)
    function = mx.import_function(path)
    assert function({"x": X, "y": X})[0].tolist() == [2, 4]
    with pytest.raises(ValueError):
        function(X, y=X)


def test_what_is_no_array_is_refused(path):
    mx.export_function(path, add, X, X)
    function = mx.import_function(path)
    for args in ((X, 1.0), (X, [X]), ("x", X)):
        with pytest.raises(ValueError):
            function(*args)
        with pytest.raises(ValueError):
            mx.export_function(path, add, *args)
    for results in ((X, 1), (X, [X]), "x", None):
        with pytest.raises(ValueError):
            mx.export_function(path, lambda: results)
    # The file is still the one that was written whole.
    assert mx.import_function(path)(X, X)[0].tolist() == [2, 4]


def test_exceptions_of_the_function(path):
    def fails(x):
        raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        mx.export_function(path, fails, X)
    with pytest.raises(RuntimeError):
        mx.import_function(path)
    # What failed leaves out itself only.
    with mx.exporter(path, lambda x: x if x.size == 2 else fails(x)) as export:
        export(X)
        with pytest.raises(KeyError):
            export(mx.ones(3))
    assert mx.import_function(path)(X)[0].tolist() == [1, 2]


def test_parts_go_to_a_callback(path):
    constant = mx.array([5.0, 6.0])
    parts = []

    def function(x, y=None):
        return mx.sin(x) * 2.0 + constant, (y > 1).astype(mx.int32)

    mx.export_function(parts.append, function, X, y=mx.array(1))
    assert [part["type"] for part in parts[:4]] == [
        "inputs", "keyword_inputs", "outputs", "constants"]
    (first, second) = parts[0]["inputs"]
    assert first[1:] == ((2,), mx.float32) and second[1:] == ((), mx.int32)
    assert parts[1]["keywords"] == [("y", second[0])]
    assert [x[1:] for x in parts[2]["outputs"]] == [((2,), mx.float32), ((), mx.int32)]
    values = {name: value.tolist() for name, value in parts[3]["constants"]}
    assert sorted(values.values(), key=str) == sorted([2.0, 1, [5.0, 6.0]], key=str)
    # Each primitive takes what was there before it, and the outputs are there at the end.
    known = {first[0], second[0], *values}
    for part in parts[4:]:
        assert part["type"] == "primitive" and isinstance(part["arguments"], list)
        assert {x[0] for x in part["inputs"]} <= known
        known |= {x[0] for x in part["outputs"]}
    assert {x[0] for x in parts[2]["outputs"]} <= known
    assert [part["name"] for part in parts[4:7]] == ["sin", "multiply", "add"]


def test_an_argument_that_is_not_used(path):
    parts = []
    mx.export_function(parts.append, lambda x, y: x + 1, X, Z)
    assert len(parts[0]["inputs"]) == 2
    mx.export_function(path, lambda x, y: x + 1, X, Z)
    assert mx.import_function(path)(X, Z)[0].tolist() == [2, 3]


def test_recordings_share_their_constants(path):
    constant = mx.zeros((16, 2048)) + 1
    mx.eval(constant)
    with mx.exporter(path, lambda *args: constant + sum(args)) as export:
        for count in range(5):
            export(*[mx.array(1)] * count)
    assert pathlib.Path(path).stat().st_size < constant.nbytes + 8192
    function = mx.import_function(path)
    assert function(mx.array(1), mx.array(1))[0][3, 5].item() == 3


@pytest.mark.parametrize("text", ["", "a text", "é \u4e2d", '{"layers": 12}', "x" * 100_000])
def test_a_text_goes_along(path, text):
    mx.export_function(path, add, X, X, metadata=text)
    function, found = mx.import_function(path, return_metadata=True)
    assert found == text and function(X, X)[0].tolist() == [2, 4]
    with mx.exporter(path, add, metadata=text) as export:
        export(X, X)
        export(X, X, X)
    assert mx.import_function(path, return_metadata=True)[1] == text


def test_what_is_no_text_does_not_go_along(path):
    mx.export_function(path, add, X, X)
    assert mx.import_function(path, return_metadata=True)[1] == ""
    for metadata in ({"a": 1}, 5, b"a"):
        with pytest.raises(TypeError):
            mx.export_function(path, add, X, X, metadata=metadata)
    with pytest.raises(ValueError):
        mx.export_function(print, add, X, X, metadata="a text")


@pytest.mark.parametrize("groups", [1, 2])
def test_convolutions_of_any_size(path, groups):
    weight = mx.random.normal((6, 3, 3, 4 // groups))

    def convolution(x):
        return mx.conv2d(x, weight, stride=2, padding=1, groups=groups)

    mx.export_function(path, convolution, mx.ones((2, 8, 8, 4)), shapeless=True)
    function = mx.import_function(path)
    for shape in ((2, 8, 8, 4), (1, 7, 9, 4), (3, 16, 5, 4)):
        x = mx.random.normal(shape)
        assert mx.allclose(function(x)[0], convolution(x))
