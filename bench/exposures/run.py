"""Durable exposures a second: clients that post batches and wait for the answer.

`python3 run.py STEWARD` serves an empty project from a temporary folder on the disk of TMPDIR.
"""

import http.client
import json
import multiprocessing
import pathlib
import subprocess
import sys
import tempfile
import time

SECONDS = 5

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: users
version: 1.0.0
status: active
servers: [{server: local, type: local, path: data/users.csv, format: csv}]
schema:
  - name: users
    properties: [{name: user_id, logicalType: integer}, {name: x, logicalType: integer}]
"""
METRICS = """semantic_models:
  - name: users
    model: ref('users')
    entities: [{name: user, type: primary, expr: user_id}]
    measures: [{name: x, agg: sum, expr: x}]
metrics:
  - {name: x, type: simple, type_params: {measure: x}}
"""
EXPERIMENT = "experiment: trial\nexposures: collected\nvariants: [a, b]\nmetrics: {primary: [x]}\n"


def client(address: str, number: int, rows: int, done) -> None:
    connection = http.client.HTTPConnection(address)
    now = int(time.time() * 1e6)
    end = time.monotonic() + SECONDS
    sent, waits = 0, []
    while time.monotonic() < end:
        batch = [
            {"id": f"{number}-{rows}-{sent + i}", "experiment": "trial", "unit": f"user-{i}", "variant": "a", "ts": now}
            for i in range(rows)
        ]
        body = json.dumps(batch)
        begun = time.monotonic()
        connection.request("POST", "/api/v1/exposures", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        waits.append(time.monotonic() - begun)
        assert answer.status == 200, answer.status
        sent += rows
    done.put((sent, waits))


def measure(address: str, clients: int, rows: int) -> None:
    done = multiprocessing.Queue()
    all_ = [multiprocessing.Process(target=client, args=(address, n + clients * 1000, rows, done)) for n in range(clients)]
    for one in all_:
        one.start()
    results = [done.get() for _ in all_]
    waits = sorted(w for _, ws in results for w in ws)
    rate = sum(sent for sent, _ in results) / SECONDS
    middle, late = waits[len(waits) // 2] * 1000, waits[int(len(waits) * 0.99)] * 1000
    print(f"| {clients} | {rows} | {rate:,.0f} | {middle:.1f} | {late:.1f} |", flush=True)


with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    files = {
        "steward.yaml": "project: bench\nowner: ada\n",
        "datasets/users.yaml": CONTRACT,
        "metrics/users.yaml": METRICS,
        "experiments/trial.yaml": EXPERIMENT,
        "data/users.csv": "user_id,x\n1,1\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    server = subprocess.Popen(
        [sys.argv[1], "--project", folder, "serve", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    try:
        address = server.stdout.readline().strip().removeprefix("listening on http://")
        print("| clients | rows a batch | rows a second | median, ms | p99, ms |\n|---|---|---|---|---|")
        for clients in (1, 16):
            for rows in (100, 1000):
                measure(address, clients, rows)
    finally:
        server.terminate()
        server.wait()
