"""Arrays and functions of arrays, after MLX's `mlx.core`: lazy, on the CPUs of Linux."""

import math as _math

from . import _engine
from ._engine import *
from ._engine import (
    ArrayAt, ArrayIterator, AxisError, Dtype, FileError, UnsupportedError, array)
from ._devices import *
from ._devices import _check_stream
from ._dtypes import (
    ArrayLike, DtypeCategory, PrintOptions, can_cast, get_printoptions, isdtype, issubdtype,
    printoptions, result_type, set_printoptions,
)
from ._einsum import einsum, einsum_path
from ._export import FunctionExporter, export_function, exporter, import_function
from ._files import load, save, save_gguf, save_safetensors, savez, savez_compressed
from ._functions import *
from ._limits import finfo, iinfo
from ._namespace import ArrayNamespaceInfo, __array_namespace_info__
from ._transforms import (
    checkpoint, compile, custom_function, disable_compile, enable_compile, grad, jvp,
    value_and_grad, vjp, vmap,
)
from . import cuda, distributed, fast, fft, linalg, metal, random

__version__ = "0.32.4"

_engine._set_types((Stream, Device, DeviceType), _check_stream, random.state)

# Modules have these under names of their own, not here.
for _name in list(globals()):
    if _name.startswith(("fft_", "linalg_", "fast_", "random_")):
        del globals()[_name]

empty, empty_like = zeros, zeros_like
matrix_norm = linalg.norm
acos, acosh, asin, asinh = arccos, arccosh, arcsin, arcsinh
atan, atan2, atanh = arctan, arctan2, arctanh
bitwise_left_shift, bitwise_right_shift = left_shift, right_shift
cumulative_prod, cumulative_sum = cumprod, cumsum
pow = power

complexfloating = DtypeCategory.complexfloating
floating = DtypeCategory.floating
generic = DtypeCategory.generic
inexact = DtypeCategory.inexact
integer = DtypeCategory.integer
number = DtypeCategory.number
signedinteger = DtypeCategory.signedinteger
unsignedinteger = DtypeCategory.unsignedinteger

e = _math.e
euler_gamma = 0.5772156649015329
inf = _math.inf
nan = _math.nan
newaxis = None
pi = _math.pi
