//! Set-up: the first account and its admin.

use crate::{
    calls::access::{SET_UP_FORM, SetUp},
    components::{
        form::{FormProblem, Hidden, PostForm, Submit, TextField},
        page::{PageHead, loading, unexpected},
    },
    load::{Answer, Ask, Loaded},
};
use domain::field::MIN_PASSWORD;
use leptos::{prelude::*, server_fn::ServerFn};

/// The page.
#[component]
pub(crate) fn SetUpPage(code: String) -> impl IntoView {
    view! {
        <PageHead title="Set up Patchbay" lead="Your account, and you as its first admin."/>
        <Loaded ask=Ask::SetUpLink(code) show waiting=loading/>
    }
}

fn show(ask: Ask, answer: Answer) -> AnyView {
    match (ask, answer) {
        (Ask::SetUpLink(code), Answer::SetUpLink) => view! { <SetUpForm code/> }.into_any(),
        (_, answer) => unexpected(answer),
    }
}

#[component]
fn SetUpForm(code: String) -> impl IntoView {
    let account_hint = view! { "Your organization or team. It also stands in every address." }.into_any();
    let password_hint =
        view! { "At least " {MIN_PASSWORD.to_string()} " characters. A few unrelated words are fine." }.into_any();
    view! {
        <PostForm action=SetUp::url() id=SET_UP_FORM class="card body form">
            <FormProblem/>
            <TextField
                name="account_name"
                label="Account name"
                autocomplete="organization"
                hint=account_hint
                autofocus=true
            />
            <TextField name="name" label="Your name" autocomplete="name"/>
            <TextField name="email" label="E-mail" kind="email" autocomplete="username"/>
            <TextField name="password" label="Password" kind="password" autocomplete="new-password" hint=password_hint/>
            <Hidden name="code" value=code/>
            <div class="form-end">
                <Submit label="Create account" busy="Creating the account…" class="button primary wide"/>
            </div>
        </PostForm>
    }
}
