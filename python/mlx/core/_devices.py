"""Devices and streams. The scheduler places operations: MLX's names are accepted everywhere and pin
nothing; `mlx.core.actors` has the devices that pin."""

import enum
import threading
import types

from . import _engine

__all__ = [
    "Device", "DeviceType", "Stream", "StreamContext", "ThreadLocalStream", "actors",
    "clear_streams", "cpu", "default_device", "default_stream", "device_count", "device_info",
    "gpu", "is_available", "new_stream", "new_thread_local_stream", "new_thread_unsafe_stream",
    "set_default_device", "set_default_stream", "stream",
]


class DeviceType(enum.Enum):
    """The kinds of device that MLX knows. There is no GPU."""

    cpu = 0
    gpu = 1

    def __repr__(self):
        return f"DeviceType.{self.name}"

    def __eq__(self, other):
        if isinstance(other, Device):
            return other == self
        return self is other

    __hash__ = enum.Enum.__hash__


cpu = DeviceType.cpu
gpu = DeviceType.gpu


class Device:
    """A device by kind and index."""

    def __init__(self, type, index=0):
        if not isinstance(type, DeviceType):
            raise TypeError("a device has a DeviceType")
        self._type = type
        self._index = int(index)

    @property
    def type(self):
        return self._type

    @property
    def index(self):
        return self._index

    def __eq__(self, other):
        if isinstance(other, DeviceType):
            return self._type is other
        if not isinstance(other, Device):
            return NotImplemented
        return (self._type, self._index) == (other._type, other._index)

    def __hash__(self):
        return hash((self._type, self._index))

    def __repr__(self):
        return f"Device({self._type.name}, {self._index})"


class PinnedDevice(Device):
    """A device of this engine: in `stream` it pins what is recorded."""

    def __init__(self, name, number):
        super().__init__(cpu)
        self._name = name
        self._number = number

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__

    def __repr__(self):
        return f"actors.{self._name}"


class Precision:
    """A context in which products with one matrix, and convolutions, may round to int8.

    They do where an element y of a row x and a column w cannot be off by more than ``tolerance``
    times the norms of x and w, whatever the values, and where that is faster: with K terms the
    bound is (1 + sqrt(K)) / 254 + K / 254**2. ``mx.explain`` says which products are rounded, and why
    others are not. Derivatives are those of exact products.

    Args:
        tolerance (float): at least 0; anything else is a ValueError.

    Example:
        >>> with mx.actors.precision(0.2):
        ...     y = model(x)
    """

    def __init__(self, tolerance):
        self._tolerance = float(tolerance)

    def __enter__(self):
        _engine._enter_precision(self._tolerance)

    def __exit__(self, *error):
        _engine._exit_precision()


actors = types.SimpleNamespace(
    precision=Precision,
    any=PinnedDevice("any", 0),
    cpu=PinnedDevice("cpu", 1),
    simd=PinnedDevice("simd", 2),
    npu=PinnedDevice("npu", 3),
)


class Stream:
    """A numbered stream of a device."""

    def __init__(self, device, index):
        self._device = device
        self._index = index

    @property
    def device(self):
        return self._device

    @property
    def index(self):
        return self._index

    def __eq__(self, other):
        if not isinstance(other, Stream):
            return NotImplemented
        return (self._device, self._index) == (other._device, other._index)

    def __hash__(self):
        return hash((self._device, self._index))

    def __repr__(self):
        return f"Stream({self._device!r}, {self._index})"


class ThreadLocalStream(Stream):
    """A stream that each thread has its own of."""


def _device(value):
    if isinstance(value, DeviceType):
        return Device(value)
    if isinstance(value, Device):
        return value
    raise TypeError(f"expected a Device or a DeviceType, not {type(value).__name__}")


def _available(device, operation, needs="set gpu device"):
    if device.type is gpu:
        raise ValueError(f"[{operation}] Cannot {needs} without gpu backend.")
    return device


def _check_stream(value):
    """Raises for the streams and devices that are not there; `stream` arguments pass through."""
    if not isinstance(value, Stream):
        default_stream(value)


class _Defaults(threading.local):
    stream = None


_defaults = _Defaults()
_process_stream = Stream(Device(cpu), 0)
_count = 0
_lock = threading.Lock()


def default_device():
    """The device of the calling thread's default stream."""
    return (_defaults.stream or _process_stream).device


def set_default_device(device):
    """Makes a device the default. Only the CPU is there, so this changes nothing."""
    _available(_device(device), "set_default_device")


def default_stream(device):
    """The default stream of a device."""
    device = _available(_device(device), "default_stream", "get gpu stream")
    current = _defaults.stream or _process_stream
    return current if current.device == device else Stream(device, 0)


def set_default_stream(stream):
    """Makes a stream the default of the calling thread."""
    if not isinstance(stream, Stream):
        raise TypeError("expected a Stream")
    _defaults.stream = stream


def new_stream(device):
    """A new stream of a device."""
    global _count
    device = _available(_device(device), "new_stream", "make gpu stream")
    with _lock:
        _count += 1
        return Stream(device, _count)


def new_thread_local_stream(device):
    """A stream that each thread has its own of."""
    stream = new_stream(device)
    return ThreadLocalStream(stream.device, stream.index)


def new_thread_unsafe_stream(device):
    """A new stream; here all streams may be used from any thread."""
    return new_stream(device)


def clear_streams():
    """Forgets the streams of the calling thread."""
    _defaults.stream = None


def is_available(device):
    """Whether there is such a device."""
    return _device(device).type is cpu


def device_count(device_type):
    """How many devices of a kind there are."""
    return 1 if _device(device_type).type is cpu else 0


def device_info(d=None):
    """What is known of the processor."""
    if d is not None:
        _available(_device(d), "device_info")
    import platform

    threads, instructions = _engine._system()
    return {
        "architecture": platform.machine(),
        "device_name": _processor_name(),
        "memory_size": _engine._memory(5),
        "threads": threads,
        "instruction_set": instructions,
    }


def _processor_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    import platform

    return platform.processor() or platform.machine()


class StreamContext:
    """`with stream(s):` makes `s` the default of the block on this thread."""

    def __init__(self, s):
        if not isinstance(s, (Stream, Device, DeviceType)):
            raise TypeError("expected a Stream, a Device or a DeviceType")
        self._given = s
        self._before = []

    def __enter__(self):
        given = self._given
        stream = given if isinstance(given, Stream) else default_stream(given)
        device = stream.device
        self._before.append((_defaults.stream, isinstance(device, PinnedDevice)))
        if isinstance(device, PinnedDevice):
            _engine._enter_device(device._number)
        _defaults.stream = stream

    def __exit__(self, *error):
        _defaults.stream, is_pinned = self._before.pop()
        if is_pinned:
            _engine._exit_device()


def stream(s):
    """A context in which `s` is the default stream."""
    return StreamContext(s)
