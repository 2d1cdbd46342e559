//! What happens to every request before and after its handler.

pub(crate) mod cross_site;
pub(crate) mod headers;
pub(crate) mod session;
pub(crate) mod trace;
