//! Sign in.

use crate::{
    calls::access::{Door, SIGN_IN_FORM, SignIn},
    components::{
        form::{FormProblem, Hidden, PostForm, Submit, text_field, typed},
        page::{LeadOn, PageHead, error_page, loading},
    },
    load::{Answer, Ask, Loaded},
    pages::home::NotSetUp,
    paths,
};
use domain::sheet::Field;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

/// The page.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    view! {
        <Loaded ask=Ask::Door show waiting=loading/>
    }
}

fn show(_: Ask, answer: Answer) -> AnyView {
    let next = use_query_map().read_untracked().get("next").unwrap_or_default();
    let door = match answer {
        Ok(packed) => packed.open(),
        Err(error) => return error_page(error),
    };
    match door {
        Door::SignIn => view! { <SignInForm next/> }.into_any(),
        Door::NotSetUp => view! { <NotSetUp/> }.into_any(),
        Door::Account(account) => {
            let home = format!("/{account}/tokens");
            view! { <LeadOn path=paths::local(&next).map_or(home, ToOwned::to_owned)/> }.into_any()
        }
        Door::NoAccount => view! { <LeadOn path="/"/> }.into_any(),
    }
}

#[component]
fn SignInForm(next: String) -> impl IntoView {
    view! {
        <PageHead title="Sign in"/>
        <PostForm action=SignIn::url() id=SIGN_IN_FORM class="card body form">
            <FormProblem/>
            {text_field(Field { autofocus: true, ..typed("email", "E-mail", "email", "username") })}
            {text_field(typed("password", "Password", "password", "current-password"))}
            <Hidden name="next" value=next/>
            <div class="form-end">
                <Submit label="Sign in" busy="Signing in…" class="button primary wide"/>
            </div>
        </PostForm>
    }
}
