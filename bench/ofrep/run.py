"""Evaluations a second through the OFREP door of a server that has one core to itself.

`python3 run.py STEWARD` needs wrk and two cores: the server runs on core 0, the load generator on core 1.
"""

import pathlib
import subprocess
import sys
import tempfile

FLAG = """flag: checkout
type: string
default: old
rules:
  - {rule: staff, when: {email: {$regex: '@shop\\.example$'}}, value: new}
  - {rule: austria, when: {country: AT}, value: new}
  - {rule: early, when: {version: {$vlt: 1.0.0}}, value: old}
  - {rule: small, when: {plan: {$in: [free, trial]}}, value: old}
  - {rule: test, split: [{name: old, value: old, weight: 50%}, {name: new, value: new, weight: 50%}]}
"""

with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    (root / "flags").mkdir()
    (root / "steward.yaml").write_text("project: bench\nowner: ada\n")
    (root / "flags/checkout.yaml").write_text(FLAG)
    steward = [sys.argv[1], "--project", folder]
    subprocess.run([*steward, "apply", "-m", "first", "--as", "ada"], check=True, stdout=subprocess.DEVNULL)
    server = subprocess.Popen(
        ["taskset", "-c", "0", *steward, "serve", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    try:
        address = server.stdout.readline().strip().removeprefix("listening on ")
        script = str(pathlib.Path(__file__).parent / "one.lua")
        print("| evaluations a second | median, ms | p99, ms | errors |\n|---|---|---|---|", flush=True)
        for seconds in ("2s", "10s"):
            load = ["taskset", "-c", "1", "wrk", "-t1", "-c16", "-d", seconds, "--latency", "-s", script, address]
            out = subprocess.run(load, check=True, capture_output=True, text=True).stdout
        # The first was to warm up.
        print("\n".join(line for line in out.splitlines() if line.startswith("|")))
    finally:
        server.terminate()
        server.wait()
