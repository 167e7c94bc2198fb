"""Layers whose weights are quantized: a few bits each, with a scale for each group."""

from __future__ import annotations

import math
from collections.abc import Callable

import mlx.core as mx
from mlx.nn.layers.base import Module
from mlx.utils import tree_map_with_path

#: Group size and bits of each mode where they are not given.
_DEFAULTS = {"affine": (64, 4), "mxfp4": (32, 4), "nvfp4": (16, 4), "mxfp8": (32, 8)}


def parameters_of_mode(
    mode: str, group_size: int | None, bits: int | None
) -> tuple[int, int]:
    """Group size and bits, where not given those of the mode.

    Raises:
        ValueError: where there is no such mode.
    """
    if mode not in _DEFAULTS:
        raise ValueError(
            f"There is no quantization mode {mode!r}; there are {', '.join(_DEFAULTS)}."
        )
    usual_size, usual_bits = _DEFAULTS[mode]
    return group_size or usual_size, bits or usual_bits


def quantize(
    model: Module,
    group_size: int | None = None,
    bits: int | None = None,
    *,
    mode: str = "affine",
    quantize_input: bool = False,
    class_predicate: Callable[[str, Module], bool | dict] | None = None,
) -> None:
    """Puts quantized layers in the place of a model's, in the model itself.

    Args:
        model: its modules without modules in them are looked at.
        group_size, bits, mode: those of `mx.quantize`. Defaults: those of the mode.
        quantize_input: whether layers quantize their input too; `Linear` without bias, in the
            modes `nvfp4` and `mxfp8`.
        class_predicate: from a module's path and the module: whether to quantize it, or the
            arguments of `to_quantized` to do it with. Default: all that have `to_quantized`.

    Raises:
        ValueError: where the predicate chooses a module without `to_quantized` or returns
            something else.

    >>> model = nn.Sequential(nn.Linear(64, 64), nn.relu)
    >>> nn.quantize(model, group_size=32, bits=8)
    >>> model.layers[0]
    QuantizedLinear(input_dims=64, output_dims=64, bias=True, group_size=32, bits=8, mode=affine)
    """
    usual = {"group_size": group_size, "bits": bits, "mode": mode}
    if quantize_input:
        usual["quantize_input"] = True

    def replaced(path: str, module: Module) -> Module:
        can = hasattr(module, "to_quantized")
        chosen = class_predicate(path, module) if class_predicate else can
        if not isinstance(chosen, (bool, dict)):
            raise ValueError(
                "``class_predicate`` must return a bool or a dict of parameters to pass to"
                " ``to_quantized``"
            )
        if chosen is False:
            return module
        if not can:
            raise ValueError(f"Unable to quantize model of type {type(module)}")
        return module.to_quantized(**(chosen if isinstance(chosen, dict) else usual))

    leaves = model.leaf_modules()
    model.update_modules(tree_map_with_path(replaced, leaves, is_leaf=Module.is_module))


def store_quantized(layer: Module, weight: mx.array) -> None:
    """Gives a layer the codes, scales and offsets of a matrix, which only `affine` has."""
    layer.weight, layer.scales, *offsets = mx.quantize(
        weight, layer.group_size, layer.bits, mode=layer.mode
    )
    layer.biases = offsets[0] if offsets else None


class QuantizedLinear(Module):
    """x Wᵀ + b with a quantized W, from (…, input_dims) to (…, output_dims). All its parameters
    are frozen at first.

    `weight` has the codes, (output_dims, input_dims bits / 32) as uint32, `scales` and `biases`
    (output_dims, input_dims / group_size) what decodes them, `bias` (output_dims,) is b.

    Args:
        bias: whether there is a b.
        group_size, bits, mode: those of `mx.quantize`. Defaults: those of the mode.

    >>> nn.QuantizedLinear.from_linear(nn.Linear(64, 8))(mx.zeros((3, 64))).shape
    (3, 8)
    """

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "affine",
    ) -> None:
        super().__init__()
        self.group_size, self.bits = parameters_of_mode(mode, group_size, bits)
        self.mode = mode
        bound = math.sqrt(1 / input_dims)
        store_quantized(
            self, mx.random.uniform(low=-bound, high=bound, shape=(output_dims, input_dims))
        )
        if bias:
            self.bias = mx.zeros((output_dims,))
        self.freeze()

    def _extra_repr(self) -> str:
        outputs, words = self.weight.shape
        return (
            f"input_dims={words * 32 // self.bits}, output_dims={outputs},"
            f" bias={'bias' in self}, group_size={self.group_size}, bits={self.bits},"
            f" mode={self.mode}"
        )

    def _product(self, x: mx.array) -> mx.array:
        return mx.quantized_matmul(
            x,
            self["weight"],
            scales=self["scales"],
            biases=self.get("biases"),
            transpose=True,
            group_size=self.group_size,
            bits=self.bits,
            mode=self.mode,
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = self._product(x)
        return y + self["bias"] if "bias" in self else y

    @classmethod
    def from_linear(
        cls,
        linear_layer: Module,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "affine",
    ) -> QuantizedLinear:
        """A layer that does about what a `Linear` does.

        Raises:
            ValueError: where the mode cannot quantize its weight, or there is no such mode.
        """
        layer = cls.__new__(cls)
        Module.__init__(layer)
        layer.group_size, layer.bits = parameters_of_mode(mode, group_size, bits)
        layer.mode = mode
        store_quantized(layer, linear_layer.weight)
        if "bias" in linear_layer:
            layer.bias = linear_layer.bias
        return layer.freeze()


class QuantizedEmbedding(Module):
    """An `Embedding` whose table is quantized: from integers (…) to vectors (…, dims). Its
    parameters are frozen at first; they are those of a `QuantizedLinear`.

    Args:
        num_embeddings: how many tokens there are.
        dims: the length of a vector.
        group_size, bits, mode: those of `mx.quantize`. Defaults: those of the mode.

    >>> nn.QuantizedEmbedding(10, 64)(mx.array([1, 2, 3])).shape
    (3, 64)
    """

    def __init__(
        self,
        num_embeddings: int,
        dims: int,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "affine",
    ) -> None:
        super().__init__()
        scale = math.sqrt(1 / dims)
        table = mx.random.normal(shape=(num_embeddings, dims), scale=scale)
        self._take(table, group_size, bits, mode)

    def _take(self, table: mx.array, group_size: int | None, bits: int | None, mode: str) -> None:
        self.group_size, self.bits = parameters_of_mode(mode, group_size, bits)
        self.mode = mode
        self.num_embeddings, self.dims = table.shape
        store_quantized(self, table)
        self.freeze()

    def _extra_repr(self) -> str:
        return (
            f"{self.num_embeddings}, {self.dims}, group_size={self.group_size},"
            f" bits={self.bits}, mode={self.mode}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        offsets = self.get("biases")
        return mx.dequantize(
            self["weight"][x],
            scales=self["scales"][x],
            biases=None if offsets is None else offsets[x],
            group_size=self.group_size,
            bits=self.bits,
            mode=self.mode,
        )

    def as_linear(self, x: mx.array) -> mx.array:
        """x Wᵀ, from vectors (…, dims) to a number for each token (…, num_embeddings)."""
        return QuantizedLinear._product(self, x)

    @classmethod
    def from_embedding(
        cls,
        embedding_layer: Module,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "affine",
    ) -> QuantizedEmbedding:
        """A layer that has about the vectors of an `Embedding`."""
        layer = cls.__new__(cls)
        Module.__init__(layer)
        layer._take(embedding_layer.weight, group_size, bits, mode)
        return layer


class QQLinear(Module):
    """x Wᵀ where both x and W are quantized, from (…, input_dims) to (…, output_dims).

    While it is trained, `weight` has numbers, and is quantized in each call, so that it has
    gradients. `eval()` stores codes and `scales` in its place, `train()` numbers again.

    Args:
        group_size, bits: those of `mx.quantize`. Defaults: those of the mode.
        mode: `"nvfp4"` or `"mxfp8"`.

    >>> nn.QQLinear(64, 32)(mx.zeros((3, 64))).shape
    (3, 32)
    """

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "nvfp4",
    ) -> None:
        super().__init__()
        bound = math.sqrt(1 / input_dims)
        weight = mx.random.uniform(low=-bound, high=bound, shape=(output_dims, input_dims))
        self._take(weight, group_size, bits, mode)

    def _take(self, weight: mx.array, group_size: int | None, bits: int | None, mode: str) -> None:
        self.group_size, self.bits = parameters_of_mode(mode, group_size, bits)
        self.mode = mode
        self.weight = weight
        self._quantized = False

    def _extra_repr(self) -> str:
        outputs, inputs = self.weight.shape
        if self._quantized:
            inputs = inputs * 32 // self.bits
        return (
            f"input_dims={inputs}, output_dims={outputs}, group_size={self.group_size},"
            f" bits={self.bits}, mode={self.mode}"
        )

    def quantize(self) -> None:
        """Stores codes and scales, if it does not already."""
        if not self._quantized:
            self.weight, self.scales = mx.quantize(
                self.weight, self.group_size, self.bits, mode=self.mode
            )
            self._quantized = True

    def dequantize(self) -> None:
        """Stores numbers, if it does not already."""
        if self._quantized:
            self.weight = mx.dequantize(
                self.weight,
                scales=self.scales,
                group_size=self.group_size,
                bits=self.bits,
                mode=self.mode,
            )
            del self.scales
            self._quantized = False

    def _set_training(self, mode: bool) -> None:
        super()._set_training(mode)
        self.dequantize() if mode else self.quantize()

    def __call__(self, x: mx.array) -> mx.array:
        return mx.qqmm(
            x,
            self["weight"],
            scales=self.get("scales"),
            group_size=self.group_size,
            bits=self.bits,
            mode=self.mode,
        )

    @classmethod
    def from_linear(
        cls,
        linear_layer: Module,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "nvfp4",
    ) -> QQLinear:
        """A layer that does about what a `Linear` without bias does.

        Raises:
            NotImplementedError: where it has a bias.
        """
        if "bias" in linear_layer:
            raise NotImplementedError("QQLinear does not support bias yet.")
        layer = cls.__new__(cls)
        Module.__init__(layer)
        layer._take(linear_layer.weight, group_size, bits, mode)
        if not linear_layer.training:
            layer.eval()
        return layer
