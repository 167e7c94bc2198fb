"""Functions that are fused, with derivatives of their own."""

from . import _engine as _e
from ._engine import fast_layer_norm as layer_norm
from ._engine import fast_rms_norm as rms_norm
from ._engine import fast_rope as rope


def scaled_dot_product_attention(
    q, k, v, *, scale, mask=None, sinks=None, force_fused=False, stream=None
):
    """softmax(scale q kᵀ + mask) v for (batch, heads, length, dims); fewer heads of k and v serve
    groups of q's. The mask is "causal", boolean or added."""
    if isinstance(mask, str):
        if mask != "causal":
            raise ValueError(f"[scaled_dot_product_attention] Invalid mask option {mask!r}")
        return _e.fast__attention(q, k, v, scale, None, True, sinks)
    return _e.fast__attention(q, k, v, scale, mask, False, sinks)


def cross_entropy(logits, targets, *, stream=None):
    """logsumexp(logits) minus the logits of the target classes, along the last axis."""
    chosen = _e.take_along_axis(logits, _e.expand_dims(targets, -1), -1)
    return _e.logsumexp(logits, -1) - _e.squeeze(chosen, -1)


class _Kernel:
    """Holds the source of a kernel; there is nothing here to run it."""

    def __init__(self, name, platform):
        self._name = name
        self._platform = platform

    def __call__(self, *args, **kwargs):
        raise RuntimeError(f"[{self._name}] there is no {self._platform} on this machine")


def metal_kernel(
    name, input_names, output_names, source, header="", ensure_row_contiguous=True,
    atomic_outputs=False, compile_options=None,
):
    """A Metal kernel, which can be made but not called."""
    return _Kernel(name, "Metal")


def cuda_kernel(
    name, input_names, output_names, source, header="", ensure_row_contiguous=True,
    shared_memory=0,
):
    """Says that there is no CUDA."""
    raise RuntimeError("[cuda_kernel] No CUDA back-end.")


def precompiled_cuda_kernel(
    *, name, compiled_source, inputs, output_shapes, output_dtypes, scalars, grid, threadgroup,
    shared_memory=0, init_value=None, ensure_row_contiguous=False, stream=None,
):
    """Says that there is no CUDA."""
    return _Kernel(name, "CUDA")()


def gated_delta_update(q, k, v, gamma, beta, initial_state=None, mask=None, stream=None):
    """The gated delta rule, step by step: the state decays by gamma, and what it says of k moves
    towards v by beta; the output is what it says of q.

    q and k are (batch, length, heads of k, dims of k), v (batch, length, heads of v, dims of v),
    gamma and beta (batch, length, heads of v). Gives outputs like v and the last state, (batch,
    heads of v, dims of v, dims of k). Where the mask (batch, length) is false, the state stays and
    the output is 0.
    """
    batch, length, key_heads, key_dims = q.shape
    heads, dims = v.shape[2:]
    if heads != key_heads:
        q, k = (_e.repeat(x, heads // key_heads, 2) for x in (q, k))
    state = initial_state
    if state is None:
        state = _e.zeros((batch, heads, dims, key_dims), v.dtype)
    outputs = []
    for step in range(length):
        key = _e.expand_dims(k[:, step], -2)
        decayed = state * gamma[:, step][..., None, None]
        change = (v[:, step] - (decayed * key).sum(-1)) * beta[:, step][..., None]
        updated = decayed + key * change[..., None]
        output = (updated * _e.expand_dims(q[:, step], -2)).sum(-1)
        if mask is not None:
            is_there = mask[:, step]
            updated = _e.where(is_there[:, None, None, None], updated, state)
            output = _e.where(is_there[:, None, None], output, 0)
        state = updated
        outputs.append(output)
    return [_e.stack(outputs, 1), state]
