//! What runs logged: parameters, metric points, tags, inputs, outputs and traces, on SQLite or PostgreSQL.
