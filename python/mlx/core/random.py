"""Random numbers. Without a key, the next one of `state` is used."""

import os as _os

from . import _engine as _e

for _name in (
    "key", "split", "uniform", "normal", "randint", "bernoulli", "truncated_normal", "gumbel",
    "laplace", "categorical", "multivariate_normal", "permutation",
):
    globals()[_name] = getattr(_e, "random_" + _name)
del _name


class _RandomState(list):
    """A list of the key that the next random numbers follow from; a tree of arrays."""


state = _RandomState([_e.random_key(int.from_bytes(_os.urandom(4), "little"))])


def seed(seed):
    """Begins the random numbers anew, as they follow from the seed."""
    state[0] = _e.random_key(seed)
