"""The server on an existing demo: time until ready, idle memory, and every page's answering time.

    cargo build --release
    python bench/pages/run.py [SCALE [ROUNDS [STEWARD]]]

Makes Larkspur at SCALE (1), starts the server five times on it (median), then asks every HTML page that home leads to
ROUNDS (5) times, one after the other over one connection, and prints the percentiles over all answers and over each
page's median, with the slowest pages. Goals stand beside the figures.
"""

import collections
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]


def start(steward, project):
    """A served project: the process, host and port, and milliseconds until the server said that it listens."""
    begun = time.perf_counter()
    server = subprocess.Popen([steward, "--project", project, "serve", "--listen", "127.0.0.1:0"],
                              stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    ready = (time.perf_counter() - begun) * 1e3
    if not line.startswith("listening on "):
        sys.exit(f"the server did not start: {line!r}")
    address = urllib.parse.urlparse(line.split()[-1])
    return server, address.hostname, address.port, ready


def stop(server):
    server.terminate()
    server.wait()


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1e3


def ask(connection, address):
    """Status, whether it is a page, text, and milliseconds until all of it was there."""
    begun = time.perf_counter()
    connection.request("GET", address)
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - begun) * 1e3
    return answer.status, (answer.getheader("content-type") or "").startswith("text/html"), body, took


def links(html, page):
    for href in re.findall(r'href="([^"]+)"', html.decode()):
        href = href.replace("&amp;", "&").split("#")[0]
        if href.startswith("?"):
            href = page.split("?")[0] + href
        if href.startswith("/") and not href.startswith("//"):
            yield href


def pages(connection):
    found, queue = [], collections.deque(["/"])
    seen = {"/"}
    while queue:
        address = queue.popleft()
        status, html, body, _ = ask(connection, address)
        if status != 200:
            sys.exit(f"{address} answers {status}")
        if html:
            found.append(address)
            for link in links(body, address):
                if link not in seen:
                    seen.add(link)
                    queue.append(link)
    return found


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def main():
    scale = sys.argv[1] if len(sys.argv) > 1 else "1"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    steward = sys.argv[3] if len(sys.argv) > 3 else str(ROOT / "target" / "release" / "steward")
    with tempfile.TemporaryDirectory() as folder:
        project = os.path.join(folder, "larkspur")
        subprocess.run([steward, "demo", "--dir", project, "--scale", scale, "--no-serve"], check=True,
                       stdout=subprocess.DEVNULL)
        ready = []
        for _ in range(5):
            server, _, _, took = start(steward, project)
            ready.append(took)
            stop(server)
        server, host, port, _ = start(steward, project)
        try:
            time.sleep(3)
            idle = resident_mb(server.pid)
            connection = http.client.HTTPConnection(host, port, timeout=60)
            addresses = pages(connection)
            took = {address: [ask(connection, address)[3] for _ in range(rounds)] for address in addresses}
            time.sleep(3)
            after = resident_mb(server.pid)
        finally:
            stop(server)
    every = [t for times in took.values() for t in times]
    middle = {address: statistics.median(times) for address, times in took.items()}
    slowest = sorted(middle.items(), key=lambda p: -p[1])[:8]
    print(json.dumps({
        "scale": float(scale), "pages": len(middle), "rounds": rounds,
        "ready_ms": round(statistics.median(ready)), "ready_goal_ms": 300,
        "idle_mb": round(idle), "idle_after_all_pages_mb": round(after), "idle_goal_mb": 150,
        "page_p50_ms": round(percentile(every, .5), 1), "page_p95_ms": round(percentile(every, .95), 1),
        "page_p95_of_medians_ms": round(percentile(middle.values(), .95), 1), "page_goal_p95_ms": 100,
        "slowest_ms": {address: round(t, 1) for address, t in slowest},
    }, indent=1))


if __name__ == "__main__":
    main()
