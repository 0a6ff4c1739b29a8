//! stub
/// The definition project's files.
pub fn project_files() -> &'static [(&'static str, &'static str)] {
    &[]
}
