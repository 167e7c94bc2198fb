"""Files, memory, streams, threads, forks."""

import gc
import io
import os
import pathlib
import subprocess
import sys
import threading

import mlx.core as mx
import pytest


@pytest.mark.parametrize("kind", ["npz", "safetensors", "gguf"])
def test_files_of_arrays(tmp_path, kind):
    arrays = {"a": mx.arange(6).reshape(2, 3), "b": mx.array([1.5, 2.5])}
    path = str(tmp_path / f"x.{kind}")
    if kind == "npz":
        mx.savez(path, **arrays)
    elif kind == "safetensors":
        mx.save_safetensors(path, arrays, {"k": "v"})
        assert mx.load(path, return_metadata=True)[1]["k"] == "v"
    else:
        mx.save_gguf(path, arrays, {"k": "v", "l": ["x", "y"], "n": mx.array(3)})
        metadata = mx.load(path, return_metadata=True)[1]
        assert metadata["k"] == "v" and metadata["l"] == ["x", "y"] and metadata["n"].item() == 3
        # Nothing that nobody gave.
        assert len(metadata) == 3
    loaded = mx.load(path)
    assert {key: x.tolist() for key, x in loaded.items()} == {
        key: x.tolist() for key, x in arrays.items()}


def test_files_that_are_open(tmp_path):
    x = mx.array([[1, 2], [3, 4]])
    file = io.BytesIO()
    mx.save(file, x)
    file.seek(0)
    assert mx.load(file, format="npy").tolist() == x.tolist()
    mx.save(tmp_path / "x", x)
    assert mx.load(tmp_path / "x.npy").tolist() == x.tolist()
    mx.savez_compressed(tmp_path / "z", x, named=x)
    assert set(mx.load(tmp_path / "z.npz")) == {"arr_0", "named"}


def test_files_that_are_none(tmp_path):
    for error in (OSError, RuntimeError):
        with pytest.raises(error):
            mx.load(str(tmp_path / "none.npy"))
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"\xff" * 20)
    with pytest.raises(OSError):
        mx.load(str(bad))


def test_memory():
    before = mx.get_active_memory()
    x = mx.zeros((1 << 20,)) + 1
    mx.eval(x)
    assert mx.get_active_memory() >= before + (4 << 20)
    assert mx.get_peak_memory() >= mx.get_active_memory()
    del x
    gc.collect()
    mx.clear_cache()
    assert mx.get_active_memory() <= before + (1 << 20)
    old = mx.set_cache_limit(1 << 20)
    assert mx.set_cache_limit(old) == 1 << 20
    with pytest.raises(ValueError):
        mx.set_memory_limit(-1)


def test_what_is_kept_can_be_given_back():
    """Small arrays hold what is around them; that is no cache, for nothing gives it back."""
    small = [mx.array([float(x)]) for x in range(5)]
    mx.eval(small, mx.zeros((1 << 20,)) + 1)
    mx.synchronize()
    mx.clear_cache()
    assert mx.get_cache_memory() == 0
    old = mx.set_cache_limit(0)
    x = mx.zeros((4096,)) + 1
    mx.eval(x)
    del x
    mx.synchronize()
    assert mx.get_cache_memory() == 0
    assert mx.set_cache_limit(old) == 0
    mx.reset_peak_memory()
    assert mx.get_peak_memory() == 0
    mx.eval(mx.zeros((4096,)) + 1)
    assert mx.get_peak_memory() >= 4096 * 4


def test_nodes_are_given_back():
    from mlx.core import _engine

    def work():
        x = mx.ones((8, 8))
        for _ in range(10):
            x = mx.softmax(x @ x, axis=-1) + x[0]
        mx.eval(x)
        mx.grad(lambda x: (x * x).sum())(x)
        with pytest.raises(ValueError):
            x @ mx.ones((3, 3))

    work()
    gc.collect()
    before = _engine._node_count()
    for _ in range(20):
        work()
    gc.collect()
    assert _engine._node_count() <= before + 8


def test_streams():
    s = mx.new_stream(mx.cpu)
    with mx.stream(s):
        assert mx.default_stream(mx.cpu) == s
        assert (mx.array(1) + 1).item() == 2
    assert mx.default_stream(mx.cpu) != s
    assert mx.add(1, 2, stream=mx.cpu).item() == 3
    with mx.stream(mx.actors.simd):
        assert mx.exp(mx.array([0.0])).item() == 1
    with pytest.raises(TypeError):
        mx.add(1, 2, stream=3)
    with pytest.raises(ValueError):
        mx.stream(mx.gpu).__enter__()
    mx.synchronize()


def test_precision():
    x = mx.random.normal((64, 256))
    w = mx.random.normal((256, 96))
    exact = x @ w
    norms = mx.linalg.norm(x, axis=1, keepdims=True) * mx.linalg.norm(w, axis=0)
    with mx.actors.precision(0.1), mx.stream(mx.actors.npu):
        rounded = x @ w
    with mx.actors.precision(0.01), mx.stream(mx.actors.npu):
        refused = x @ w
    error = mx.max(mx.abs(rounded - exact) / norms).item()
    assert 1e-6 < error < 0.1
    assert mx.allclose(refused, exact, atol=1e-4).item()
    with mx.actors.precision(0.01):
        assert "npu may be off by 0.071, more than 0.01" in mx.explain(x @ w)
    for bad in (-1, float("nan")):
        with pytest.raises(ValueError):
            mx.actors.precision(bad).__enter__()
    with pytest.raises((TypeError, ValueError)):
        mx.actors.precision("much")
    assert mx.array_equal(x @ w, exact).item()


def test_async_eval():
    xs = [mx.ones((64, 64)) @ mx.ones((64, 64)) for _ in range(4)]
    mx.async_eval(xs, {"more": xs[0] + 1})
    mx.synchronize()
    assert all(x[0, 0].item() == 64 for x in xs)


def test_awaiting():
    import asyncio

    async def run():
        x = mx.ones((3,)) * 2
        await mx.evaluate_async(x)
        return x.tolist()

    assert asyncio.run(run()) == [2, 2, 2]


def test_threads():
    results, errors = [], []

    def work(seed):
        try:
            for step in range(20):
                x = mx.full((16, 16), float(seed))
                g = mx.grad(lambda x: (x @ x).sum())(x)
                mx.eval(g)
                with pytest.raises(ValueError):
                    x @ mx.ones((3, 3))
            results.append((seed, g[0, 0].item()))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sorted(results) == [(n, 32.0 * n) for n in range(8)]


def test_processes_in_the_middle_of_work():
    """Forks, new processes and ends; `processes.py --runs 1000` is the long one."""
    program = pathlib.Path(__file__).parent / "processes.py"
    done = subprocess.run(
        [sys.executable, program, "--runs", "4"], capture_output=True, text=True,
        timeout=600, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 0, done.stdout + done.stderr


def test_threads_leave_nothing():
    """A short soak in a process of its own; `soak.py --minutes` is the long one."""
    program = pathlib.Path(__file__).parent / "soak.py"
    done = subprocess.run(
        [sys.executable, program, "--minutes", "0.05"], capture_output=True, text=True,
        timeout=300, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 0, done.stdout + done.stderr
