"""CPU seconds and peak memory of the experiment analysis, in Steward's engine and in DuckDB, run in turn.

    cargo build --release -p steward-engines --example experiment_bench
    python -m pip install duckdb numpy pyarrow
    python bench/experiment/run.py [--scale 1] [--runs 5] [--threads 2] [--binary PATH] [--data FOLDER]

Makes the data if the folder has none, compares the two answers, and prints medians of whole processes.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def measured(command):
    """Output, CPU seconds (user and system) and peak resident MB of a process."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"failed: {' '.join(map(str, command))}")
        out.seek(0)
        return out.read().decode(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def flat(row):
    """A row with its lists of moments opened: count, then means and cross-products."""
    values = []
    for value in row:
        values.extend(value[1:] if isinstance(value, list) else [value])
    return values


def same(ours, theirs):
    """Whether two answers agree to 1e-9 of the scale of each column."""
    ours, theirs = [flat(r) for r in ours], [flat(r) for r in theirs]
    if len(ours) != len(theirs):
        return f"{len(ours)} and {len(theirs)} rows"
    for a, b in zip(ours, theirs):
        for x, y in zip(a, b, strict=True):
            if isinstance(x, float) and isinstance(y, float):
                # Covariances cancel: their digits are measured by the largest value of the row.
                scale = max(abs(v) for v in a if isinstance(v, float))
                if not math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12 * scale):
                    return f"{a} and {b}"
            elif x != y:
                return f"{a} and {b}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--binary", default="target/release/examples/experiment_bench")
    parser.add_argument("--data", default=None)
    options = parser.parse_args()
    data = options.data or os.path.join(tempfile.gettempdir(), f"steward-bench-experiment-{options.scale:g}")
    if not os.path.exists(os.path.join(data, "events.parquet")):
        subprocess.run([sys.executable, HERE / "make_data.py", data, str(options.scale)], check=True)

    medians = {}
    for query in ("plain", "by_country"):
        commands = {
            "steward": [options.binary, data, HERE / f"{query}.sql", str(options.threads)],
            "duckdb": [sys.executable, HERE / "run_duckdb.py", data, HERE / f"{query}.duckdb.sql", str(options.threads)],
        }
        figures = {name: [] for name in commands}
        answers = {}
        for _ in range(options.runs):
            for name, command in commands.items():
                text, cpu, memory = measured(command)
                figures[name].append((cpu, memory))
                answers[name] = json.loads(text)
        if (difference := same(answers["steward"], answers["duckdb"])) is not None:
            sys.exit(f"{query}: the answers differ: {difference}")
        for name, runs in figures.items():
            cpu, memory = (statistics.median(v) for v in zip(*runs))
            medians[query, name] = cpu
            print(f"{query:10} {name:8} {cpu:7.2f} s CPU  {memory:7.0f} MB peak  ({options.runs} runs, {len(answers[name])} cells)")
    print(f"CPU of DuckDB's: plain {medians['plain', 'steward'] / medians['plain', 'duckdb']:.2f}, "
          f"by country {medians['by_country', 'steward'] / medians['by_country', 'duckdb']:.2f}; "
          f"breakdown costs {medians['by_country', 'steward'] / medians['plain', 'steward']:.2f} of the plain run")


if __name__ == "__main__":
    main()
