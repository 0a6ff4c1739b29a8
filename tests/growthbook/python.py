"""The real Python SDK against a served project (see project.sh)."""

import os
import sys

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
gb.destroy()
hidden.destroy()
sys.stdout.flush()
os._exit(1 if failed else 0)
