//! Files of runs and models, kept whole, by name, in a folder or a bucket.
