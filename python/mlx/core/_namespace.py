"""What the array API calls the inspection of a namespace."""

from . import _engine as e
from ._devices import Device, DeviceType, cpu, default_device
from ._dtypes import isdtype

_names = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32",
    "float64", "complex64",
)
_kinds = (
    "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating",
    "numeric",
)


def _check_device(device):
    if device is not None and not isinstance(device, (Device, DeviceType)):
        raise TypeError(f"a device is a Device, not {type(device).__name__}")


class ArrayNamespaceInfo:
    """What arrays can do, their devices and dtypes; see `__array_namespace_info__`."""

    def capabilities(self):
        """What not all namespaces can, by the array API's names."""
        return {
            "boolean indexing": False, "data-dependent shapes": False, "max dimensions": 16}

    def default_device(self):
        """The device that arrays are computed on where nothing else is said."""
        return default_device()

    def devices(self):
        """All devices."""
        return (Device(cpu),)

    def default_dtypes(self, *, device=None):
        """The dtypes of what is made without one, by kind."""
        _check_device(device)
        return {
            "real floating": e.float32, "complex floating": e.complex64, "integral": e.int32,
            "indexing": e.int32}

    def dtypes(self, *, device=None, kind=None):
        """The dtypes that the array API knows, by name: all, or those of a kind or of a tuple of
        kinds."""
        _check_device(device)
        for one in kind if isinstance(kind, tuple) else (kind,):
            if one not in (None, *_kinds):
                raise ValueError(f"there is no kind {one!r} of dtypes")
        found = {name: getattr(e, "bool_" if name == "bool" else name) for name in _names}
        if kind is None:
            return found
        return {name: dtype for name, dtype in found.items() if isdtype(dtype, kind)}


def __array_namespace_info__():
    """What the namespace can do, as the array API has it.

    >>> mx.__array_namespace_info__().default_dtypes()["integral"]
    mlx.core.int32
    """
    return ArrayNamespaceInfo()
