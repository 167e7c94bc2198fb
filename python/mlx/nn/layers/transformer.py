"""Attention, and the layers of transformers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mlx.core as mx
from mlx.nn.layers.activations import relu
from mlx.nn.layers.base import Module
from mlx.nn.layers.dropout import Dropout
from mlx.nn.layers.linear import Linear
from mlx.nn.layers.normalization import LayerNorm
from mlx.nn.utils import checkpoint as checkpointed


class MultiHeadAttention(Module):
    """Attention with several heads: a mean of the values for each query, weighted by how much it
    has in common with their keys.

    From queries (N, L, query_input_dims), keys (N, S, key_input_dims) and values (N, S,
    value_input_dims) to (N, L, value_output_dims). All four are projected by a `Linear`.

    Args:
        dims: the size of queries and keys of all heads together, and the default of other sizes.
        num_heads: how many heads share it.
        query_input_dims, key_input_dims: default `dims`.
        value_input_dims: default `key_input_dims`.
        value_dims, value_output_dims: the size of the values of all heads, and of the result.
        bias: whether projections have a bias.

    Raises:
        ValueError: where `num_heads` does not divide `dims`.

    >>> x = mx.zeros((2, 5, 16))
    >>> nn.MultiHeadAttention(16, num_heads=4)(x, x, x).shape
    (2, 5, 16)
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        query_input_dims: int | None = None,
        key_input_dims: int | None = None,
        value_input_dims: int | None = None,
        value_dims: int | None = None,
        value_output_dims: int | None = None,
        bias: bool = False,
    ) -> None:
        super().__init__()
        if dims % num_heads != 0:
            raise ValueError(
                "The input feature dimensions should be divisible by the number of heads"
                f" ({dims} % {num_heads}) != 0"
            )
        key_inputs = key_input_dims or dims
        values = value_dims or dims
        self.num_heads = num_heads
        self.query_proj = Linear(query_input_dims or dims, dims, bias=bias)
        self.key_proj = Linear(key_inputs, dims, bias=bias)
        self.value_proj = Linear(value_input_dims or key_inputs, values, bias=bias)
        self.out_proj = Linear(values, value_output_dims or dims, bias=bias)

    def __call__(
        self,
        queries: mx.array,
        keys: mx.array,
        values: mx.array,
        mask: mx.array | str | None = None,
    ) -> mx.array:
        """The attended values.

        Args:
            mask: is added to the scores (N, num_heads, L, S), with which it broadcasts: minus
                infinity where a query does not see a key. Or booleans, or `"causal"`.
        """
        projected = (self.query_proj(queries), self.key_proj(keys), self.value_proj(values))
        # (N, heads, L, size)
        q, k, v = (
            mx.unflatten(p, -1, (self.num_heads, -1)).transpose(0, 2, 1, 3) for p in projected
        )
        scale = math.sqrt(1 / q.shape[-1])
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask)
        return self.out_proj(y.transpose(0, 2, 1, 3).flatten(-2, -1))

    @staticmethod
    def create_additive_causal_mask(N: int, dtype: mx.Dtype = mx.float32) -> mx.array:
        """A mask (N, N) for sequences of which no element sees a later one: the lowest number
        there, else zero."""
        indices = mx.arange(N)
        later = indices[:, None] < indices[None]
        return mx.where(later, mx.array(mx.finfo(dtype).min, dtype), mx.array(0, dtype))


class _Block(Module):
    """What encoder and decoder layers share: how a part is added to what came before it."""

    def _mlp(self, x: mx.array, dropout: Module) -> mx.array:
        return self.linear2(dropout(self.activation(self.linear1(x))))

    def _add(self, x: mx.array, norm: Module, part: Callable[[mx.array], mx.array]) -> mx.array:
        return x + part(norm(x)) if self.norm_first else norm(x + part(x))


class TransformerEncoderLayer(_Block):
    """Self-attention and a perceptron, each added to its input: (N, L, dims), same shape out.

    Args:
        dims: the size of the model.
        num_heads: how many heads attention has.
        mlp_dims: the perceptron's hidden size. Default: 4 dims.
        dropout: the dropout after attention and in the perceptron.
        activation: in the perceptron.
        norm_first: whether inputs of the parts are normalized, otherwise the sums.
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        mlp_dims: int | None = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        mlp_dims = mlp_dims or dims * 4
        self.attention = MultiHeadAttention(dims, num_heads)
        self.ln1 = LayerNorm(dims)
        self.ln2 = LayerNorm(dims)
        self.linear1 = Linear(dims, mlp_dims)
        self.linear2 = Linear(mlp_dims, dims)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = activation
        self.norm_first = norm_first

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        x = self._add(x, self.ln1, lambda y: self.dropout1(self.attention(y, y, y, mask)))
        return self._add(x, self.ln2, lambda y: self._mlp(y, self.dropout2))


class TransformerDecoderLayer(_Block):
    """Self-attention, attention to a memory and a perceptron, each added to its input: (N, L,
    dims), same shape out. The arguments are those of `TransformerEncoderLayer`."""

    def __init__(
        self,
        dims: int,
        num_heads: int,
        mlp_dims: int | None = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        mlp_dims = mlp_dims or dims * 4
        self.self_attention = MultiHeadAttention(dims, num_heads)
        self.cross_attention = MultiHeadAttention(dims, num_heads)
        self.ln1 = LayerNorm(dims)
        self.ln2 = LayerNorm(dims)
        self.ln3 = LayerNorm(dims)
        self.linear1 = Linear(dims, mlp_dims)
        self.linear2 = Linear(mlp_dims, dims)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = activation
        self.norm_first = norm_first

    def __call__(
        self,
        x: mx.array,
        memory: mx.array,
        x_mask: mx.array | None = None,
        memory_mask: mx.array | None = None,
    ) -> mx.array:
        def attend(y: mx.array) -> mx.array:
            return self.dropout1(self.self_attention(y, y, y, x_mask))

        def look_up(y: mx.array) -> mx.array:
            return self.dropout2(self.cross_attention(y, memory, memory, memory_mask))

        x = self._add(x, self.ln1, attend)
        x = self._add(x, self.ln2, look_up)
        return self._add(x, self.ln3, lambda y: self._mlp(y, self.dropout3))


class _Stack(Module):
    """Layers of one kind and a normalization."""

    _layer: type[Module]

    def __init__(
        self,
        num_layers: int,
        dims: int,
        num_heads: int,
        mlp_dims: int | None = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        norm_first: bool = True,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        self.layers = [
            self._layer(dims, num_heads, mlp_dims, dropout, activation, norm_first)
            for _ in range(num_layers)
        ]
        self.ln = LayerNorm(dims)
        self.checkpoint = checkpoint

    def _run(self, x: mx.array, *others: Any) -> mx.array:
        for layer in self.layers:
            x = (checkpointed(layer) if self.checkpoint else layer)(x, *others)
        return self.ln(x)


class TransformerEncoder(_Stack):
    """Encoder layers one after the other: (N, L, dims), same shape out.

    Args:
        num_layers: how many.
        checkpoint: whether gradients compute what is in a layer again instead of keeping it.
        others: those of `TransformerEncoderLayer`.

    >>> nn.TransformerEncoder(2, dims=16, num_heads=4)(mx.zeros((2, 5, 16)), None).shape
    (2, 5, 16)
    """

    _layer = TransformerEncoderLayer

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        return self._run(x, mask)


class TransformerDecoder(_Stack):
    """Decoder layers one after the other: (N, L, dims) and a memory (N, S, dims), to (N, L, dims).
    The arguments are those of `TransformerEncoder`."""

    _layer = TransformerDecoderLayer

    def __call__(
        self,
        x: mx.array,
        memory: mx.array,
        x_mask: mx.array | None = None,
        memory_mask: mx.array | None = None,
    ) -> mx.array:
        return self._run(x, memory, x_mask, memory_mask)


class Transformer(Module):
    """An encoder that reads a source, and a decoder that writes a target (arXiv 1706.03762).

    Args:
        dims: the size of the model.
        num_heads: how many heads attention has.
        num_encoder_layers, num_decoder_layers: how many layers.
        mlp_dims: the hidden size of perceptrons. Default: 4 dims.
        dropout: the dropout after attention and in perceptrons.
        activation: in perceptrons.
        custom_encoder, custom_decoder: modules to use instead.
        norm_first: whether inputs of the parts are normalized, otherwise the sums.
        checkpoint: whether gradients compute what is in a layer again instead of keeping it.

    >>> model = nn.Transformer(16, 4, num_encoder_layers=1, num_decoder_layers=1)
    >>> model(mx.zeros((2, 7, 16)), mx.zeros((2, 5, 16)), None, None, None).shape
    (2, 5, 16)
    """

    def __init__(
        self,
        dims: int = 512,
        num_heads: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        mlp_dims: int | None = None,
        dropout: float = 0.0,
        activation: Callable[[Any], Any] = relu,
        custom_encoder: Any | None = None,
        custom_decoder: Any | None = None,
        norm_first: bool = True,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        others = (dims, num_heads, mlp_dims, dropout, activation, norm_first, checkpoint)
        # A module without arrays is an empty dict, so None has to be asked for by name.
        if custom_encoder is None:
            custom_encoder = TransformerEncoder(num_encoder_layers, *others)
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(num_decoder_layers, *others)
        self.encoder = custom_encoder
        self.decoder = custom_decoder

    def __call__(
        self,
        src: mx.array,
        tgt: mx.array,
        src_mask: mx.array | None = None,
        tgt_mask: mx.array | None = None,
        memory_mask: mx.array | None = None,
    ) -> mx.array:
        """From a source (N, S, dims) and a target (N, L, dims) to (N, L, dims). Masks are added
        to scores: of the source with itself, of the target with itself, of the target with the
        source."""
        return self.decoder(tgt, self.encoder(src, src_mask), tgt_mask, memory_mask)
