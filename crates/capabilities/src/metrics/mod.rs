//! What is the value of a governed metric, by which dimensions?
