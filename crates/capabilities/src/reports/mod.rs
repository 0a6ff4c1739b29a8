//! What should executives read?
