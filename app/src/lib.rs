//! Patchbay's pages, components and server functions, for the server and the browser.
//!
//! Every page and every form works without JavaScript. `calls` holds the server functions, `pages` the pages, `components`
//! what two pages share, and `ssr` everything that the browser never sees: also what lists and sheets are made of. `platform` is the one seam: the
//! few things that the server and the browser do differently while a page is rendered.

#![expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#![recursion_limit = "512"]
#![expect(
    unreachable_pub,
    reason = "what #[component] and #[server] generate is `pub`, whatever they are written on"
)]

mod app;
mod calls;
mod components;
mod dom;
mod error;
mod flash;
mod load;
mod pages;
mod paths;
mod place;
mod reply;
mod state;
mod theme;

#[cfg(feature = "ssr")]
pub mod ssr;
#[cfg(feature = "ssr")]
use ssr::platform;

#[cfg(not(feature = "ssr"))]
mod browser;
#[cfg(not(feature = "ssr"))]
use browser as platform;

pub use app::App;
pub use error::AppError;
