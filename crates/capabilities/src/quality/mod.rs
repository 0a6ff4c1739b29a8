//! Does a dataset keep its contract?
