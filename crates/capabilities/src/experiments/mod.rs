//! What did the experiment do, and can we believe it?
