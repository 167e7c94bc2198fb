"""Linear algebra."""

from . import _engine as _e

for _name in (
    "inv", "tri_inv", "pinv", "cholesky", "cholesky_inv", "cross", "det", "slogdet", "qr", "eig",
    "eigvals", "eigh", "eigvalsh", "lu", "lu_factor", "solve", "solve_triangular",
):
    globals()[_name] = getattr(_e, "linalg_" + _name)
del _name


def svd(a, compute_uv=True, *, stream=None):
    """U, S and Vᵀ of matrices, or the singular values alone."""
    return _e.linalg__svd(a) if compute_uv else _e.linalg__svdvals(a)


def norm(a, /, ord=None, axis=None, keepdims=False, *, stream=None):
    """The norm of vectors or matrices: the root of the sum of squares, or of another order."""
    is_text = isinstance(ord, str)
    if ord is not None and axis is None and a.ndim > 2:
        raise ValueError("[linalg.norm] Improper number of dimensions to norm.")
    return _e.linalg__norm(
        a, None if is_text or ord is None else ord, ord if is_text else None, axis, keepdims)
