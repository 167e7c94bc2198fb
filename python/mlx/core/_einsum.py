"""`einsum` and `einsum_path`: sums of products, named by the letters of axes.

Three steps: the text becomes labels of axes; a greedy search orders the operands into pairs, the
pair first whose product is smallest beside what it takes away; each pair is a product of matrices,
or of elements where no axis is summed.
"""

from __future__ import annotations

import math
from itertools import combinations

import mlx.core as mx

#: What type checkers take for true: importing `typing` and `dataclasses` would take longer than all
#: of the package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: A letter, or for an axis of an ellipsis its distance from the ellipsis' end.
Label = str | int


class _Subscripts:
    """What a text says of operands: labels of each one's axes, labels of the result's, sizes."""

    def __init__(self, inputs: list[list[Label]], output: list[Label]) -> None:
        self.inputs = inputs
        self.output = output
        self.sizes: dict[Label, int] = {}

    def count(self, labels: Any) -> int:
        return math.prod(self.sizes[label] for label in labels)


def _letters(name: str, text: str, ellipsis: int) -> list[Label]:
    """The labels of one term, whose ellipsis stands for so many axes."""
    head, dots, tail = text.partition("...")
    for letter in head + tail:
        if not (letter.isascii() and letter.isalpha()):
            raise ValueError(f"[{name}] Subscripts must be letters, but got '{letter}'.")
    return [*head, *(range(ellipsis - 1, -1, -1) if dots else ()), *tail]


def _parse(name: str, text: str, shapes: list[tuple[int, ...]]) -> _Subscripts:
    if not isinstance(text, str):
        raise TypeError(f"{name}(): subscripts are a {type(text).__name__}, not a str")
    if not shapes:
        raise ValueError(f"[{name}] At least one operand is required.")
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ValueError(
            f"[{name}] Number of operands, {len(shapes)}, does not match number of input"
            f" subscripts, {len(terms)}"
        )
    inputs, widest = [], 0
    for number, (term, shape) in enumerate(zip(terms, shapes)):
        letters = len(_letters(name, term, 0))
        extra = len(shape) - letters
        if extra < 0 or (extra > 0 and "..." not in term):
            raise ValueError(
                f"[{name}] Invalid number of subscripts {letters} for input {number} with"
                f" {len(shape)} dimensions."
            )
        widest = max(widest, extra)
        inputs.append(_letters(name, term, extra))
    if arrow:
        output = _letters(name, right, widest)
    else:
        every = [label for labels in inputs for label in labels]
        once = sorted(x for x in set(every) if isinstance(x, str) and every.count(x) == 1)
        output = [*range(widest - 1, -1, -1), *once]
    if len(set(output)) != len(output):
        raise ValueError(f"[{name}] Repeat indices not allowed in output.")
    subscripts = _Subscripts(inputs, output)
    _measure(name, subscripts, shapes)
    return subscripts


def _measure(name: str, subscripts: _Subscripts, shapes: list[tuple[int, ...]]) -> None:
    """Finds the sizes of the labels; an axis of length 1 goes with any other."""
    sizes = subscripts.sizes
    for labels, shape in zip(subscripts.inputs, shapes):
        own: dict[Label, int] = {}
        for label, length in zip(labels, shape):
            if own.setdefault(label, length) != length:
                raise ValueError(
                    f"[{name}] Dimensions of repeated subscripts do not have the same size"
                    f" ({own[label]} != {length})."
                )
            if sizes.get(label, 1) == 1:
                sizes[label] = length
    for number, (labels, shape) in enumerate(zip(subscripts.inputs, shapes)):
        for axis, (label, length) in enumerate(zip(labels, shape)):
            if length not in (1, sizes[label]):
                described = f"({','.join(map(str, shape))})"
                raise ValueError(
                    f"[{name}] Cannot broadcast dimension {axis} of input {number} with shape"
                    f" {described} to size {sizes[label]}."
                )
    for label in subscripts.output:
        if label not in sizes:
            raise ValueError(f"[{name}] Output subscript '{label}' is in no input.")


class _Step:
    """A contraction of some operands, which leave the list, into one, which is put at its end."""

    def __init__(
        self, positions: tuple[int, ...], labels: set[Label], kept: set[Label], flops: int
    ) -> None:
        self.positions = positions
        self.labels = labels
        self.kept = kept
        self.flops = flops


def _step(terms: list[set], positions: tuple[int, ...], subscripts: _Subscripts) -> _Step:
    others = [term for i, term in enumerate(terms) if i not in positions]
    labels = set().union(*(terms[i] for i in positions))
    kept = labels & set(subscripts.output).union(*others)
    sums = 1 if kept != labels else 0
    flops = subscripts.count(labels) * (max(1, len(positions) - 1) + sums)
    return _Step(positions, labels, kept, flops)


def _best_pair(terms: list[set], subscripts: _Subscripts, limit: int) -> _Step | None:
    """The pair whose product is smallest beside the two, then the cheapest. Pairs without a common
    label come last; None where each product would have more than `limit` elements."""
    for with_common in (True, False):
        steps = [
            _step(terms, pair, subscripts)
            for pair in combinations(range(len(terms)), 2)
            if bool(terms[pair[0]] & terms[pair[1]]) == with_common
        ]
        steps = [step for step in steps if subscripts.count(step.kept) <= limit]
        if steps:

            def rank(step: _Step) -> tuple[int, int]:
                i, j = step.positions
                before = subscripts.count(terms[i]) + subscripts.count(terms[j])
                return subscripts.count(step.kept) - before, step.flops

            return min(steps, key=rank)
    return None


def _path(subscripts: _Subscripts) -> list[_Step]:
    terms = [set(labels) for labels in subscripts.inputs]
    limit = max(subscripts.count(labels) for labels in [*terms, subscripts.output])
    steps = []
    while not steps or len(terms) > 1:
        if len(terms) <= 2:
            step = _step(terms, tuple(range(len(terms))), subscripts)
        else:
            step = _best_pair(terms, subscripts, limit)
            if step is None:
                step = _step(terms, tuple(range(len(terms))), subscripts)
        steps.append(step)
        terms = [term for i, term in enumerate(terms) if i not in step.positions]
        terms.append(step.kept)
    return steps


def einsum_path(subscripts: str, *operands: Any) -> tuple[list[tuple[int, ...]], str]:
    """In what order `einsum` takes operands.

    Returns:
        the positions of the operands of each step, which leave the list, and whose result is put
        at its end; and a text that says what that saves.

    >>> a, b, c = mx.zeros((2, 3)), mx.zeros((3, 4)), mx.zeros((4, 5))
    >>> mx.einsum_path("ij,jk,kl->il", a, b, c)[0]
    [(1, 2), (0, 1)]
    """
    arrays = [x if isinstance(x, mx.array) else mx.array(x) for x in operands]
    parsed = _parse("einsum_path", subscripts, [x.shape for x in arrays])
    steps = _path(parsed)
    whole = _step([set(x) for x in parsed.inputs], tuple(range(len(arrays))), parsed)
    report = (
        f"  Complete contraction:  {subscripts}\n"
        f"         Naive scaling:  {len(whole.labels)}\n"
        f"     Optimized scaling:  {max(len(step.labels) for step in steps)}\n"
        f"      Naive FLOP count:  {whole.flops}\n"
        f"  Optimized FLOP count:  {sum(step.flops for step in steps)}\n"
    )
    return [step.positions for step in steps], report


class _Term:
    """An array and the labels of its axes."""

    def __init__(self, array: mx.array, labels: list[Label]) -> None:
        self.array = array
        self.labels = labels

    def simplified(self, kept: set[Label]) -> _Term:
        """Diagonals in the place of repeated labels, and sums over labels that are not kept."""
        array, labels = self.array, list(self.labels)
        for label in dict.fromkeys(labels):
            while labels.count(label) > 1:
                first = labels.index(label)
                second = labels.index(label, first + 1)
                array = mx.diagonal(array, 0, first, second)
                del labels[second], labels[first]
                labels.append(label)
        gone = [axis for axis, label in enumerate(labels) if label not in kept]
        if gone:
            array = mx.sum(array, axis=gone)
            labels = [label for label in labels if label in kept]
        return _Term(array, labels)

    def aligned(self, labels: list[Label], sizes: dict[Label, int] | None = None) -> mx.array:
        """The array with these axes in this order; one that it lacks has the length 1. With
        `sizes`, axes of length 1 are stretched."""
        own = [label for label in labels if label in self.labels]
        array = self.array
        order = [self.labels.index(label) for label in own]
        if order != sorted(order):
            array = mx.transpose(array, order)
        if len(own) < len(labels):
            lengths = iter(array.shape)
            array = array.reshape([next(lengths) if x in own else 1 for x in labels])
        if sizes is not None:
            array = mx.broadcast_to(array, [sizes[label] for label in labels])
        return array


def _contracted(a: _Term, b: _Term, kept: set[Label], sizes: dict[Label, int]) -> _Term:
    """The product of two, summed over what is not kept."""
    a = a.simplified(kept | set(b.labels))
    b = b.simplified(kept | set(a.labels))
    both = [label for label in a.labels if label in b.labels]
    summed = [label for label in both if label not in kept]
    batch = [label for label in both if label in kept]
    rows = [label for label in a.labels if label not in both]
    columns = [label for label in b.labels if label not in both]
    labels = [*batch, *rows, *columns]
    is_inexact = mx.issubdtype(mx.result_type(a.array, b.array), mx.inexact)
    if not summed or not is_inexact:
        wide = [*labels, *summed]
        product = a.aligned(wide) * b.aligned(wide)
        if summed:
            product = mx.sum(
                mx.broadcast_to(product, [sizes[x] for x in wide]),
                axis=list(range(len(labels), len(wide))),
            )
        return _Term(product, labels)

    def matrix(term: _Term, first: list[Label], second: list[Label]) -> mx.array:
        array = term.aligned([*batch, *first, *second], sizes)
        count = [math.prod(sizes[x] for x in part) for part in (first, second)]
        return array.reshape([*(sizes[x] for x in batch), *count])

    product = matrix(a, rows, summed) @ matrix(b, summed, columns)
    return _Term(product.reshape([sizes[label] for label in labels]), labels)


def einsum(subscripts: str, *operands: Any, stream: Any = None) -> mx.array:
    """The sum of products that the letters of axes name: those that the result lacks are summed.

    Args:
        subscripts: a term of letters for each operand, and one for the result after `->`. An axis
            goes with those of its letter; a letter twice in a term takes the diagonal; `...`
            stands for axes that broadcast. Without `->` the result has the letters that occur
            once, in order.
        operands: arrays.
        stream: where it is computed.

    Raises:
        ValueError: where the text does not fit the operands, or lengths do not go together.

    >>> mx.einsum("ij,jk->ik", mx.ones((2, 3)), mx.ones((3, 4))).shape
    (2, 4)
    >>> mx.einsum("ii", mx.array([[1.0, 2.0], [3.0, 4.0]])).item()
    5.0
    """
    if stream is not None:
        with mx.stream(stream):
            return einsum(subscripts, *operands)
    arrays = [x if isinstance(x, mx.array) else mx.array(x) for x in operands]
    parsed = _parse("einsum", subscripts, [x.shape for x in arrays])
    terms = [_Term(x, labels) for x, labels in zip(arrays, parsed.inputs)]
    for step in _path(parsed):
        taken = [terms[i] for i in step.positions]
        terms = [term for i, term in enumerate(terms) if i not in step.positions]
        while len(taken) > 1:
            later = set().union(*(term.labels for term in taken[2:]))
            pair = _contracted(taken[0], taken[1], step.kept | later, parsed.sizes)
            taken[:2] = [pair]
        terms.append(taken[0].simplified(step.kept))
    return terms[0].aligned(parsed.output)
