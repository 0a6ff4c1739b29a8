"""Usage: run.py STEWARD MLFLOW [RUNS]

The same load over HTTP against `STEWARD serve` and `MLFLOW server` (both on SQLite): CPU of the server per request first,
then wall time. RUNS runs are made for the search (1,000 by default). Prints one JSON document, and a table to standard error.
"""
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

steward, mlflow = sys.argv[1], sys.argv[2]
RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
API = "/api/2.0/mlflow/"


def port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tree(pid):
    """A process and those below it."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += tree(int(child))
    return found


def cpu(pid):
    total = 0.0
    for each in tree(pid):
        try:
            fields = pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except FileNotFoundError:
            pass
    return total


def memory(pid):
    """Proportional set size of a process and those below it, MiB."""
    total = 0
    for each in tree(pid):
        try:
            for line in pathlib.Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except (FileNotFoundError, PermissionError):
            pass
    return total / 1024


class Client:
    def __init__(self, at):
        self.at = at
        self.connection = http.client.HTTPConnection("127.0.0.1", at)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, path, document=None):
        body = None if document is None else json.dumps(document)
        kind = {"Content-Type": "application/json"}
        try:
            self.connection.request("POST" if body else "GET", API + path, body, kind)
            answer = self.connection.getresponse()
        except (ConnectionError, http.client.HTTPException):
            # A server may close a connection that waited.
            self.__init__(self.at)
            self.connection.request("POST" if body else "GET", API + path, body, kind)
            answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return json.loads(text)


def measure(pid, calls, threads=1, at=None):
    """CPU and wall time per call, milliseconds: total, median, 95th percentile."""
    times, lock = [], threading.Lock()

    def work(mine):
        client = Client(at)
        for call in mine:
            start = time.perf_counter()
            call(client)
            with lock:
                times.append(time.perf_counter() - start)

    before, start = cpu(pid), time.perf_counter()
    workers = [threading.Thread(target=work, args=(calls[n::threads],)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    wall = time.perf_counter() - start
    times.sort()
    return {
        "calls": len(calls),
        "cpu_ms": round((cpu(pid) - before) / len(calls) * 1000, 3),
        "p50_ms": round(times[len(times) // 2] * 1000, 2),
        "p95_ms": round(times[int(len(times) * 0.95)] * 1000, 2),
        "calls_per_s": round(len(calls) / wall, 1),
    }


def load(name, pid, at, ready):
    client, found = Client(at), {"ready_s": round(ready, 2), "idle_mib": round(memory(pid), 1)}
    group = client.ask("experiments/create", {"name": "bench"})["experiment_id"]
    begin = lambda n: client.ask("runs/create", {"experiment_id": group, "start_time": n, "run_name": f"r{n}"})["run"]["info"]["run_id"]
    runs = []
    for n in range(RUNS):
        run = begin(n)
        runs.append(run)
        client.ask("runs/log-batch", {
            "run_id": run,
            "metrics": [{"key": f"m{k}", "value": (n * 7919 + k) % 1000 / 1000, "timestamp": n, "step": 0} for k in range(5)],
            "params": [{"key": f"p{k}", "value": str((n + k) % 10)} for k in range(5)],
        })
    few = 40 if name == "mlflow" else 400
    found["runs/get"] = measure(pid, [lambda c, r=r: c.ask(f"runs/get?run_id={r}") for r in (runs * 2)[:few]], at=at)
    log = lambda n: lambda c: c.ask("runs/log-metric", {"run_id": runs[n % 8], "key": "loss", "value": n / 7, "timestamp": n, "step": n})
    found["log-metric, 1 client"] = measure(pid, [log(n) for n in range(few)], at=at)
    found["log-metric, 8 clients"] = measure(pid, [log(n) for n in range(few, few * 9)], threads=8, at=at)
    points = lambda b: [{"key": f"k{i % 10}", "value": i / 3, "timestamp": b * 1000 + i, "step": b * 1000 + i} for i in range(1000)]
    batch = lambda b: lambda c: c.ask("runs/log-batch", {"run_id": runs[0], "metrics": points(b)})
    found["log-batch of 1,000 metrics"] = measure(pid, [batch(b) for b in range(few // 8)], at=at)
    search = {"experiment_ids": [group], "filter": "metrics.m0 > 0.2 AND params.p1 = '3'", "order_by": ["metrics.m1 DESC"], "max_results": 100}
    client.ask("runs/search", search)
    found[f"runs/search over {RUNS:,}"] = measure(pid, [lambda c: c.ask("runs/search", search)] * (few // 4), at=at)
    found["busy_mib"] = round(memory(pid), 1)
    return found


def serve(name, command, at):
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        while True:
            try:
                Client(at).ask("experiments/get?experiment_id=0")
                break
            except (OSError, AssertionError, http.client.HTTPException):
                time.sleep(0.02)
        return load(name, process.pid, at, time.perf_counter() - start)
    finally:
        process.terminate()
        process.wait()


with tempfile.TemporaryDirectory() as folder:
    (pathlib.Path(folder) / "steward.yaml").write_text("project: bench\nowner: ada\n")
    one, two = port(), port()
    found = {
        "steward": serve("steward", [steward, "--project", folder, "serve", "--listen", f"127.0.0.1:{one}"], one),
        "mlflow": serve("mlflow", [mlflow, "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--port", str(two)], two),
    }
print(json.dumps(found, indent=1))
for key, ours in found["steward"].items():
    theirs = found["mlflow"][key]
    show = lambda v: f"{v['cpu_ms']:>9} ms CPU {v['p50_ms']:>8} ms p50 {v['calls_per_s']:>9}/s" if isinstance(v, dict) else f"{v:>9}"
    print(f"{key:32} steward {show(ours)}   mlflow {show(theirs)}", file=sys.stderr)
