//! Are we reaching our objectives?
