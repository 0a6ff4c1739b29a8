//! The definition project of `examples/larkspur`, carried in the binary.

/// The project's files: path relative to its folder, with forward slashes, and text; in order of path.
pub fn project_files() -> &'static [(&'static str, &'static str)] {
    include!(concat!(env!("OUT_DIR"), "/project.rs"))
}
