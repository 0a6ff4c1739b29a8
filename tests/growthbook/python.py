"""The real Python SDK against a served project (see project.sh)."""

import os
import pathlib
import subprocess
import sys
import time

from growthbook import GrowthBook, InMemoryStickyBucketService

HOST = os.environ["STEWARD_ADDRESS"]
failed = 0


def check(name, holds):
    global failed
    print(f"{'ok' if holds else 'FAILED'}: Python SDK: {name}", flush=True)
    failed += not holds


viewed = []
gb = GrowthBook(
    api_host=HOST,
    client_key="sdk-web",
    attributes={"id": "u1"},
    sticky_bucket_service=InMemoryStickyBucketService(),
    on_experiment_viewed=lambda experiment, result, **_: viewed.append((experiment.key, result.key)),
)
gb.load_features()
check("features are loaded", "checkout" in gb.get_features())
result = gb.eval_feature("checkout")
check("a split assigns and is tracked", result.source == "experiment" and viewed[:1] == [("checkout", result.experimentResult.key)])
gb.set_attributes({"id": "tester"})
check("a tester is forced", gb.get_feature_value("checkout", "none") == "new_page")
gb.set_attributes({"id": "u2", "email": "a@larkspur.example"})
check("a segment is found", gb.eval_feature("checkout").ruleId == "staff")
hidden = GrowthBook(api_host=HOST, client_key="sdk-hidden", decryption_key=os.environ["FLAG_KEY"], attributes={"id": "tester"})
hidden.load_features()
check("an encrypted payload is read", hidden.get_feature_value("checkout", "none") == "new_page")
streamed = GrowthBook(api_host=HOST, client_key="sdk-web", attributes={"id": "u1"}, streaming=True)
streamed.load_features()
file = pathlib.Path(os.environ["STEWARD_PROJECT"], "flags/all.yaml")
before = streamed.get_features()["checkout"].rules
file.write_text(file.read_text().replace("flag: checkout\n", "flag: checkout\nenabled: false\n"))
steward = [os.environ["STEWARD_PROGRAM"], "--project", os.environ["STEWARD_PROJECT"]]
subprocess.run([*steward, "apply", "-m", "off", "--as", "mara"], check=True, stdout=subprocess.DEVNULL)
until = time.monotonic() + 10
while streamed.get_features()["checkout"].rules and time.monotonic() < until:
    time.sleep(0.05)
check("a change is streamed", len(before) == 3 and not streamed.get_features()["checkout"].rules)
streamed.stop_auto_refresh()
streamed.destroy()
gb.destroy()
hidden.destroy()
sys.stdout.flush()
os._exit(1 if failed else 0)
