//! Nothing is at this address.

use crate::{AppError, components::page::ErrorPage};
use leptos::prelude::*;

/// The page.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    view! { <ErrorPage error=AppError::NotFound/> }
}
