//! Sign in.

use crate::{
    calls::access::{Door, SIGN_IN_FORM, SignIn, load_door},
    components::{
        form::{FormProblem, Hidden, PostForm, Submit, TextField},
        page::{ErrorPage, Loading, PageHead},
        shell::DoorShell,
    },
    pages::home::{LeadOn, NotSetUp},
    paths,
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

/// The page.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let place = Resource::new(|| (), |()| load_door());
    let query = use_query_map();
    let content = move || {
        let next = query.read_untracked().get("next").unwrap_or_default();
        Suspend::new(async move {
            match place.await {
                Ok(Door::SignIn) => view! { <SignInForm next/> }.into_any(),
                Ok(Door::NotSetUp) => view! { <NotSetUp/> }.into_any(),
                Ok(Door::Account(account)) => {
                    let home = format!("/{account}/tokens");
                    view! { <LeadOn path=paths::local(&next).map_or(home, ToOwned::to_owned)/> }.into_any()
                }
                Ok(Door::NoAccount) => view! { <LeadOn path="/"/> }.into_any(),
                Err(error) => view! { <ErrorPage error/> }.into_any(),
            }
        })
    };
    view! {
        <DoorShell>
            <Suspense fallback=Loading>{content}</Suspense>
        </DoorShell>
    }
}

#[component]
fn SignInForm(next: String) -> impl IntoView {
    view! {
        <PageHead title="Sign in"/>
        <PostForm action=SignIn::url() id=SIGN_IN_FORM class="card body form">
            <FormProblem/>
            <TextField name="email" label="E-mail" kind="email" autocomplete="username" autofocus=true/>
            <TextField name="password" label="Password" kind="password" autocomplete="current-password"/>
            <Hidden name="next" value=next/>
            <div class="form-end">
                <Submit label="Sign in" busy="Signing in…" class="button primary wide"/>
            </div>
        </PostForm>
    }
}
