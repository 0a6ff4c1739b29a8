-- Sets of examples that applications are evaluated on; `doc` is the JSON of `ExampleSet`.
CREATE TABLE IF NOT EXISTS example_sets (
    ref BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    doc TEXT NOT NULL
);
-- Their examples, each kept once by what is asked; `doc` is the JSON of `Example`.
CREATE TABLE IF NOT EXISTS examples (
    ref BIGINT PRIMARY KEY,
    set_ref BIGINT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    doc TEXT NOT NULL,
    UNIQUE (set_ref, digest)
);
