"""Discrete Fourier transforms."""

from . import _engine as _e

for _name in (
    "fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn",
    "irfftn", "fftshift", "ifftshift", "fftfreq", "rfftfreq", "stft", "istft",
):
    globals()[_name] = getattr(_e, "fft_" + _name)
del _name
