//! Set-up: the first account and its admin.

use crate::{
    AppError,
    calls::access::{SET_UP_FORM, SetUp},
    components::{
        form::{FormProblem, Hidden, PostForm, Submit, text_field, typed},
        page::{PageHead, error_page, loading},
    },
    load::{Answer, Ask, Loaded},
};
use domain::{field::MIN_PASSWORD, sheet::Field};
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
        (Ask::SetUpLink(code), Ok(_)) => view! { <SetUpForm code/> }.into_any(),
        (_, Ok(_)) => error_page(AppError::Garbled),
        (_, Err(error)) => error_page(error),
    }
}

#[component]
fn SetUpForm(code: String) -> impl IntoView {
    let account = Field {
        hint: "Your organization or team. It also stands in every address.".to_owned(),
        autofocus: true,
        ..typed("account_name", "Account name", "", "organization")
    };
    let password = Field {
        hint: format!("At least {MIN_PASSWORD} characters. A few unrelated words are fine."),
        ..typed("password", "Password", "password", "new-password")
    };
    view! {
        <PostForm action=SetUp::url() id=SET_UP_FORM class="card body form">
            <FormProblem/>
            {text_field(account)}
            {text_field(typed("name", "Your name", "", "name"))}
            {text_field(typed("email", "E-mail", "email", "username"))}
            {text_field(password)}
            <Hidden name="code" value=code/>
            <div class="form-end">
                <Submit label="Create account" busy="Creating the account…" class="button primary wide"/>
            </div>
        </PostForm>
    }
}
