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


FOR_ANY_SHAPE = {
    "new axes": lambda x: x[:, None, ..., None],
    "expand_dims": lambda x: mx.expand_dims(x, (0, -1)),
    "squeeze": lambda x: mx.squeeze(x.sum(axis=1, keepdims=True), 1) * x.mean(),
    "flatten": lambda x: mx.flatten(x, 0, 1),
    "flatten all": lambda x: mx.argmax(x),
    "unflatten": lambda x: mx.unflatten(x, -1, (2, -1)),
    "reshape": lambda x: mx.reshape(x, (-1, 2)),
    "reshape, method": lambda x: x.reshape(2, -1),
    "stack": lambda x: mx.stack([x, x + 1], axis=1),
    "sort": lambda x: mx.sort(x, axis=1),
    "argsort": lambda x: mx.argsort(x, axis=0),
    "cumsum": lambda x: mx.cumsum(x, axis=1, reverse=True),
    "zeros_like": lambda x: x + mx.zeros_like(x),
    "ones_like": lambda x: mx.ones_like(x / 0, mx.int32),
    "full_like": lambda x: mx.full_like(x, 1.5),
    "conv1d": lambda x: mx.conv1d(x, mx.ones((3, 2, 4)), padding=1),
}


@pytest.mark.parametrize("name", FOR_ANY_SHAPE)
def test_what_can_be_exported_for_any_shape(path, name):
    function = FOR_ANY_SHAPE[name]
    mx.export_function(path, function, mx.random.normal((2, 6, 4)), shapeless=True)
    imported = mx.import_function(path)
    compiled = mx.compile(function, shapeless=True)
    for shape in ((2, 6, 4), (3, 8, 4), (1, 1, 4)):
        x = mx.random.normal(shape)
        for result in (imported(x)[0], compiled(x)):
            assert result.shape == function(x).shape
            assert mx.allclose(result, function(x), atol=1e-5)


TRANSFORMED = {
    "mapped": lambda x: mx.vmap(lambda y: mx.flatten(y[None], 0, 1), in_axes=1)(x),
    "pushed": lambda x: mx.jvp(lambda y: mx.flatten(mx.sin(y)[:, None]), [x], [x])[1][0],
    "derived": lambda x: mx.grad(lambda y: mx.sin(y[None] * mx.expand_dims(y, 0)).sum())(x),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_transforms_within_what_is_compiled_for_any_shape(name):
    function = TRANSFORMED[name]
    compiled = mx.compile(function, shapeless=True)
    for shape in ((2, 6, 4), (3, 8, 4), (1, 1, 4)):
        x = mx.random.normal(shape)
        assert compiled(x).shape == function(x).shape
        assert mx.allclose(compiled(x), function(x), atol=1e-5)


@pytest.mark.parametrize("name", FOR_ANY_SHAPE)
def test_transforms_of_what_is_compiled_for_any_shape(name):
    function = FOR_ANY_SHAPE[name]
    compiled = mx.compile(function, shapeless=True)
    for shape in ((2, 6, 4), (3, 8, 4)):
        x = mx.random.normal(shape)
        for axis in (0, 1):
            want = mx.vmap(lambda y: function(y[None, :, :4]), in_axes=axis)(x)
            got = mx.vmap(lambda y: compiled(y[None, :, :4]), in_axes=axis)(x)
            assert got.shape == want.shape and mx.allclose(got, want, atol=1e-5)
        if function(x).dtype == mx.float32:
            want, got = (mx.grad(lambda y: mx.square(f(y)).sum())(x) for f in (function, compiled))
            assert mx.allclose(got, want, atol=1e-3)


def test_what_does_not_fit_other_shapes(path):
    cases = [
        (lambda x: mx.squeeze(x, 0), (1, 4), (3, 4)), (lambda x: x.reshape(3, -1), (6,), (7,)),
        (lambda x: mx.unflatten(x, 0, (2, 3)), (6, 1), (8, 1)),
    ]
    for function, good, bad in cases:
        mx.export_function(path, function, mx.ones(good), shapeless=True)
        imported = mx.import_function(path)
        assert imported(mx.ones(good))[0].shape == function(mx.ones(good)).shape
        with pytest.raises(ValueError):
            mx.eval(imported(mx.ones(bad)))
    # Lengths that are no lengths stay errors.
    for function in (lambda x: x.reshape(-2, -1), lambda x: mx.unflatten(x, 0, (-3, 2))):
        with pytest.raises(ValueError):
            mx.export_function(path, function, mx.ones((2, 4)), shapeless=True)
