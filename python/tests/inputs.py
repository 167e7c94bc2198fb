"""The arrays that the lines of `cases.txt` are about, the same for every implementation."""

import numpy as np


def inputs(mx):
    random = np.random.RandomState(7)

    def floats(*shape):
        return mx.array(random.uniform(-2, 2, shape).astype(np.float32))

    square = random.uniform(-1, 1, (4, 4)).astype(np.float32)
    return {
        "mx": mx,
        "np": np,
        "a": floats(3, 4),
        "b": floats(3, 4),
        "v": floats(4),
        "w": floats(3),
        "p": mx.array(random.uniform(0.1, 0.9, (3, 4)).astype(np.float32)),
        "i": mx.array(random.randint(-5, 6, (3, 4)).astype(np.int32)),
        "j": mx.array(random.randint(1, 4, (3, 4)).astype(np.int32)),
        "u": mx.array(random.randint(0, 200, (3, 4)).astype(np.uint8)),
        "m": mx.array(random.randint(0, 2, (3, 4)).astype(bool)),
        "h": floats(3, 4).astype(mx.float16),
        "g": floats(3, 4).astype(mx.bfloat16),
        "c": mx.array(
            (random.uniform(-1, 1, (3, 4)) + 1j * random.uniform(-1, 1, (3, 4))).astype(
                np.complex64)),
        "sq": mx.array(square),
        "pd": mx.array(square @ square.T + 2 * np.eye(4, dtype=np.float32)),
        "t": floats(2, 3, 4),
        "x1": floats(2, 9, 4),
        "w1": floats(6, 3, 4),
        "x2": floats(2, 7, 6, 4),
        "w2": floats(6, 3, 2, 4),
        "x3": floats(1, 5, 4, 5, 2),
        "w3": floats(3, 2, 2, 3, 2),
        "q": floats(1, 4, 6, 8),
        "k": floats(1, 2, 6, 8),
        "r": floats(1, 2, 6, 8),
        "big": floats(8, 64),
        "idx": mx.array(np.array([2, 0, 1, 2], np.int32)),
        "key": mx.array(np.array([1, 2], np.uint32)),
        "s": mx.array(np.array([3.0, 1.0, 2.0, 1.0, 5.0], np.float32)),
    }
