"""Files, models, approvals and webhooks with the real MLflow client, and the same files in S3.

Usage: PYTHON registry.py STEWARD. PYTHON has mlflow (or mlflow-skinny); with moto[server] the files lie in S3 as well.
Prints a line for each check."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"] = "ci", "-"
import mlflow
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookEvent

import checks
from checks import check, refused

steward = sys.argv[1]
SETTINGS = """project: shop
owner: mara
people: [mara, tomas, ines, ci]
protected: [{policy: champions, models: ["churn*"], aliases: [champion], approvals: 2}]
webhooks: {allow_private: true, allow_http: true}
"""


class Served:
    """A project of its own, served."""

    def __init__(self, settings, **environment):
        self.folder = tempfile.TemporaryDirectory()
        Path(self.folder.name, "steward.yaml").write_text(settings)
        self.run("apply", "--as", "mara", "-m", "opening")
        self.server = subprocess.Popen(
            [steward, "--project", self.folder.name, "--json", "serve", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, text=True, env=os.environ | environment,
        )
        text = ""
        while "}" not in text:
            text += self.server.stdout.readline()
        self.address = json.loads(text)["listening"]

    def run(self, *words):
        return subprocess.run([steward, "--project", self.folder.name, *words], capture_output=True, text=True)

    def __enter__(self):
        mlflow.set_tracking_uri(self.address)
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()
        self.folder.cleanup()


class Hook(http.server.BaseHTTPRequestHandler):
    """Takes what webhooks send; refuses the first, so that it comes again."""
    taken = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        Hook.taken.append((dict(self.headers.items()), body))
        self.send_response(503 if len(Hook.taken) == 1 else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


def files(where):
    """What a client does with files."""
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        (at / "model" / "data").mkdir(parents=True)
        (at / "model" / "MLmodel").write_text("flavors:\n  sklearn:\n    code: null\n")
        (at / "model" / "data" / "ü 100%.bin").write_bytes(os.urandom(1 << 20))
        big = os.urandom(1 << 20) * 24
        (at / "big.bin").write_bytes(big)
        with mlflow.start_run() as run:
            mlflow.log_artifacts(str(at / "model"), "model")
            mlflow.log_artifact(str(at / "big.bin"))
        client = MlflowClient()
        listed = sorted(f.path for f in client.list_artifacts(run.info.run_id))
        check(f"{where}: files are listed", listed == ["big.bin", "model"])
        back = Path(client.download_artifacts(run.info.run_id, "", str(at / "model" / "data")))
        check(f"{where}: a large file comes back", (back / "big.bin").read_bytes() == big)
        name = "ü 100%.bin"
        same = (back / "model" / "data" / name).read_bytes() == (at / "model" / "data" / name).read_bytes()
        check(f"{where}: names of any letters come back", same)
        uri = client.get_run(run.info.run_id).info.artifact_uri
        url = mlflow.get_tracking_uri() + "/api/2.0/mlflow-artifacts/artifacts" + uri.split(":", 1)[1] + "/big.bin"
        part = urllib.request.urlopen(urllib.request.Request(url, headers={"range": "bytes=1000-1999"}))
        check(f"{where}: ranges", part.status == 206 and part.read() == big[1000:2000])
        return run.info.run_id


def registry(served):
    client = MlflowClient()
    run_id = files("folder")
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    client.create_webhook(
        "told", f"http://127.0.0.1:{receiver.server_port}/hook",
        [WebhookEvent.from_str("model_version.created"), WebhookEvent.from_str("model_version_alias.created")],
        secret="hush",
    )
    client.create_registered_model("churn", description="Who leaves", tags={"team": "crm"})
    version = client.create_model_version("churn", f"runs:/{run_id}/model", run_id)
    check("a version knows its run", version.run_id == run_id and version.user_id == "ci")
    check("a path of the server's disk is no source", refused(
        lambda: client.create_model_version("churn", "/etc", run_id), "INVALID_PARAMETER_VALUE", "local path"))
    check("another run's files are no source", refused(
        lambda: client.create_model_version("churn", "mlflow-artifacts:/0/other/artifacts/m", run_id),
        "INVALID_PARAMETER_VALUE", "run_id"))
    check("models are found", [m.name for m in client.search_registered_models("name ILIKE 'CH%' AND tags.team = 'crm'")] == ["churn"])
    mlflow.genai.register_prompt("greeting", "Hello {{name}}") if hasattr(mlflow, "genai") else None
    check("prompts are no models", [m.name for m in client.search_registered_models()] == ["churn"])

    move = lambda: client.set_registered_model_alias("churn", "champion", "1")
    check("a protected alias does not move", refused(move, "PERMISSION_DENIED", f"{served.address}/approvals/"))
    [request] = json.loads(served.run("--json", "model", "requests").stdout)
    page = urllib.request.urlopen(f"{served.address}/approvals/{request['id']}").read().decode()
    check("the link leads to the request", "Move alias champion of churn" in page)
    check("its author may not approve", served.run("model", "approve", request["id"], "--as", "ci").returncode == 1)
    for person in ("tomas", "ines"):
        served.run("model", "approve", request["id"], "--as", person, "--comment", "fine")
    move()
    check("it moves once two others approved", client.get_model_version_by_alias("churn", "champion").version == "1")
    [moved] = json.loads(served.run("--json", "model", "history", "churn", "--alias", "champion").stdout)
    check("who moved it, and on what, is known", moved["actor"] == "ci" and moved["request"] == request["id"])
    before = served.run("model", "show", "churn", "--as-of", "2020-01-01")
    check("it was not there before", before.returncode == 2)

    end = time.time() + 10
    while len(Hook.taken) < 3 and time.time() < end:
        time.sleep(0.05)
    (first, body), (again, same) = Hook.taken[0], Hook.taken[1]
    signed = f"{again['x-mlflow-delivery-id']}.{again['x-mlflow-timestamp']}.".encode() + same
    code = base64.b64encode(hmac.new(b"hush", signed, hashlib.sha256).digest()).decode()
    check("webhooks are signed", again.get("x-mlflow-signature") == f"v1,{code}")
    check("and told again", body == same and json.loads(body)["entity"] == "model_version")
    check("in order", json.loads(Hook.taken[2][1])["entity"] == "model_version_alias")
    check("the ledger holds", served.run("ledger", "verify").returncode == 0)


def main():
    with Served(SETTINGS) as served:
        registry(served)
    try:
        from moto.server import ThreadedMotoServer
    except ImportError:
        print("moto[server] is not installed: S3 is left out")
        return
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/models", method="PUT"))
    access = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    with Served(SETTINGS + "artifacts: s3://models/steward\n", **access):
        files("S3")
    moto.stop()


main()
sys.exit(checks.failed > 0)
