"""Larkspur at a scale: CPU seconds and peak memory of making it and of evaluating everything, from the release binary.

    cargo build --release
    python bench/demo/run.py [SCALE [RUNS]]

Prints the median of RUNS (3) runs beside the goals, which are for scale 1.
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

os.environ.setdefault("STEWARD_USER", "bench")
ROOT = pathlib.Path(__file__).resolve().parents[2]
STEWARD = ROOT / "target" / "release" / "steward"


def run(*arguments):
    """CPU seconds, peak memory in MB and standard output of one call."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        os.close(read)
        os.execv(STEWARD, [str(STEWARD), *map(str, arguments)])
    os.close(write)
    with os.fdopen(read) as output:
        text = output.read()
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"steward {' '.join(map(str, arguments))} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3, text


def main():
    scale = sys.argv[1] if len(sys.argv) > 1 else "1"
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    made, evaluated, memory = [], [], []
    for _ in range(runs):
        folder = tempfile.mkdtemp()
        try:
            whole, peak, _ = run("demo", "--dir", folder, "--scale", scale, "--no-serve")
            # Evaluating again from an empty store tells the two parts apart.
            project = next(pathlib.Path(folder).rglob("steward.yaml")).parent
            shutil.rmtree(project / ".steward", ignore_errors=True)
            run("--project", project, "apply", "-m", "again")
            again, _, _ = run("--project", project, "run")
            evaluated.append(again)
            made.append(whole - again)
            memory.append(peak)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    median = statistics.median
    print(json.dumps({"scale": float(scale), "runs": runs, "generate_cpu_s": round(median(made), 2), "generate_goal_s": 20,
                      "evaluate_cpu_s": round(median(evaluated), 2), "evaluate_goal_s": 20,
                      "peak_mb": round(median(memory))}, indent=1))


if __name__ == "__main__":
    main()
