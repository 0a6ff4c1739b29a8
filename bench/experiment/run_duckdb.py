"""Runs a query over the Parquet files with DuckDB and prints its rows in order as JSON.

    python run_duckdb.py FOLDER QUERY_FILE THREADS
"""

import json
import pathlib
import sys

import duckdb

folder, query, threads = sys.argv[1:4]
connection = duckdb.connect(config={"threads": int(threads)})
connection.execute("SET TimeZone = 'UTC'")
for table in ("users", "exposures", "events"):
    connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{folder}/{table}.parquet')")
cursor = connection.execute(pathlib.Path(query).read_text())
rows = cursor.fetchall()


def plain(value):
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


rows = [[plain(v) for v in row] for row in rows]
print(json.dumps(sorted(rows, key=lambda r: [str(v) for v in r[:3]])))
