"""The real OFREP providers, unchanged, against a served project.

`python run.py STEWARD NODE_MODULES`: prints `ok: …` or `FAILED: …` for each check.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

sys.dont_write_bytecode = True
from server import Served  # noqa: E402

failed = 0


def check(what: str, found, expected) -> None:
    global failed
    if found == expected:
        print(f"ok: {what}")
    else:
        failed += 1
        print(f"FAILED: {what}\n  expected {expected!r}\n  found    {found!r}")


def post(url: str, body, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as e:
        return e.code, dict(e.headers), e.read()


def python_provider(served: Served) -> None:
    api.set_provider(OFREPProvider(served.url))
    client = api.get_client()
    german = EvaluationContext("u1", {"country": "DE"})

    def details(kind: str, flag: str, default, context=german):
        d = getattr(client, f"get_{kind}_details")(flag, default, context)
        return d.value, d.variant, d.reason and str(d.reason), d.error_code and d.error_code.value

    check("python: boolean", details("boolean", "plain", False), (True, "on", "STATIC", None))
    check("python: disabled", details("boolean", "off", True), (False, "off", "DISABLED", None))
    check("python: string by rule", details("string", "german", "")[::2], ("german", "TARGETING_MATCH"))
    other = EvaluationContext("u1", {"country": "AT"})
    check("python: string by default", details("string", "german", "", other)[::2], ("other", "DEFAULT"))
    check("python: integer", details("integer", "whole", 0)[::3], (3, None))
    check("python: float that is whole", details("float", "share", 0.0)[::3], (1.0, None))
    check("python: float", details("float", "half", 0.0)[::3], (0.5, None))
    check("python: object", details("object", "theme", {})[::3], ({"colour": "red", "sizes": [1, 2]}, None))
    value, variant, reason, error = details("string", "button", "none")
    check("python: split", (value in ("red", "blue"), variant, reason, error), (True, value, "SPLIT", None))
    check("python: split again", details("string", "button", "none")[0], value)
    check("python: unknown flag", details("boolean", "plian", True)[::3], (True, "FLAG_NOT_FOUND"))
    check("python: wrong type", details("integer", "german", 7)[::3], (7, "TYPE_MISMATCH"))
    check("python: nobody named", details("string", "button", "x", EvaluationContext())[::3], ("x", "TARGETING_KEY_MISSING"))
    check("python: static for nobody", details("boolean", "plain", False, None)[0], True)
    metadata = client.get_string_details("german", "", german).flag_metadata
    check("python: metadata", (metadata.get("rule"), metadata.get("owner")), ("germany", "ada"))


def by_hand(served: Served) -> None:
    one, all_ = f"{served.url}/ofrep/v1/evaluate/flags/", f"{served.url}/ofrep/v1/evaluate/flags"
    context = {"context": {"targetingKey": "u1"}}
    status, _, body = post(one + "share", context)
    check("a number flag has a point", (status, b'"value":1.0' in body), (200, True))
    for what, url, sent, expected in [
        ("no JSON", one + "plain", b"{", (400, "PARSE_ERROR")),
        ("no object", all_, b"[1]", (400, "PARSE_ERROR")),
        ("context is no object", one + "plain", {"context": 1}, (400, "INVALID_CONTEXT")),
        ("key is no text", all_, {"context": {"targetingKey": 1}}, (400, "INVALID_CONTEXT")),
        ("nobody named, all flags", all_, {"context": {}}, (400, "TARGETING_KEY_MISSING")),
        ("nobody named", one + "button", {"context": {"country": "DE"}}, (400, "TARGETING_KEY_MISSING")),
        ("unknown flag", one + "nothing", context, (404, "FLAG_NOT_FOUND")),
    ]:
        status, _, body = post(url, sent)
        answer = json.loads(body)
        check(what, (status, answer["errorCode"], bool(answer["errorDetails"])), (*expected, True))
    status, headers, body = post(all_, context)
    flags = {f["key"]: f for f in json.loads(body)["flags"]}
    check("all flags", (status, len(flags)), (200, 8))
    check("value, variant and reason everywhere", [k for k, f in flags.items() if not {"value", "variant", "reason"} <= f.keys()], [])
    tag = headers["etag"]
    check("the same again is not sent", post(all_, context, **{"If-None-Match": tag})[::2], (304, b""))
    other = {"context": {"targetingKey": "u1", "country": "DE"}}
    check("another unit's answer is", post(all_, other, **{"If-None-Match": tag})[0], 200)


with tempfile.TemporaryDirectory() as folder, Served(sys.argv[1], folder) as served:
    python_provider(served)
    by_hand(served)
    here = pathlib.Path(__file__).parent
    environment = {**os.environ, "NODE_PATH": sys.argv[2], "STEWARD_URL": served.url}
    node = subprocess.Popen(
        ["node", str(here / "providers.cjs")], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for line in node.stdout:
        if line == "change\n":
            # The web provider listens: now a flag changes.
            served.flag("plain", "type: boolean\ndefault: false")
            served.apply("changed")
        else:
            print(line, end="")
            failed += line.startswith("FAILED")
    check("node ends well", node.wait(60), 0)

sys.exit(failed > 0)
