"""The processes that are measured: a Python process for each peer, which waits for names of rows,
our command once for each row, and commands that are run and read."""
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ENVIRONMENT = ROOT / ".build/peers"
ROW_SECONDS = 600  # A row that takes longer is given up.

# What pip installs for each peer; all are optional.
PACKAGES = {
    "numpy": ["numpy"], "mlx": ["mlx[cpu]"], "torch": ["torch", "numpy"],
    "jax": ["jax", "numpy"], "onnxruntime": ["onnxruntime", "onnx", "numpy"],
}


def python():
    return str(ENVIRONMENT / "bin/python")


def set_up(peers, requirements):
    """Makes the virtual environment and installs what is not there yet.

    Returns those that could be installed."""
    if not pathlib.Path(python()).exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
    found = []
    for peer in peers:
        packages = requirements.get(peer, PACKAGES[peer])
        done = subprocess.run([python(), "-m", "pip", "install", "--quiet", *packages])
        if done.returncode == 0:
            found.append(peer)
        else:
            print(f"{peer}: not installed, left out", file=sys.stderr)
    return found


def versions(peers):
    code = ("import importlib.metadata as m, json, sys\n"
            "found = {}\n"
            "for name in sys.argv[1:]:\n"
            "    try: found[name] = m.version(name)\n"
            "    except m.PackageNotFoundError: pass\n"
            "print(json.dumps(found))\n")
    done = subprocess.run([python(), "-c", code, *peers], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def openblas():
    """MLX's wheel brings a slow BLAS of its own; with the system's before it, it uses that."""
    for folder in ("/usr/lib", "/usr/lib64"):
        for path in sorted(pathlib.Path(folder).glob("**/libopenblas.so.0")):
            return str(path)
    return None


def on_cores(count):
    """What a child does first: it keeps to so many cores, whatever its library thinks."""
    cores = sorted(os.sched_getaffinity(0))[:count]
    return lambda: os.sched_setaffinity(0, cores)


def pass_on(stream, lines):
    """Every line of a stream, and an empty one when it ends."""
    for line in stream:
        lines.put(line)
    lines.put("")
    stream.close()


class Peer:
    """A library in a process of its own."""

    def __init__(self, name, seconds, cold_bytes, threads, compiles):
        self.name, self.threads = name, threads
        self.command = [python(), "-B", str(HERE / "peer.py"), name, "--seconds", str(seconds),
                        "--cold", str(cold_bytes)]
        self.environment = {**os.environ, "PEER_THREADS": str(threads),
                            "PEER_COMPILE": "yes" if compiles else "no"}
        # Settings of this machine's own BLAS would slow down those that libraries bring.
        for key in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            self.environment.pop(key, None)
        if name == "mlx" and openblas():
            self.environment["LD_PRELOAD"] = openblas()
        self.process, self.names, self.lines = None, [], None

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=self.environment,
            preexec_fn=on_cores(self.threads))
        self.lines = queue.SimpleQueue()
        threading.Thread(
            target=pass_on, args=(self.process.stdout, self.lines), daemon=True).start()
        ready = self.line(120)
        if ready is None:
            self.stop()
            return False
        self.names = ready["rows"]
        self.signal(signal.SIGSTOP)
        return True

    def signal(self, number):
        """Stops or continues the process. Threads that wait for work by turning in circles take
        cores from whoever is measured next: a peer runs in its own turn only."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def line(self, seconds):
        """The next line as JSON; None when there is none in time."""
        try:
            text = self.lines.get(timeout=seconds)
        except queue.Empty:
            return None
        return json.loads(text) if text else None

    def measure(self, name, first):
        if name not in self.names or (self.process is None and not self.start()):
            return
        self.signal(signal.SIGCONT)
        try:
            yield from self.rows(name)
        finally:
            self.signal(signal.SIGSTOP)

    def rows(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        while True:
            row = self.line(ROW_SECONDS)
            if row is None:
                self.stop()
                yield {"peer": self.name, "workload": name, "unsupported": "no answer"}
                return
            if "done" in row:
                return
            yield row

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process = None


class Ours:
    """Our command: plain lazy code. Limits are measured with the first round."""
    name = "mlx-actors"

    def __init__(self, command, seconds, cold_bytes, threads, model=None):
        self.command = [str(command), "bench", "--json", "--seconds", str(seconds),
                        "--cold", str(cold_bytes >> 20), *(["--model", model] if model else [])]
        self.environment = {**os.environ, "MLX_THREADS": str(threads)}
        self.threads = threads
        self.names = []

    def start(self):
        done = subprocess.run(
            [*self.command, "--list"], capture_output=True, text=True, env=self.environment)
        if done.returncode != 0:
            sys.exit(f"{self.command[0]}: {done.stderr.strip()}")
        self.names = done.stdout.split()
        return True

    def measure(self, name, first):
        if name not in self.names:
            return
        options = ["--only", f"^{name}$"] + ([] if first else ["--no-limits"])
        done = subprocess.run([*self.command, *options], capture_output=True, text=True,
                              env=self.environment, preexec_fn=on_cores(self.threads))
        if done.returncode != 0:
            problem = (done.stderr.strip().splitlines() or ["failed"])[-1]
            yield {"peer": self.name, "workload": name, "unsupported": problem[:160]}
            return
        for line in done.stdout.splitlines():
            yield json.loads(line)

    def stop(self):
        pass


class Command:
    """A program that measures by itself: run once a round, its output read into rows."""

    def __init__(self, name, command, read):
        self.name, self.command, self.read = name, command, read
        self.names = [f"{name}_all"]

    def start(self):
        return True

    def measure(self, name, first):
        if name not in self.names:
            return
        done = subprocess.run(self.command, capture_output=True, text=True)
        if done.returncode != 0:
            yield {"peer": self.name, "workload": name,
                   "unsupported": f"status {done.returncode}"}
            return
        for row in self.read(done.stdout):
            yield {"peer": self.name, **row}

    def stop(self):
        pass


def llama_rows(text):
    """What `llama-bench -o json` prints, under the names of `mlx bench --model`."""
    for run in json.loads(text):
        prompt, new = run["n_prompt"], run["n_gen"]
        if prompt and not new:
            name = f"llm_{prompt}_prompt"
        elif new and not prompt:
            name = f"llm_{run.get('n_depth', 0)}_decode"
        else:
            continue
        yield {"workload": name, "metric": "tokens/s", "unit": "tokens/s",
               "value": run["avg_ts"], "n": len(run.get("samples_ts", [0]))}


def llama(program, model, threads):
    """llama.cpp's own benchmark on a GGUF file: prompts alone, and 128 tokens after each."""
    lengths = (16, 512, 2048)
    command = [program, "-m", model, "-t", str(threads), "-o", "json", "-r", "2", "-n", "128",
               "-p", ",".join(map(str, lengths)), "-d", ",".join(map(str, (0, *lengths)))]
    return Command("llama.cpp", command, llama_rows)


def check_name(name):
    if not re.fullmatch(r"[a-z0-9]+", name) or name not in PACKAGES:
        sys.exit(f"no peer is called {name}; there are {', '.join(PACKAGES)}")
    return name
