//! One file per page.

pub(crate) mod git_authentication;
pub(crate) mod home;
pub(crate) mod not_found;
pub(crate) mod runtimes;
pub(crate) mod set_up;
pub(crate) mod sign_in;
pub(crate) mod tokens;
