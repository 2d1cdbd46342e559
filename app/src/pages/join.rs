//! An invitation: how whoever has its link comes in.

use crate::{
    components::{
        form::{PostForm, Submit, hidden},
        page::{PageHead, error_page, loading},
        sheet::parts,
    },
    load::{Answer, Ask, Loaded},
};
use domain::sheet::Sheet;
use leptos::prelude::*;

/// The page.
#[component]
pub(crate) fn JoinPage(code: String) -> impl IntoView {
    view! {
        <PageHead title="Invitation"/>
        <Loaded ask=Ask::Invitation(code) show waiting=loading/>
    }
}

fn show(_: Ask, answer: Answer) -> AnyView {
    let ways: Vec<Sheet> = match answer {
        Ok(packed) => packed.open(),
        Err(error) => return error_page(error),
    };
    let ways = ways.into_iter().enumerate();
    // The first is what one comes for.
    ways.map(|(at, way)| card(way, if at == 0 { "button primary wide" } else { "button wide" }))
        .collect::<Vec<_>>()
        .into_any()
}

fn card(way: Sheet, class: &'static str) -> AnyView {
    let Sheet {
        title,
        action,
        form,
        hidden: fields,
        submit,
        parts: inside,
        ..
    } = way;
    view! {
        <PostForm action id=form class="card body form">
            <h2>{title}</h2>
            {parts(inside)}
            {hidden(fields)}
            {submit.map(|(label, busy)| view! { <div class="form-end"><Submit label busy class/></div> })}
        </PostForm>
    }
    .into_any()
}
