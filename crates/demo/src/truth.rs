//! stub
pub(crate) fn write(
    _w: &crate::World,
    _d: &std::path::Path,
    _c: &[crate::marketing::Cell],
    _p: &[crate::paired::Pair],
    _g: &crate::generate::Gathered,
    _s: &crate::subscriptions::Subscriptions,
) -> Result<Vec<crate::write::Finished>, crate::DemoError> {
    Ok(vec![])
}
