-- One row: the format, the number of the last change, and the last numbers given to rows and run groups.
CREATE TABLE state (
    id BIGINT PRIMARY KEY,
    format BIGINT NOT NULL,
    change BIGINT NOT NULL,
    refs BIGINT NOT NULL,
    groups BIGINT NOT NULL
);
-- `doc` is the JSON of `Group`.
CREATE TABLE run_groups (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    change BIGINT NOT NULL,
    doc TEXT NOT NULL
);
-- `doc` is the JSON of `Run`: everything but its metric history and what its datasets look like.
CREATE TABLE runs (
    ref BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    group_id BIGINT NOT NULL,
    deleted_ms BIGINT,
    change BIGINT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX runs_changed ON runs (group_id, change, ref);
-- Names of metrics.
CREATE TABLE keys (
    ref BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
-- Metric points, each kept once. What is not a number is 0 with nan = 1; infinities are the largest finite numbers.
CREATE TABLE points (
    run BIGINT NOT NULL,
    key BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    step BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    nan BIGINT NOT NULL,
    PRIMARY KEY (run, key, at_ms, step, value, nan)
) WITHOUT ROWID;
-- Datasets that runs of a group read, each kept as it was first logged.
CREATE TABLE datasets (
    ref BIGINT PRIMARY KEY,
    group_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    UNIQUE (group_id, name, digest)
);
-- `doc` is the JSON of `Model`.
CREATE TABLE models (
    ref BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    group_id BIGINT NOT NULL,
    deleted_ms BIGINT,
    change BIGINT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX models_of_groups ON models (group_id);
-- `doc` is the JSON of `Trace`.
CREATE TABLE traces (
    ref BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    group_id BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    change BIGINT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX traces_by_time ON traces (group_id, at_ms);
-- Spans of traces as they came, JSON.
CREATE TABLE spans (
    trace BIGINT NOT NULL,
    id TEXT NOT NULL,
    started_ns BIGINT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (trace, id)
);
