"""MLX on this engine: `mlx.core` (arrays), `mlx.nn`, `mlx.optimizers`, `mlx.utils`.

    import mlx.core as mx

    print(mx.array([1, 2, 3]) + 1)

Nothing is imported here, so that `import mlx.core` alone stays quick. The package is open, as MLX's
is: a distribution of its own may add `mlx.data`, say.
"""

import os
import sys

# As `pkgutil.extend_path` has it for folders, without what it imports.
for _place in sys.path:
    _place = os.path.join(_place, __name__)
    if _place not in __path__ and os.path.isdir(_place):
        __path__.append(_place)
del _place
