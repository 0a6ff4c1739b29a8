"""Parses each rendered query with sqlglot (PyPI) in the dialect that its file name says.

    python parse_back.py FOLDER    # FOLDER as STEWARD_DIALECT_OUT of the Rust tests; name.dialect.sql

Fails on the first text that its dialect's parser does not accept whole, and if there is none to parse.
"""

import pathlib
import sys

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel


def main(folder: str) -> int:
    files = sorted(pathlib.Path(folder).glob("*.*.sql"))
    if not files:
        print(f"no rendered queries in {folder}; run the tests with STEWARD_DIALECT_OUT={folder}", file=sys.stderr)
        return 1
    failed = 0
    for file in files:
        dialect = file.stem.rsplit(".", 1)[1]
        try:
            trees = sqlglot.parse(file.read_text(), dialect=dialect, error_level=ErrorLevel.RAISE)
            if len(trees) != 1 or not isinstance(trees[0], exp.Query):
                raise ValueError(f"parsed as {[type(t).__name__ for t in trees]}, not as one query")
            # What the parser did not understand it keeps as a command or writes back otherwise.
            if list(trees[0].find_all(exp.Command)):
                raise ValueError("parts were not understood")
            trees[0].sql(dialect=dialect, unsupported_level=ErrorLevel.RAISE)
        except Exception as error:  # noqa: BLE001: any failure is the finding
            failed += 1
            print(f"{file.name}: {error}", file=sys.stderr)
    print(f"sqlglot {sqlglot.__version__}: {len(files) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 2 else print(__doc__, file=sys.stderr) or 2)
