//! What a page shows, and what is open over it.

use crate::AppError;
use domain::Packed;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

/// What the page of the account at a path shows for its query, as in `sort=end`.
#[server(endpoint = "ui/page", input = GetUrl)]
pub(crate) async fn load_page(
    #[server(default)] account: String,
    #[server(default)] page: String,
    #[server(default)] query: String,
) -> Result<Packed, AppError> {
    crate::ssr::read(crate::ssr::pages::page(&account, &page, &query)).await
}

/// The sheet that a query, as in `add=<id>`, opens over the page of the account at a path. Whoever may see the page may.
#[server(endpoint = "ui/sheet", input = GetUrl)]
pub(crate) async fn load_sheet(
    #[server(default)] account: String,
    #[server(default)] page: String,
    #[server(default)] query: String,
) -> Result<Packed, AppError> {
    crate::ssr::read(crate::ssr::sheets::sheet(&account, &page, &query)).await
}
