"""Users, exposures and events of one experiment as Parquet, the same bytes for the same scale and seed.

    python make_data.py FOLDER [SCALE]     # SCALE 1: 1 M users, 1.5 M exposures, 10 M events
"""

import pathlib
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

START = 1_740_787_200_000_000  # 2025-03-01 UTC, microseconds
DAY = 86_400_000_000
COUNTRIES = [f"C{i:02d}" for i in range(20)]


def times(us):
    return pa.array(us, type=pa.timestamp("us", tz="UTC"))


def main(folder: str, scale: float = 1.0) -> None:
    rng = np.random.Generator(np.random.PCG64(20260101))
    users, exposures, events = int(1_000_000 * scale), int(1_500_000 * scale), int(10_000_000 * scale)
    out = pathlib.Path(folder)
    out.mkdir(parents=True, exist_ok=True)

    def write(name, columns):
        pq.write_table(pa.table(columns), out / f"{name}.parquet", compression="snappy", row_group_size=1_000_000)

    weights = 1 / np.arange(1, 21)
    country = rng.choice(20, users, p=weights / weights.sum())
    write("users", {"user_id": np.arange(users), "country": pa.array(np.array(COUNTRIES)[country])})

    unit = np.concatenate([rng.permutation(users), rng.integers(0, users, exposures - users)])
    treated = (unit * 2_654_435_761 % 1_000_003) % 2 == 1
    # One exposure in 2,000 shows the other variant: units in several variants.
    treated ^= rng.random(exposures) < 0.0005
    at = START + rng.integers(0, 28 * DAY, exposures)
    order = np.argsort(at, kind="stable")
    variant = pa.DictionaryArray.from_arrays(pa.array(treated[order].astype(np.int8)), ["control", "treatment"])
    write("exposures", {"user_id": unit[order], "variant": variant.cast(pa.string()), "ts": times(at[order])})

    who = (users * rng.random(events) ** 1.5).astype(np.int64)
    at = np.sort(START - 14 * DAY + rng.integers(0, 46 * DAY, events))
    bought = rng.random(events) < 0.2
    amount = np.round(np.exp(rng.normal(3.2, 0.9, events)), 2)
    write(
        "events",
        {
            "user_id": who,
            "ts": times(at),
            "kind": pa.DictionaryArray.from_arrays(pa.array(bought.astype(np.int8)), ["visit", "purchase"]).cast(pa.string()),
            "amount": pa.array(amount, mask=~bought),
        },
    )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)
