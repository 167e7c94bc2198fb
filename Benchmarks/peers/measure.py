"""What all peers share: rows, sizes, and how a call is timed."""
import gc
import json
import os
import statistics
import subprocess
import sys
import time

LONG = 16 * 1024 * 1024
WIDTH = 4096
GROUP = 64
MLP_SIZES = (256, 784, 1024, 1024, 10)  # examples, then the widths of the layers
BLOCK = {"batch": 8, "length": 128, "width": 512, "heads": 8}
GPT = {"batch": 16, "length": 128, "width": 256, "heads": 8, "layers": 4, "vocabulary": 96}
LSTM = {"batch": 32, "length": 64, "inputs": 128, "hidden": 256}
CONVOLUTIONS = {  # side, inputs, kernel, stride, padding; 8 images, 64 outputs
    "conv2d_64x56x56_3x3": (56, 64, 3, 1, 1),
    "conv2d_stem_7x7s2": (224, 3, 7, 2, 3),
}
TANH_FACTOR, CUBE_FACTOR = 0.79788456, 0.044715

VALUES = {
    "GFLOP/s": lambda work, seconds: work / seconds / 1e9,
    "GB/s": lambda work, seconds: work / seconds / 1e9,
    "M/s": lambda work, seconds: work / seconds / 1e6,
    "steps/s": lambda work, seconds: work / seconds,
    "tokens/s": lambda work, seconds: work / seconds,
    "us": lambda work, seconds: seconds * 1e6 / work,
    "us/op": lambda work, seconds: seconds * 1e6 / work,
    "ms": lambda work, seconds: seconds * 1e3 / work,
}


def convolution_flops(side, inputs, kernel, stride, padding):
    out = (side + 2 * padding - kernel) // stride + 1
    return 2.0 * 8 * out * out * 64 * inputs * kernel * kernel


class Rows:
    """The rows of one peer: under a name one or more ways to do the workload."""

    def __init__(self, peer, seconds, cold_bytes):
        self.peer, self.seconds, self.cold_bytes = peer, seconds, cold_bytes
        self.ways = {}
        self.processes = {}

    def add(self, name, metric, work, make, way="", turn=1, note=None):
        """`make()` gives a call without arguments that has its results when it returns.

        `turn` calls, each of `work`, are made by one call of it."""
        self.ways.setdefault(name, []).append((metric, work * turn, make, way, note))

    def cold_count(self, byte_count, least):
        """How many matrices of so many bytes no cache holds."""
        return max(least, -(-self.cold_bytes // int(byte_count)))

    def run(self, name):
        """Yields a dictionary for each way."""
        for metric, work, make, way, note in self.ways.get(name, []):
            row = {"peer": self.peer, "workload": name}
            if way:
                row["way"] = way
            try:
                row.update(timed(make(), metric, work, self.seconds))
            except Exception as problem:  # What a peer cannot do it says in its own words.
                lines = str(problem).splitlines() or [""]
                row["unsupported"] = f"{type(problem).__name__}: {lines[0][:160]}"
            if note:
                row["note"] = note
            yield row
            gc.collect()
        if name in self.processes:
            yield {"peer": self.peer, "workload": name, **self.processes[name]()}


def timed(call, metric, work, seconds):
    """The same protocol as `mlx bench`: two calls, a moment without counting, then as many as
    fill `seconds`, five at least."""
    def once(count=1):
        start = time.perf_counter()
        for _ in range(count):
            call()
        return time.perf_counter() - start

    first, second = once(), once()
    together = max(1, int(1e-4 / max(second, 1e-7))) if second < 5e-5 else 1
    if second < seconds / 2:
        end = time.perf_counter() + seconds / 6
        while time.perf_counter() < end:
            call()
    times, total = [], 0.0
    while (total < seconds or len(times) < 5) and not (total > 10 * seconds and times):
        passed = once(together)
        total += passed
        times.append(passed / together)
    best = min(times)
    return {
        "metric": metric, "value": VALUES[metric](work, best), "unit": metric, "best_s": best,
        "median_s": statistics.median(times), "n": len(times), "first_s": first,
    }


def in_turn(calls):
    """One call that makes all of them: weights that take turns are in no cache."""
    def go():
        for call in calls:
            call()
    return go


# Whole processes.

def child(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError((done.stderr.strip().splitlines() or ["failed"])[-1])
    return (done.stdout.strip().splitlines() or [""])[-1]


def startup(code):
    """Milliseconds from the start of Python to a first small result."""
    def measured():
        times = []
        for _ in range(8):
            start = time.perf_counter()
            child(code)
            times.append(time.perf_counter() - start)
        first, *rest = times
        best = min(rest)
        return {"metric": "ms", "value": best * 1e3, "unit": "ms", "best_s": best,
                "median_s": statistics.median(rest), "n": len(rest), "first_s": first}
    return measured


def memory(load, steps):
    """Megabytes that a hundred steps need above what loading the library needs."""
    peak = ("\nimport resource\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 1000000)")

    def measured():
        above = int(child(steps + peak)) - int(child(load + peak))
        return {"metric": "MB", "value": above, "unit": "MB", "n": 1}
    return measured


def serve(rows):
    """Measures the rows whose names come in, one a line."""
    names = list(dict.fromkeys([*rows.ways, *rows.processes]))
    print(json.dumps({"ready": rows.peer, "rows": names}), flush=True)
    for line in sys.stdin:
        for row in rows.run(line.strip()):
            print(json.dumps(row), flush=True)
        print(json.dumps({"done": line.strip()}), flush=True)


def threads():
    return int(os.environ.get("PEER_THREADS") or len(os.sched_getaffinity(0)))
