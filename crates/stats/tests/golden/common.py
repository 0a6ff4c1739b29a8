"""What the scripts of this folder share: where numbers go, and under which versions they were made.

    python -m venv /tmp/golden
    /tmp/golden/bin/pip install scipy==1.17.1 statsmodels==0.15.0 mpmath==1.4.1 gbstats==0.8.0 pysyncon==1.7.0
    /tmp/golden/bin/python crates/stats/tests/golden/NAME.py
"""

import importlib.metadata
import json
import pathlib

HERE = pathlib.Path(__file__).parent


def write(name, body, *packages):
    versions = {p: importlib.metadata.version(p) for p in ("numpy", "scipy", *packages)}
    text = json.dumps({"made_with": versions, **body}, indent=1)
    (HERE / f"{name}.json").write_text(text + "\n")
