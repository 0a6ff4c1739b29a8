//! What is in force, who decided, on which evidence?
