"""Signals while arrays are computed, and errors of what is computed in the background."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import mlx.core as mx
import pytest


def test_an_interrupt_stops_an_evaluation():
    """In a process of its own, because a handler that never runs would end the tests."""
    program = textwrap.dedent("""
        import os, signal, threading, time
        import mlx.core as mx

        # What runs in the background of a shell ignores the signal from the start.
        signal.signal(signal.SIGINT, signal.default_int_handler)

        def long(count):
            x = mx.random.normal((1000, 1000), key=mx.random.key(0))
            for _ in range(count):
                x = mx.tanh(x @ x / 1000)
            return x

        x = long(2000)
        timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        begin = time.perf_counter()
        try:
            mx.eval(x)
        except KeyboardInterrupt:
            print("interrupted", time.perf_counter() - begin)
        # What was begun is not lost, and others are computed as ever.
        print(mx.eval(long(2)), (mx.array(1) + 1).item())
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n")
    assert lines[0].startswith("interrupted"), done.stdout
    # The whole of it, four million million operations, would take a minute and longer.
    assert float(lines[0].split()[1]) < 20
    assert lines[1] == "None 2"


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals are the main's")
def test_other_handlers_are_called_and_the_evaluation_goes_on():
    calls = []
    before = signal.signal(signal.SIGALRM, lambda *_: calls.append(time.perf_counter()))
    try:
        x = mx.random.normal((500, 500), key=mx.random.key(0))
        for _ in range(60):
            x = mx.tanh(x @ x / 500)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        mx.eval(x)
        assert x.shape == (500, 500) and mx.all(mx.isfinite(x)).item()
        deadline = time.monotonic() + 5
        while not calls and time.monotonic() < deadline:
            time.sleep(0.001)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(calls) == 1


def not_positive_definite():
    return mx.linalg.cholesky(-mx.eye(3), stream=mx.cpu)


def test_errors_in_the_background_stay_until_synchronize():
    mx.synchronize()
    mx.async_eval(not_positive_definite())
    with pytest.raises(RuntimeError, match="positive definite"):
        mx.synchronize()
    mx.synchronize()
    mx.async_eval(mx.array([1.0]) + 1)
    mx.synchronize(stream=mx.default_stream(mx.cpu))
    with pytest.raises(TypeError):
        mx.synchronize("x")


def test_who_reads_the_value_meets_the_error():
    x = not_positive_definite()
    mx.async_eval(x)
    with pytest.raises(RuntimeError, match="positive definite"):
        x.tolist()
    with pytest.raises(RuntimeError):
        mx.synchronize()
