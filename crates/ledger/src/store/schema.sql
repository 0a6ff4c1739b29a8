-- Format 1. Columns hold exactly what is hashed; there is no second copy that could disagree.
CREATE TABLE events (
    sequence   INTEGER PRIMARY KEY NOT NULL,
    id         TEXT NOT NULL,
    at_us      INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    actor      TEXT NOT NULL,
    payload    TEXT NOT NULL,
    commitment TEXT,
    hash       TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_kind ON events (kind, sequence);
CREATE INDEX events_by_subject ON events (subject, sequence);

-- Against accidents; against malice stands the chain.
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'ledger events are append-only');
END;
CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'ledger events are append-only');
END;

-- Erased: both NULL. The row stays: deleting it would make SQLite merge pages and leave copies of their neighbours
-- in unused bytes, where a later erasure would not reach them.
CREATE TABLE private (
    sequence INTEGER PRIMARY KEY NOT NULL,
    salt     TEXT,
    payload  TEXT
) STRICT;

CREATE TABLE evidence (
    id                TEXT PRIMARY KEY NOT NULL,
    subject           TEXT NOT NULL,
    key               TEXT NOT NULL,
    value             TEXT NOT NULL,
    value_digest      TEXT NOT NULL,
    provenance        TEXT NOT NULL,
    provenance_digest TEXT NOT NULL,
    computed_us       INTEGER NOT NULL
) STRICT;
CREATE INDEX evidence_by_subject ON evidence (subject, computed_us, id);

-- A cache: may be emptied at any time.
CREATE TABLE projections (
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    hash     TEXT NOT NULL,
    state    TEXT NOT NULL,
    digest   TEXT NOT NULL,
    PRIMARY KEY (name, version)
) STRICT;
