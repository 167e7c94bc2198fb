#!/usr/bin/env python3
"""Gradients, compiled functions, batches, background evaluation, bytes and exceptions from
many threads that take turns every 10 microseconds; then nothing may be left of them.

    python3 python/tests/soak.py --minutes 5 --threads 8

Ends with 1 when a thread hangs, a result is wrong, or arrays or Python objects are left.
"""

import argparse
import faulthandler
import gc
import pickle
import random
import sys
import threading
import time
import traceback

import mlx.core as mx

#: Objects of the interpreter's own (caches, free lists) that may come while it works.
SLACK = 2000


class Expected(Exception):
    """What functions raise in the middle of a transform."""


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def gradients(rng):
    size = rng.choice((3, 8, 20))
    w, x = mx.ones((size, 2)), mx.full((4, size), 0.5)

    def loss(parameters, x):
        return mx.square(mx.tanh(x @ parameters["w"]) * parameters["scale"]).sum()

    value, found = mx.value_and_grad(loss)({"w": w, "scale": mx.array(2.0)}, x)
    mx.eval(value, found)
    check(found["w"].shape == (size, 2), "a gradient's shape")
    check(abs(found["scale"].item() - value.item()) < 1e-2 * abs(value.item()), "a gradient")


def compiled(rng):
    state = [mx.array(0.0)]
    step = mx.compile(lambda x: state.__setitem__(0, state[0] + x.sum()), state, state)
    size = rng.randint(1, 6)
    for _ in range(3):
        step(mx.ones(size))
    check(state[0].item() == 3 * size, "a compiled function's state")


def batches(rng):
    size = rng.randint(1, 6)
    x = mx.arange(size * 3).reshape(size, 3).astype(mx.float32)
    sums = mx.vmap(mx.grad(lambda row: (row * row).sum()))(x)
    check(mx.array_equal(sums, 2 * x).item(), "a batch of gradients")


def background(rng):
    x = mx.random.normal((rng.choice((16, 150)),) * 2, key=mx.random.key(rng.getrandbits(20)))
    y = mx.softmax(x @ x.T / 100, axis=-1)
    mx.async_eval(y)
    if rng.random() < 0.2:
        del y
        return
    total = y.sum().item()
    check(abs(total - x.shape[0]) < 1e-2 * x.shape[0], "a background evaluation")


def raised(rng):
    def fail(*_):
        raise Expected

    transform = rng.choice((
        lambda f: mx.grad(f)(mx.ones(2)), lambda f: mx.vmap(f)(mx.ones((2, 2))),
        lambda f: mx.compile(f)(mx.ones(2)), lambda f: mx.checkpoint(f)(mx.ones(2)),
        lambda f: mx.vjp(f, [mx.ones(2)], [mx.ones(2)]),
    ))
    try:
        transform(fail)
    except Expected:
        pass
    else:
        check(False, "an exception was lost")
    for wrong in (lambda: mx.ones(2) + mx.ones(3), lambda: mx.ones((2, 3)) @ mx.ones(2),
                  lambda: mx.array([1, [2]]), lambda: mx.ones(3)[5]):
        try:
            wrong()
        except (ValueError, IndexError):
            continue
        check(False, "an error was lost")


def failed_in_the_background(rng):
    broken = mx.linalg.cholesky(-mx.eye(3), stream=mx.cpu)
    mx.async_eval(broken)
    try:
        broken.tolist()
    except RuntimeError:
        return
    check(False, "a background error was lost")


def custom(rng):
    @mx.custom_function
    def double(x):
        return 2 * x

    @double.vjp
    def rule(primals, cotangent, output):
        return 3 * cotangent

    check(mx.grad(lambda x: double(x).sum())(mx.ones(2)).tolist() == [3, 3], "a rule")


def bytes_and_back(rng):
    x = mx.arange(rng.randint(1, 50))
    check(pickle.loads(pickle.dumps(x)).tolist() == x.tolist(), "a pickle")
    check(sum(memoryview(x)) == sum(x.tolist()), "a buffer")


JOBS = (gradients, compiled, batches, background, raised, failed_in_the_background, custom,
        bytes_and_back)


def work(number, deadline, failures, counts):
    rng = random.Random(number)
    try:
        while time.monotonic() < deadline and not failures:
            rng.choice(JOBS)(rng)
            counts[number] += 1
    except BaseException:
        failures.append(traceback.format_exc())


def round_of(seconds, threads):
    """Lets the threads work; the failures and how much was done."""
    failures, counts = [], [0] * threads
    deadline = time.monotonic() + seconds
    workers = [threading.Thread(target=work, args=(number, deadline, failures, counts))
               for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0, deadline - time.monotonic()) + 60)
        if worker.is_alive():
            faulthandler.dump_traceback()
            failures.append("a thread hangs")
            break
    return failures, sum(counts)


def settled():
    """How many arrays and Python objects there are when nothing goes on."""
    while True:
        try:
            mx.synchronize()
            break
        except RuntimeError:
            continue
    for _ in range(3):
        gc.collect()
    return mx._engine._node_count(), sys.getallocatedblocks()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args(arguments)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        # Once for what is kept on purpose: plans, caches, modules.
        failures, _ = round_of(min(5, 20 * options.minutes), options.threads)
        first = settled()
        if not failures:
            failures, count = round_of(60 * options.minutes, options.threads)
        last = settled()
    finally:
        sys.setswitchinterval(before)
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures:
        return 1
    arrays, objects = (b - a for a, b in zip(first, last))
    print(f"{count} jobs of {options.threads} threads; left: {arrays} arrays, {objects} objects")
    return 0 if arrays == 0 and objects < SLACK else 1


if __name__ == "__main__":
    sys.exit(main())
