"""Contracts that Steward reads and drafts, judged by the standard's own tool (datacontract-cli).

    python tests/contracts/lint.py STEWARD

Prints one line per contract; exit code 1 if one does not pass.
"""

import pathlib
import subprocess
import sys
import tempfile

from datacontract.data_contract import DataContract

ROOT = pathlib.Path(__file__).resolve().parents[2]


def lint(path):
    """What the linter has against a contract; nothing if it passes."""
    run = DataContract(data_contract_file=str(path)).lint()
    return [f"{check.name}: {check.reason}" for check in run.checks if check.result != "passed"]


def drafted(steward, folder):
    """A contract drafted from a file with all sorts of columns."""
    (folder / "trial.csv").write_text(
        "id,e-mail,group,joined,Spend (EUR),active,note\n"
        + "".join(f"{i},p{i}@shop.example,{'ab'[i % 2]},2025-01-{i % 28 + 1:02},{i}.5,{i % 2},\"a, b\"\n" for i in range(300))
    )
    subprocess.run([steward, "init", "shop", "--from", "trial.csv"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return sorted((folder / "shop" / "datasets").glob("*.yaml"))


def main():
    steward = str(pathlib.Path(sys.argv[1]).resolve())
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        examples = sorted((ROOT / "examples" / "larkspur" / "datasets").glob("*.yaml"))
        for path in examples + drafted(steward, folder):
            complaints = lint(path)
            failed |= bool(complaints)
            print(f"{'FAILED' if complaints else 'ok'}: {path.name} by datacontract lint", *complaints, sep="\n    ")
        # What no contract may say has to be found out, or the passes above mean nothing.
        broken = folder / "broken.yaml"
        broken.write_text(examples[0].read_text().replace("status: active", "status: [active]"))
        if lint(broken):
            print("ok: a broken contract is found out")
        else:
            failed = True
            print("FAILED: a broken contract is found out")
    sys.exit(failed)


if __name__ == "__main__":
    main()
