//! Nothing is at this address.

use crate::{
    AppError,
    components::page::{ErrorPage, PageHead},
};
use leptos::prelude::*;

/// The page.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    view! {
        <PageHead title="Page not found"/>
        <ErrorPage error=AppError::NotFound/>
    }
}
