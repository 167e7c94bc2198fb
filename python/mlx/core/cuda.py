"""There is no CUDA."""


def is_available():
    """False."""
    return False
