-- One scan of each table. Arms: 0 control, 1 treatment, -1 unknown, -2 several variants.
WITH x AS (
  SELECT user_id AS u, CASE WHEN variant = 'control' THEN 0 WHEN variant = 'treatment' THEN 1 ELSE -1 END AS a, ts AS t
  FROM exposures
  WHERE user_id IS NOT NULL AND ts >= TIMESTAMP '2025-03-01 00:00:00+00:00' AND ts < TIMESTAMP '2025-03-29 00:00:00+00:00'
),
g AS (
  SELECT u, CASE WHEN min(a) <> max(a) THEN -2 ELSE max(a) END AS arm, min(t) AS t0
  FROM x GROUP BY u
),
e AS (
  SELECT u, arm, t0, t0 + INTERVAL '259200 seconds' AS t1, t0 - INTERVAL '14 days' AS b14
  FROM g
),
p0 AS (
  SELECT
    e.u AS u, max(e.arm) AS arm, max(e.t0) AS t0,
    sum(CASE WHEN f.t0 >= e.t0 THEN f.x0 END) AS y0,
    sum(CASE WHEN f.t0 < e.t0 THEN f.x0 END) AS y1,
    sum(CASE WHEN f.t0 >= e.t0 THEN f.x1 END) AS y2
  FROM e LEFT JOIN (
    SELECT user_id AS u, ts AS t0, amount AS x0, CASE WHEN kind = 'purchase' THEN CAST(1 AS DOUBLE) END AS x1
    FROM events
    WHERE ts >= TIMESTAMP '2025-02-15 00:00:00+00:00' AND ts < TIMESTAMP '2025-04-01 00:00:00+00:00'
      AND (amount IS NOT NULL OR CASE WHEN kind = 'purchase' THEN CAST(1 AS DOUBLE) END IS NOT NULL)
  ) AS f ON f.u = e.u AND f.t0 >= e.b14 AND f.t0 < e.t1
  GROUP BY e.u
)
SELECT arm, day, s0, count(*) AS units, moments(v0, v1) AS m0, moments(v2) AS m1, moments(v3, v4) AS m2
FROM (
  SELECT
    p0.arm AS arm, date_trunc('day', p0.t0) AS day, coalesce(dm0.s0, '(none)') AS s0, 
    CASE WHEN coalesce(p0.y0, CAST(0 AS DOUBLE)) > 200 THEN CAST(200 AS DOUBLE) ELSE coalesce(p0.y0, CAST(0 AS DOUBLE)) END AS v0,
    coalesce(p0.y1, CAST(0 AS DOUBLE)) AS v1,
    CASE WHEN p0.y2 > 0 THEN CAST(1 AS DOUBLE) ELSE CAST(0 AS DOUBLE) END AS v2,
    coalesce(p0.y0, CAST(0 AS DOUBLE)) AS v3,
    coalesce(p0.y2, CAST(0 AS DOUBLE)) AS v4
  FROM p0
  LEFT JOIN (SELECT user_id AS u, country AS s0 FROM users) AS dm0 ON dm0.u = p0.u
) AS q
GROUP BY GROUPING SETS ((arm, day), (arm, s0))
