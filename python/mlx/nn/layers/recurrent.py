"""Recurrent layers over a sequence (N, L, D) or (L, D): `RNN`, `GRU`, `LSTM`."""

from __future__ import annotations

import math
from collections.abc import Callable

import mlx.core as mx
from mlx.core import _engine as _e
from mlx.nn.layers.activations import tanh
from mlx.nn.layers.base import Module
from mlx.nn.layers.linear import uniform


def _projected(x: mx.array, weight: mx.array, bias: mx.array | None) -> mx.array:
    """The input's part of all steps, in one product."""
    return x @ weight.T if bias is None else mx.addmm(bias, x, weight.T)


class RNN(Module):
    """h' = nonlinearity(W_xh x + W_hh h + b) at each step of a sequence.

    Weights are `Wxh` (H, D), `Whh` (H, H) and `bias` (H,), uniform up to 1 / √H.

    Args:
        input_size: D.
        hidden_size: H.
        bias: whether there is a bias.
        nonlinearity: default `tanh`.

    Raises:
        ValueError: where `nonlinearity` cannot be called.

    >>> nn.RNN(4, 8)(mx.zeros((2, 5, 4))).shape
    (2, 5, 8)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Callable | None = None,
    ) -> None:
        super().__init__()
        self.nonlinearity = tanh if nonlinearity is None else nonlinearity
        if not callable(self.nonlinearity):
            raise ValueError(f"Nonlinearity must be callable. Current value: {nonlinearity}.")
        bound = 1.0 / math.sqrt(hidden_size)
        self.hidden_size = hidden_size
        self.Wxh = uniform(bound, hidden_size, input_size)
        self.Whh = uniform(bound, hidden_size, hidden_size)
        self.bias = uniform(bound, hidden_size) if bias else None

    def _extra_repr(self) -> str:
        return (
            f"input_dims={self.Wxh.shape[1]}, hidden_size={self.hidden_size},"
            f" nonlinearity={self.nonlinearity}, bias={self.bias is not None}"
        )

    def __call__(self, x: mx.array, hidden: mx.array | None = None) -> mx.array:
        """The hidden states of all steps, (N, L, H) or (L, H).

        Args:
            hidden: the state before the first step, (N, H) or (H,). Default: zeros.
        """
        x = _projected(x, self.Wxh, self.bias)
        states = []
        for step in range(x.shape[-2]):
            at = x[..., step, :]
            hidden = self.nonlinearity(at if hidden is None else at + hidden @ self.Whh.T)
            states.append(hidden)
        return mx.stack(states, axis=-2)


class GRU(Module):
    """A gated recurrent unit. At each step of a sequence, with σ the sigmoid:

        r  = σ(W_xr x + W_hr h + b_r)
        z  = σ(W_xz x + W_hz h + b_z)
        n  = tanh(W_xn x + b_n + r (W_hn h + b_hn))
        h' = (1 - z) n + z h

    Weights are `Wx` (3H, D), `Wh` (3H, H) and `b` (3H,), in the order r, z, n, and `bhn` (H,),
    uniform up to 1 / √H.

    Args:
        input_size: D.
        hidden_size: H.
        bias: whether there are biases.

    >>> nn.GRU(4, 8)(mx.zeros((2, 5, 4))).shape
    (2, 5, 8)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(hidden_size)
        self.hidden_size = hidden_size
        self.Wx = uniform(bound, 3 * hidden_size, input_size)
        self.Wh = uniform(bound, 3 * hidden_size, hidden_size)
        self.b = uniform(bound, 3 * hidden_size) if bias else None
        self.bhn = uniform(bound, hidden_size) if bias else None

    def _extra_repr(self) -> str:
        return (
            f"input_dims={self.Wx.shape[1]}, hidden_size={self.hidden_size},"
            f" bias={self.b is not None}"
        )

    def __call__(self, x: mx.array, hidden: mx.array | None = None) -> mx.array:
        """The hidden states of all steps, (N, L, H) or (L, H).

        Args:
            hidden: the state before the first step, (N, H) or (H,). Default: zeros.
        """
        return _e._gru(x @ self.Wx.T, self.Wh, self.b, self.bhn, hidden)


class LSTM(Module):
    """A long short-term memory. At each step of a sequence, with σ the sigmoid:

        i, f, o = σ(W_x x + W_h h + b), each with weights of its own
        g  = tanh(W_xg x + W_hg h + b_g)
        c' = f c + i g
        h' = o tanh(c')

    Weights are `Wx` (4H, D), `Wh` (4H, H) and `bias` (4H,), in the order i, f, g, o, uniform up to
    1 / √H.

    Args:
        input_size: D.
        hidden_size: H.
        bias: whether there is a bias.

    >>> hidden, cell = nn.LSTM(4, 8)(mx.zeros((2, 5, 4)))
    >>> hidden.shape, cell.shape
    ((2, 5, 8), (2, 5, 8))
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(hidden_size)
        self.hidden_size = hidden_size
        self.Wx = uniform(bound, 4 * hidden_size, input_size)
        self.Wh = uniform(bound, 4 * hidden_size, hidden_size)
        self.bias = uniform(bound, 4 * hidden_size) if bias else None

    def _extra_repr(self) -> str:
        return (
            f"input_dims={self.Wx.shape[1]}, hidden_size={self.hidden_size},"
            f" bias={self.bias is not None}"
        )

    def __call__(
        self, x: mx.array, hidden: mx.array | None = None, cell: mx.array | None = None
    ) -> tuple[mx.array, mx.array]:
        """Hidden states and cells of all steps, both (N, L, H) or (L, H).

        Args:
            hidden, cell: those before the first step, (N, H) or (H,). Default: zeros.
        """
        return _e._lstm(x @ self.Wx.T, self.Wh, self.bias, hidden, cell)
