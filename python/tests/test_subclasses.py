"""Classes of arrays: they are made as arrays are, and results are plain arrays."""

import copy
import gc
import pickle
import weakref

import mlx.core as mx
import pytest


class Total(mx.array):
    def total(self):
        return self.sum().item()


class Scaled(mx.array):
    def __init__(self, values, factor):
        super().__init__([value * factor for value in values], mx.float32)
        self.factor = factor


def test_subclasses():
    x = Total([1, 2, 3])
    assert x.total() == 6 and isinstance(x, mx.array) and x.dtype == mx.int32
    assert type(x + 1) is mx.array
    assert (1 + x).tolist() == [2, 3, 4] and mx.add(x, x).tolist() == [2, 4, 6]
    assert mx.stack([x, x]).shape == (2, 3) and mx.array([x, x]).shape == (2, 3)
    assert x[Total(1)].item() == 2
    assert mx.grad(lambda y: (y * x).sum())(mx.ones(3)).tolist() == [1, 2, 3]
    assert mx.compile(lambda y: y + 1)(x).tolist() == [2, 3, 4]
    mx.eval(x, {"a": Total(2)})
    x += 1
    assert type(x) is Total and x.total() == 9
    x[0] = 0
    assert x.tolist() == [0, 3, 4]


def test_subclasses_with_an_initializer():
    x = Scaled([1, 2], 3)
    assert x.factor == 3 and x.tolist() == [3.0, 6.0]
    with pytest.raises(TypeError):
        Scaled([1])
    with pytest.raises(ValueError):
        Total(["text"])
    with pytest.raises(TypeError):
        Total()


def test_subclasses_are_pickled_and_copied():
    x = pickle.loads(pickle.dumps(Total([1, 2])))
    assert type(x) is Total and x.total() == 3
    assert copy.deepcopy(Total([1, 2])).tolist() == [1, 2]


def test_subclasses_leave_nothing():
    before = mx._engine._node_count()
    for _ in range(100):
        x = Total([1, 2])
        x.own = x
        seen = weakref.ref(x)
        del x
    gc.collect()
    assert seen() is None
    assert mx._engine._node_count() == before
