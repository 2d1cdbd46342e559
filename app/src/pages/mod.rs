//! The pages. What the lists of an account show, the server makes: see `ssr/pages`.

pub(crate) mod home;
pub(crate) mod join;
pub(crate) mod not_found;
pub(crate) mod plain;
pub(crate) mod set_up;
pub(crate) mod sign_in;
