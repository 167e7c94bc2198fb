#!/usr/bin/env python3
"""One peer: measures the rows whose names come in on standard input, or those that match.

    peer.py {numpy,mlx,torch,jax,onnxruntime} [--only REGEX] [--seconds S] [--cold BYTES]
"""
import argparse
import importlib
import json
import os
import re


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("peer", choices=["numpy", "mlx", "torch", "jax", "onnxruntime"])
    parser.add_argument("--only", help="measure the rows that match, and end")
    parser.add_argument("--seconds", type=float, default=0.6, help="for each row, at least")
    parser.add_argument("--cold", type=int, default=512 << 20, help="bytes that no cache holds")
    chosen = parser.parse_args()

    # Read by the libraries when they are loaded.
    count = os.environ.setdefault("PEER_THREADS", str(len(os.sched_getaffinity(0))))
    for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR"):
        os.environ[f"{name}_NUM_THREADS"] = count
    os.environ.setdefault("JAX_PLATFORMS", "cpu")

    import measure
    rows = measure.Rows(chosen.peer, chosen.seconds, chosen.cold)
    importlib.import_module(f"rows_{chosen.peer}").fill(rows)
    if chosen.only is None:
        return measure.serve(rows)
    for name in [*rows.ways, *rows.processes]:
        if re.search(chosen.only, name):
            for row in rows.run(name):
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
