"""There is no Metal; MLX's older names of the memory functions are here."""

from ._devices import device_info
from ._engine import clear_cache
from ._functions import (
    get_active_memory, get_cache_memory, get_peak_memory, reset_peak_memory, set_cache_limit,
    set_memory_limit, set_wired_limit,
)


def is_available():
    """False."""
    return False


def start_capture(path):
    """Says that there is no Metal."""
    raise RuntimeError("[metal::start_capture] there is no Metal on this machine")


def stop_capture():
    """Says that there is no Metal."""
    raise RuntimeError("[metal::stop_capture] there is no Metal on this machine")
