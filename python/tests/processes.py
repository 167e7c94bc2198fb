#!/usr/bin/env python3
"""Forks, new processes, ends and threads in the middle of work: none of them may hang.

    python3 python/tests/processes.py --runs 1000
    python3 python/tests/processes.py --runs 1000 --only fork leave

What is run, each so many times:

    fork        a fork with work in flight; the child evaluates, also in the background
    leave       such a child ends as interpreters do, with work of its own in flight
    exit        a new interpreter that ends with work in flight
    spawn       multiprocessing with new interpreters
    forkserver  multiprocessing with a server that forks
    threads     300 threads that evaluate at once

Ends with 1 when something hangs, dies or computes something else.
"""

import argparse
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

SECONDS = 60

#: What a new interpreter runs that ends in the middle of its work.
ENDING = """
import mlx.core as mx
x = mx.ones((200, 200))
for _ in range(20):
    x = x @ x / 200
    mx.async_eval(x)
"""


class Leaving(Exception):
    """A child that is to end as an interpreter does, from the top."""


def work(mx, start):
    """A few products and sums: a number that depends on `start` alone."""
    x = start
    for _ in range(3):
        x = x @ x / x.shape[0]
        mx.async_eval(x)
    return mx.sum(mx.exp(x - 1))


def check(mx, inherited):
    """Evaluates old and new arrays in every way there is."""
    size = inherited.shape[0]
    wanted = float(size * size)
    for total in (work(mx, inherited), work(mx, mx.ones((size, size)))):
        if abs(total.item() - wanted) > 1e-3 * wanted:
            raise AssertionError(f"{total.item()} and not {wanted}")
    y = mx.zeros((size,)) + 1
    mx.async_eval(y, work(mx, inherited))
    mx.eval(y, mx.grad(lambda v: (v * v).sum())(y))
    mx.synchronize()


def started(mx):
    """An array, with evaluations that nobody has waited for."""
    x = mx.ones((64, 64)) * 1
    mx.eval(x)
    work(mx, x)
    mx.async_eval([mx.sin(x * k) for k in range(8)])
    return x


def waited(pid):
    """What became of a child: nothing where all is well."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            return None if code == 0 else f"ended with {code}"
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return f"hangs after {SECONDS} s"


def fork(mx):
    x = started(mx)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            check(mx, x)
            code = 0
        finally:
            os._exit(code)
    check(mx, x)
    return waited(pid)


def leave(mx):
    x = started(mx)
    pid = os.fork()
    if pid == 0:
        check(mx, x)
        started(mx)
        raise Leaving
    return waited(pid)


def exit(mx):
    try:
        done = subprocess.run([sys.executable, "-c", ENDING], timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"hangs after {SECONDS} s"
    return None if done.returncode == 0 else f"ended with {done.returncode}"


def job(queue):
    """What a process of multiprocessing does."""
    import mlx.core as mx

    check(mx, started(mx))
    queue.put(work(mx, started(mx)).item())


def through(method):
    def run(mx):
        context = multiprocessing.get_context(method)
        x = started(mx)
        queue = context.SimpleQueue()
        process = context.Process(target=job, args=(queue,))
        process.start()
        process.join(SECONDS)
        if process.is_alive():
            process.kill()
            return f"hangs after {SECONDS} s"
        if process.exitcode != 0:
            return f"ended with {process.exitcode}"
        check(mx, x)
        return None if abs(queue.get() - 4096) < 5 else "computed something else"

    return run


def threads(mx):
    x, failures, barrier = started(mx), [], threading.Barrier(300)

    def run():
        barrier.wait()
        try:
            total = work(mx, x).item()
            if abs(total - 4096) > 5:
                failures.append(f"computed {total}")
        except Exception as error:
            failures.append(repr(error))

    workers = [threading.Thread(target=run, daemon=True) for _ in range(300)]
    for worker in workers:
        worker.start()
    deadline = time.monotonic() + SECONDS
    for worker in workers:
        worker.join(max(0, deadline - time.monotonic()))
    if any(worker.is_alive() for worker in workers):
        return f"hangs after {SECONDS} s"
    return failures[0] if failures else None


SCENES = {
    "fork": fork, "leave": leave, "exit": exit, "spawn": through("spawn"),
    "forkserver": through("forkserver"), "threads": threads,
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=10, help="how often each is run")
    parser.add_argument("--only", nargs="+", choices=SCENES, default=list(SCENES))
    options = parser.parse_args(arguments)
    import mlx.core as mx

    is_well = True
    for name in options.only:
        failures = []
        for number in range(options.runs):
            failure = SCENES[name](mx)
            if failure:
                failures.append(f"{name} {number}: {failure}")
                if "hangs" in failure:
                    break
        print(f"{name}: {number + 1} runs, {len(failures)} failed", flush=True)
        for failure in failures[:5]:
            print(failure, file=sys.stderr)
        is_well = is_well and not failures
    return 0 if is_well else 1


if __name__ == "__main__":
    try:
        code = main()
    except Leaving:
        code = 0
    sys.exit(code)
