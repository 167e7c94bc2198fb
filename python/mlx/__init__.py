"""MLX on this engine: `mlx.core` (arrays), `mlx.nn`, `mlx.optimizers`, `mlx.utils`.

    import mlx.core as mx

    print(mx.array([1, 2, 3]) + 1)

Nothing is imported here, so that `import mlx.core` alone stays quick. The package is open, as MLX's
is: a distribution of its own may add `mlx.data`, say.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
