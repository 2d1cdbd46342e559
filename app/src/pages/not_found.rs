//! Nothing is at this address.

use crate::{AppError, components::page::error_page};
use leptos::prelude::*;

/// The page.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    error_page(AppError::NotFound)
}
