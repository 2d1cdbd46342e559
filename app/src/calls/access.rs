//! Set-up, sign-in, sign-out, who is there, and the theme.
#![cfg_attr(
    feature = "ssr",
    expect(clippy::unused_async, reason = "a server function is async, awaiting or not")
)]

use crate::AppError;
use domain::{Packed, SecretInput, packed::pack_variants};
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

/// Where somebody who comes to the door belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Nobody has set Patchbay up.
    NotSetUp,
    /// Not signed in.
    SignIn,
    /// In this account.
    Account(String),
    /// Signed in, and a member of no account.
    NoAccount,
}

pack_variants!(Door {
    "u" NotSetUp,
    "s" SignIn,
    "a" Account(account),
    "n" NoAccount,
    _ => Self::NoAccount,
});

/// Where the person belongs.
#[server(endpoint = "ui/door", input = GetUrl)]
pub(crate) async fn load_door() -> Result<Packed, AppError> {
    crate::ssr::read(async {
        let access = crate::ssr::services()?.access;
        let Some(session) = crate::ssr::session() else {
            return Ok(if access.is_set_up().await? {
                Door::SignIn
            } else {
                Door::NotSetUp
            });
        };
        Ok(access.home(&session).await?.map_or(Door::NoAccount, Door::Account))
    })
    .await
}

/// What stands around the pages of the account.
#[server(endpoint = "ui/frame", input = GetUrl)]
pub(crate) async fn load_frame(#[server(default)] account: String) -> Result<Packed, AppError> {
    crate::ssr::read(async {
        let (services, member) = crate::ssr::member(&account).await?;
        Ok(crate::ssr::pages::frame(&services.access.viewer(&member).await?))
    })
    .await
}

/// Whether the set-up link still leads somewhere: an error if not.
#[server(endpoint = "ui/set-up-link", input = GetUrl)]
pub(crate) async fn load_set_up_link(#[server(default)] code: String) -> Result<Packed, AppError> {
    crate::ssr::read(async {
        let found = crate::ssr::services()?.access.is_set_up_link(&code).await?;
        if found {
            Ok(())
        } else {
            Err(crate::ssr::no_set_up_link())
        }
    })
    .await
}

/// Makes the first account and its admin.
#[server(endpoint = "ui/set-up")]
pub(crate) async fn set_up(
    #[server(default)] code: String,
    #[server(default)] account_name: String,
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: SecretInput,
) -> Result<Packed, AppError> {
    let values = [
        ("account_name", account_name.clone()),
        ("name", name.clone()),
        ("email", email.clone()),
    ];
    let result = async {
        let form = backend::access::SetUp {
            account_name,
            name,
            email,
            password,
        };
        let access = crate::ssr::services()?.access;
        let signed_in = access.set_up(&code, form, crate::ssr::peer()).await?;
        Ok(crate::ssr::enter(&signed_in, ""))
    }
    .await;
    Ok(crate::ssr::finish(
        SET_UP_FORM,
        result,
        &values.each_ref().map(|(field, value)| (*field, value.as_str())),
    ))
}

/// The form of the set-up page.
pub(crate) const SET_UP_FORM: &str = "set-up";

/// Signs in, and leads on to `next`.
#[server(endpoint = "ui/sign-in")]
pub(crate) async fn sign_in(
    #[server(default)] email: String,
    #[server(default)] password: SecretInput,
    #[server(default)] next: String,
) -> Result<Packed, AppError> {
    let result = async {
        let access = crate::ssr::services()?.access;
        let signed_in = access.sign_in(&email, &password, crate::ssr::peer()).await?;
        if let Some(before) = crate::ssr::session() {
            // Whoever signs in gets a new session, and the one that this browser had opens nothing any more.
            access.sign_out(&before).await?;
        }
        Ok(crate::ssr::enter(&signed_in, &next))
    }
    .await;
    Ok(crate::ssr::finish(SIGN_IN_FORM, result, &[("email", &email)]))
}

/// The form of the sign-in page.
pub(crate) const SIGN_IN_FORM: &str = "sign-in";

/// Signs out.
#[server(endpoint = "ui/sign-out")]
pub(crate) async fn sign_out() -> Result<Packed, AppError> {
    let result = async {
        if let Some(session) = crate::ssr::session() {
            crate::ssr::services()?.access.sign_out(&session).await?;
        }
        crate::ssr::cookies::end_session();
        Ok(crate::reply::Done::reload("/sign-in").saying("You are signed out."))
    }
    .await;
    Ok(crate::ssr::finish(crate::state::NO_FORM, result, &[]))
}

/// Remembers the theme. Anybody may: it is about the browser, not the person.
#[server(endpoint = "ui/theme")]
pub(crate) async fn set_theme(#[server(default)] theme: String) -> Result<Packed, AppError> {
    crate::ssr::cookies::keep_theme(crate::theme::Theme::from_word(&theme));
    Ok(crate::ssr::stay())
}
