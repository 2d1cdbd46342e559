//! The pages of an account: a heading, and what the server makes of the address.

use crate::{
    components::{
        blocks::block,
        page::{PageHead, error_page, loading},
        words::each,
    },
    load::{Answer, Ask, Loaded},
    place::page_at,
};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// A page that has a heading.
#[component]
pub(crate) fn PlainPage(
    account: String,
    /// Its path below the account's.
    page: &'static str,
    title: &'static str,
    lead: &'static str,
) -> impl IntoView {
    let search = use_location().search;
    // A sheet that opens changes the query, but not what is asked.
    let ask = Memo::new(move |_| page_at(&account, page, &search.read()));
    view! {
        <PageHead title lead/>
        <Loaded ask show waiting=loading/>
    }
}

fn show(_: Ask, answer: Answer) -> AnyView {
    answer.map_or_else(error_page, |packed| each(packed.open(), block))
}
