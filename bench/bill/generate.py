"""Writes a FOCUS export of N charges as Parquet: generate.py FILE [N]. Needs pyarrow."""
import json
import random
import sys
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

path, rows = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5_000_000
rng = random.Random(20260101)
services = ["Virtual Machines", "Kubernetes", "Object Storage", "Model Endpoints", "Data Transfer", "Managed Warehouse"]
resources = [f"res-{n:05d}" for n in range(20_000)]
tags = [json.dumps({"project": f"p{n % 12}", "model": f"m{n % 40}", "env": "prod"}) for n in range(400)]
schema = pa.schema([
    ("BillingAccountId", pa.string()), ("BillingAccountName", pa.string()), ("BillingCurrency", pa.string()),
    ("BillingPeriodStart", pa.timestamp("us", "UTC")), ("BillingPeriodEnd", pa.timestamp("us", "UTC")),
    ("ChargePeriodStart", pa.timestamp("us", "UTC")), ("ChargePeriodEnd", pa.timestamp("us", "UTC")),
    ("ChargeCategory", pa.string()), ("ChargeClass", pa.string()), ("ChargeDescription", pa.string()),
    ("ChargeFrequency", pa.string()), ("ProviderName", pa.string()), ("PublisherName", pa.string()),
    ("InvoiceIssuerName", pa.string()), ("ServiceCategory", pa.string()), ("ServiceName", pa.string()),
    ("RegionId", pa.string()), ("SubAccountId", pa.string()), ("SubAccountName", pa.string()),
    ("ResourceId", pa.string()), ("ResourceName", pa.string()), ("SkuId", pa.string()),
    ("PricingQuantity", pa.float64()), ("ListCost", pa.decimal128(18, 6)), ("ContractedCost", pa.decimal128(18, 6)),
    ("BilledCost", pa.decimal128(18, 6)), ("EffectiveCost", pa.decimal128(18, 6)), ("Tags", pa.string()),
    ("x_FutureColumn", pa.string()),
])
DAY = 86_400_000_000
START = 1_759_276_800_000_000  # 2025-10-01
with pq.ParquetWriter(path, schema, compression="snappy") as writer:
    done = 0
    while done < rows:
        n = min(250_000, rows - done)
        pick = [rng.randrange(20_000) for _ in range(n)]
        day = [START + DAY * ((done + i) * 31 // rows) for i in range(n)]
        cost = pa.array([Decimal(rng.randrange(1, 9_000_000)).scaleb(-6) for _ in range(n)], pa.decimal128(18, 6))
        same = lambda text: pa.array([text] * n)
        writer.write_table(pa.table([
            same("acc-1"), same("Main"), same("EUR"), pa.array([START] * n, schema.field(3).type),
            pa.array([START + 31 * DAY] * n, schema.field(4).type), pa.array(day, schema.field(5).type),
            pa.array([d + DAY for d in day], schema.field(6).type), same("Usage"), pa.nulls(n, pa.string()), same("Hourly usage"),
            same("Usage-Based"), same("Nimbus Cloud"), same("Nimbus Cloud"), same("Nimbus Cloud"), same("Compute"),
            pa.array([services[p % 6] for p in pick]), pa.array([f"region-{p % 5}" for p in pick]), pa.array([f"sub-{p % 30}" for p in pick]),
            pa.array([f"team-{p % 30}" for p in pick]), pa.array([resources[p] for p in pick]), pa.array([f"name-{p}" for p in pick]),
            pa.array([f"sku-{p % 700}" for p in pick]), pa.array([rng.random() * 24 for _ in range(n)]), cost, cost, cost, cost,
            pa.array([None if i % 8 == 0 else tags[p % 400] for i, p in enumerate(pick)]), same("new"),
        ], schema=schema))
        done += n
