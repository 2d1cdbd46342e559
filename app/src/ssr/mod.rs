//! The server's half of the app: the document, who asks, cookies, and how a form is answered.

pub mod cookies;

mod answer;
mod context;
mod document;
pub mod download;
mod errors;
pub mod oauth;
pub(crate) mod pages;
pub(crate) mod platform;
mod query;
mod refusal;
pub(crate) mod sheets;

pub(crate) use answer::{enter, finish, read, stay};
pub use context::{CurrentSession, WebSettings};
pub(crate) use context::{at, date_typed, id, member, peer, services, session, typed_scopes};
pub use cookies::session_cookie_value;
pub use document::page;
pub(crate) use errors::no_set_up_link;
pub(crate) use query::PageQuery;
pub(crate) use refusal::{rotation_news, setback_news, shared_news};
