"""How an audit asks the program, and notes how far it is from a reference."""

import json
import subprocess
import sys

import mpmath as mp
import numpy as np

BINARY = sys.argv[1]
worst = {}
mp.mp.dps = 40


def ask(method, /, **given):
    text = json.dumps(given, default=lambda x: x.tolist() if hasattr(x, "tolist") else float(x))
    done = subprocess.run([BINARY, "stats", method], input=text, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{method}: {done.stderr} {done.stdout} for {text[:300]}")
    return json.loads(done.stdout)


def same(method, reference, ours, theirs):
    """Notes the deviation of one number, or of each field of a dict or list."""
    if isinstance(theirs, dict):
        return [same(method, reference, ours[k], v) for k, v in theirs.items()]
    if isinstance(theirs, (list, tuple, np.ndarray)):
        assert len(ours) == len(theirs), (method, ours, theirs)
        return [same(method, reference, a, b) for a, b in zip(ours, theirs)]
    if theirs is None or ours is None:
        assert theirs is ours, (method, ours, theirs)
        return None
    gap = abs(ours - theirs) / max(abs(theirs), 1e-300) if abs(theirs) > 1e-12 else abs(ours - theirs)
    key = (method, reference)
    n, most = worst.get(key, (0, 0.0))
    worst[key] = (n + 1, max(most, float(gap)))


def refused(method, reason, /, **given):
    found = ask(method, **given)
    assert found.get("not_estimable", {}).get("reason") == reason, (method, reason, found)
    key = (method, f"refused: {reason}")
    worst[key] = (worst.get(key, (0, 0.0))[0] + 1, 0.0)


def report():
    print("| method | reference | numbers | largest relative deviation |\n|---|---|---|---|")
    for (method, reference), (n, most) in sorted(worst.items()):
        print(f"| `{method}` | {reference} | {n} | {'—' if reference.startswith('refused') else f'{most:.1e}'} |")
