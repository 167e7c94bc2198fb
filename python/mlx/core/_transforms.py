"""Transforms of functions over trees of arrays. The engine knows functions of lists of arrays."""

import functools
import operator

from . import _engine as e
from ._engine import array


def _only_arrays(structure, operation):
    """Raises unless a structure has arrays and nothing else."""
    kind = structure[0]
    if kind == "c":
        raise ValueError("[tree_flatten] The argument should contain only arrays")
    for part in structure[2 if kind in ("d", "n") else 1:]:
        _only_arrays(part, operation)


def _argument_numbers(argnums, argnames, operation):
    names = [argnames] if isinstance(argnames, str) else list(argnames)
    if argnums is None:
        numbers = [] if names else [0]
        is_single = not names
    else:
        try:
            numbers = [argnums] if isinstance(argnums, int) else list(argnums)
            numbers = [operator.index(number) for number in numbers]
        except TypeError:
            raise TypeError(
                f"{operation}(): argnums is an integer or a sequence of integers, "
                f"not {argnums!r}") from None
        is_single = len(numbers) == 1
    if not numbers and not names:
        raise ValueError(f"[{operation}] Gradient wrt no argument requested")
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"[{operation}] Duplicate argument index")
    if any(number < 0 for number in numbers):
        raise ValueError(f"[{operation}] Negative argument index")
    return numbers, names, is_single


def _value(result, operation):
    """What a differentiated function is differentiated for."""
    has_more = operation == "value_and_grad" and isinstance(result, tuple) and result
    value = result[0] if has_more else result
    if not isinstance(value, array):
        raise ValueError(
            f"[{operation}] The return value of the function whose gradient we want to compute "
            f"should be a scalar array; but {type(value).__name__} was returned.")
    if value.size != 1 or value.ndim != 0:
        raise ValueError(
            f"[{operation}] The return value of the function whose gradient we want to compute "
            f"should be a scalar array; but an array of shape {value.shape} was returned.")
    return value


def _settle(tree, lent, originals):
    """Puts what a function wrote into containers it was lent into the caller's. `originals` has
    the caller's array by the number of each object that stands for it still."""
    if isinstance(lent, tuple):
        for old, new in zip(tree, lent):
            _settle(old, new, originals)
        return
    if not isinstance(lent, (list, dict)):
        return
    keys = list(lent) if isinstance(lent, dict) else range(len(lent))
    values = []
    for key in keys:
        value = lent[key]
        old = tree[key] if key in (tree if isinstance(tree, dict) else range(len(tree))) else None
        if isinstance(value, (list, dict, tuple)) and type(value) is type(old):
            _settle(old, value, originals)
            value = old
        values.append(originals.get(id(value), value))
    if isinstance(tree, dict):
        for key in [key for key in tree if key not in lent]:
            del tree[key]
        dict.update(tree, zip(keys, values))
    else:
        tree[:] = values


def _differentiated(fun, argnums, argnames, operation):
    numbers, names, is_single = _argument_numbers(argnums, argnames, operation)

    def run(args, kwargs):
        if numbers and max(numbers) >= len(args):
            raise ValueError(
                f"[{operation}] There are {len(args)} arguments, not {max(numbers) + 1}")
        for name in names:
            if name not in kwargs:
                raise ValueError(f"[{operation}] There is no argument '{name}'")
        wanted = [args[number] for number in numbers], {name: kwargs[name] for name in names}
        arrays, structure = e._flatten(wanted)
        _only_arrays(structure, operation)
        if not arrays:
            raise ValueError(f"[{operation}] Must specify at least one argument.")
        results = []

        def inner(variables):
            (lent, kept), before = e._lend(wanted, variables), e._handles(variables)
            positional, named = lent
            arguments = list(args)
            for number, value in zip(numbers, positional):
                arguments[number] = value
            try:
                result = fun(*arguments, **{**kwargs, **named})
            finally:
                settle(lent, kept, variables, before)
            results.append(result)
            return [_value(result, operation)] + e._arrays(result)

        def settle(lent, kept, variables, before):
            if not kept and e._is_untouched(lent, variables, before):
                return
            size = len(before) // len(variables)
            originals = {}
            for index, (variable, array) in enumerate(zip(variables, arrays)):
                if e._handles([variable]) == before[index * size:(index + 1) * size]:
                    originals[id(variable)] = array
            for old, new in zip(wanted[0], lent[0]):
                _settle(old, new, originals)
            for name, new in lent[1].items():
                _settle(wanted[1][name], new, originals)

        _, gradients = e._value_and_grad(inner, arrays)
        positional, named = e._unflatten(structure, gradients)
        derivative = positional[0] if is_single else tuple(positional)
        if names:
            derivative = (derivative if numbers else None, named)
        return results[0], derivative

    return run


def value_and_grad(fun, argnums=None, argnames=[]):
    """A function that returns what `fun` does, and its gradients.

    `fun` returns a scalar, or a tuple whose first part is one. The gradients have the structure
    of the arguments with the given numbers (the first by default) or names.

    >>> mx.value_and_grad(lambda x: x * x)(mx.array(3.0))
    (array(9, dtype=float32), array(6, dtype=float32))
    """
    run = _differentiated(fun, argnums, argnames, "value_and_grad")

    @functools.wraps(fun, updated=())
    def differentiated(*args, **kwargs):
        return run(args, kwargs)

    return differentiated


def grad(fun, argnums=None, argnames=[]):
    """A function that returns the gradients of `fun`; see `value_and_grad`.

    >>> mx.grad(lambda x: x * x)(mx.array(3.0))
    array(6, dtype=float32)
    """
    run = _differentiated(fun, argnums, argnames, "grad")

    @functools.wraps(fun, updated=())
    def differentiated(*args, **kwargs):
        return run(args, kwargs)[1]

    return differentiated


def _listed(fun):
    def call(arrays):
        result = fun(*arrays)
        return [result] if isinstance(result, array) else list(result)

    return call


def vjp(fun, primals, cotangents):
    """The outputs of a function, and the products of cotangents with its Jacobian."""
    return e._vjp(_listed(fun), list(primals), list(cotangents))


def jvp(fun, primals, tangents):
    """The outputs of a function, and the products of its Jacobian with tangents."""
    return e._jvp(_listed(fun), list(primals), list(tangents))


def _axes(tree, axes, found, operation):
    """Appends the axis of each array of a tree; `axes` is one for all or has the tree's form."""
    if isinstance(tree, array):
        if axes is not None and (not isinstance(axes, int) or isinstance(axes, bool)):
            raise ValueError(f"[{operation}] axes are integers or None, not {axes!r}")
        found.append(axes)
        return
    if isinstance(tree, dict):
        keys, children = list(tree), list(tree.values())
    elif isinstance(tree, (list, tuple)):
        keys, children = range(len(tree)), list(tree)
    else:
        raise ValueError("[tree_flatten] The argument should contain only arrays")
    if axes is None or isinstance(axes, int):
        for child in children:
            _axes(child, axes, found, operation)
        return
    is_like = isinstance(axes, dict) == isinstance(tree, dict) and not isinstance(axes, str)
    if not is_like or len(axes) != len(children) or (
            isinstance(axes, dict) and set(axes) != set(keys)):
        raise ValueError(f"[{operation}] The axes do not have the structure of the arguments")
    for key, child in zip(keys, children):
        _axes(child, axes[key], found, operation)


def _fits(tree, axes):
    """Whether axes have the form of a tree as far as its first level goes."""
    if isinstance(axes, dict):
        return isinstance(tree, dict)
    return isinstance(axes, (list, tuple)) and isinstance(tree, (list, tuple)) \
        and len(axes) == len(tree)


def vmap(fun, in_axes=0, out_axes=0):
    """A function of batches from a function of one element.

    `in_axes` says along which axis each argument is mapped (None: not at all), `out_axes` where
    the batch is in the outputs; both are one for all or trees of the arguments' form.

    >>> mx.vmap(lambda x: x.sum())(mx.ones((2, 3)))
    array([3, 3], dtype=float32)
    """

    @functools.wraps(fun, updated=())
    def mapped(*args):
        arrays, structure = e._flatten(args)
        _only_arrays(structure, "vmap")
        axes = []
        # The axes of a function of one argument may have the form of that argument.
        is_one = len(args) == 1 and not (
            isinstance(in_axes, (list, tuple)) and isinstance(args[0], array))
        _axes(args[0] if is_one and _fits(args[0], in_axes) else args, in_axes, axes, "vmap")
        outputs = []

        def inner(elements):
            result = fun(*e._unflatten(structure, elements))
            results, form = e._flatten(result)
            _only_arrays(form, "vmap")
            found = []
            is_one = isinstance(result, array) and isinstance(out_axes, (list, tuple)) \
                and len(out_axes) == 1
            _axes((result,) if is_one else result, out_axes, found, "vmap")
            outputs.append(form)
            return results, found

        results = e._vmap(inner, arrays, axes)
        return e._unflatten(outputs[0], results)

    return mapped


def checkpoint(fun):
    """A function whose inner values are computed anew for its gradients, to save memory."""

    @functools.wraps(fun, updated=())
    def checkpointed(*args, **kwargs):
        arrays, structure = e._flatten((args, kwargs))
        outputs = []

        def inner(variables):
            positional, named = e._unflatten(structure, variables)
            results, form = e._flatten(fun(*positional, **named))
            outputs.append(form)
            return results

        results = e._checkpoint(inner, arrays)
        return e._unflatten(outputs[0], results)

    return checkpointed


class custom_function:
    """A function with derivatives and batches of its own; use as a decorator.

    >>> @mx.custom_function
    ... def double(x):
    ...     return 2 * x
    >>> @double.vjp
    ... def double_vjp(primals, cotangent, output):
    ...     return 2 * cotangent
    """

    def __init__(self, fun):
        functools.update_wrapper(self, fun, updated=())
        self._fun = fun
        self._vjp = self._jvp = self._vmap = None

    def vjp(self, f):
        """Sets `f(primals, cotangents, outputs)`, which gives the cotangents of the primals."""
        self._vjp = f
        return self

    def jvp(self, f):
        """Sets `f(primals, tangents)`, which gives the tangents of the outputs."""
        self._jvp = f
        return self

    def vmap(self, f):
        """Sets `f(inputs, axes)`, which gives outputs and their axes."""
        self._vmap = f
        return self

    def __call__(self, *args, **kwargs):
        if not (self._vjp or self._jvp or self._vmap):
            return self._fun(*args, **kwargs)
        arrays, structure = e._flatten((args, kwargs))
        # Where there is a rule transforms go by it, elsewhere by what the function recorded.
        outputs, form = e._flatten(self._fun(*args, **kwargs))
        rules = _Rules(self, structure, form, len(arrays), len(outputs))
        results = e._custom(
            outputs, arrays,
            (rules.vjp if self._vjp else None, rules.jvp if self._jvp else None,
             rules.vmap if self._vmap else None))
        return e._unflatten(form, results)


class _Rules:
    """The rules of one call, from lists of arrays to trees and back."""

    def __init__(self, function, structure, form, count, output_count):
        self._function = function
        self._structure = structure
        self._form = form
        self._count = count
        self._output_count = output_count

    def _primals(self, arrays):
        args, kwargs = e._unflatten(self._structure, arrays)
        args = args[0] if len(args) == 1 else args
        return (args, kwargs) if kwargs else args

    def vjp(self, arrays):
        n, m = self._count, self._output_count
        outputs = e._unflatten(self._form, arrays[n + m:])
        cotangents = e._unflatten(self._form, arrays[n:n + m])
        return e._arrays(self._function._vjp(self._primals(arrays[:n]), cotangents, outputs))

    def jvp(self, arrays):
        n = self._count
        return e._arrays(
            self._function._jvp(self._primals(arrays[:n]), self._primals(arrays[n:])))

    def vmap(self, arrays, axes):
        numbers = iter(axes)

        def placed(structure):
            if structure[0] == "a":
                return next(numbers)
            if structure[0] == "d":
                return {key: placed(part) for key, part in zip(structure[1], structure[2:])}
            if structure[0] == "c":
                return None
            parts = [placed(part) for part in structure[2 if structure[0] == "n" else 1:]]
            return parts if structure[0] == "l" else tuple(parts)

        args, kwargs = placed(self._structure)
        args = args[0] if len(args) == 1 else args
        outputs, out_axes = self._function._vmap(
            self._primals(arrays), (args, kwargs) if kwargs else args)
        found = []
        _axes(outputs, out_axes, found, "custom_function")
        return e._arrays(outputs), found


_is_enabled = True


def enable_compile():
    """Lets `compile` compile, which is the default."""
    global _is_enabled
    _is_enabled = True


def disable_compile():
    """Lets compiled functions run as they are."""
    global _is_enabled
    _is_enabled = False


def _constants(structure):
    """Raises unless what is no array can be a constant of a compiled function."""
    kind = structure[0]
    if kind == "c":
        if not isinstance(structure[2], (int, float, str, type(None), complex)):
            raise ValueError(
                "[compile] Function arguments must be trees of arrays or constants (floats, ints, "
                f"strings, or None), but received type {type(structure[2]).__name__}.")
        return
    for part in structure[2 if kind in ("d", "n") else 1:]:
        _constants(part)


class _Entry:
    """What is kept of calls with one structure of arguments: the recordings, and the structure of
    the results by the arrays' shapes and dtypes."""

    def __init__(self, shapeless):
        self.compiled = e._compiled_make(shapeless)
        self.forms = {}


class _Compiled:
    def __init__(self, fun, inputs, outputs, shapeless):
        functools.update_wrapper(self, fun, updated=())
        self._fun = fun
        self._inputs = inputs
        self._outputs = outputs
        self._shapeless = shapeless
        self._entries = {}

    def __get__(self, instance, owner=None):
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args, **kwargs):
        if not _is_enabled:
            return self._fun(*args, **kwargs)
        arrays, structure = e._flatten((args, kwargs))
        _constants(structure)
        state = e._arrays(self._inputs)
        inputs = arrays + state
        entry = self._entries.get(structure)
        if entry is None:
            entry = self._entries[structure] = _Entry(self._shapeless)
        key = () if self._shapeless else tuple((x.shape, x.dtype) for x in inputs)
        before = []

        def record(placeholders):
            before.append(e._exchange(state, placeholders[len(arrays):]))
            positional, named = e._unflatten(structure, placeholders[:len(arrays)])
            results, form = e._flatten(self._fun(*positional, **named))
            entry.forms[key] = form, len(results)
            return results + e._arrays(self._outputs)

        try:
            results = e._compiled_call(entry.compiled, record, inputs)
        finally:
            if before:
                e._exchange(state, before[0])
        form, count = entry.forms[key]
        if self._outputs is not None:
            e._fill(self._outputs, results[count:])
        return e._unflatten(form, results[:count])


def compile(fun, inputs=None, outputs=None, shapeless=False):
    """A function that is recorded once for each form of its arguments, and replayed.

    `inputs` and `outputs` are trees of arrays that the function reads and changes. With
    `shapeless` one recording serves all shapes, unless the function looks at them.
    """
    if not callable(fun):
        raise TypeError(f"compile(): expected a function, not {type(fun).__name__}")
    return _Compiled(fun, inputs, outputs, shapeless)
