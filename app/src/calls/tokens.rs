//! The Git tokens of a person.

use crate::{AppError, reply::Reply};
use domain::{SecretInput, view::TokensPage};
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

/// The page *Git Personal Access Tokens*, and whether the person could register the runtimes that are missing there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) page: TokensPage,
    pub(crate) admin: bool,
}

/// The form for a token.
pub(crate) const TOKEN_FORM: &str = "token";
/// The form that deletes one.
pub(crate) const DELETE_FORM: &str = "delete-token";

/// Everything the page shows.
#[server(endpoint = "ui/tokens", input = GetUrl)]
pub(crate) async fn load_tokens(#[server(default)] account: String) -> Result<Tokens, AppError> {
    crate::ssr::read(async {
        let (services, member) = crate::ssr::member(&account).await?;
        let admin = member.require_admin().is_ok();
        Ok(Tokens {
            page: services.tokens.page(&member).await?,
            admin,
        })
    })
    .await
}

/// Checks a token and stores it.
#[server(endpoint = "ui/put-token")]
pub(crate) async fn put_token(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
    #[server(default)] token: SecretInput,
    #[server(default)] username: String,
) -> Result<Reply, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services
            .tokens
            .put(&member, crate::ssr::id(&runtime)?, &token, &username)
            .await?;
        Ok(crate::reply::Done::new(
            "Token checked and stored.",
            format!("/{account}/tokens"),
        ))
    }
    .await;
    // A token that was pasted into the wrong field does not come back.
    let shown = domain::token_format::TokenFormat::of(&username).map_or(username.as_str(), |_| "");
    Ok(crate::ssr::finish(TOKEN_FORM, result, &[("username", shown)]))
}

/// Checks the stored token again.
#[server(endpoint = "ui/check-token")]
pub(crate) async fn check_token(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
) -> Result<Reply, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let outcome = services.tokens.check(&member, crate::ssr::id(&runtime)?).await?;
        let location = format!("/{account}/tokens");
        Ok(match outcome.status() {
            Some(status) => {
                let shown = domain::status::ShownStatus::Checked(status);
                let message = format!("Checked just now: {}.", shown.words());
                if shown.tone() == domain::status::Tone::Good {
                    crate::reply::Done::new(message, location)
                } else {
                    crate::reply::Done::caution(message, location)
                }
            }
            None => crate::reply::Done::caution(crate::ssr::setback_news(&outcome), location),
        })
    }
    .await;
    Ok(crate::ssr::finish(crate::state::NO_FORM, result, &[]))
}

/// Deletes a token.
#[server(endpoint = "ui/delete-token")]
pub(crate) async fn delete_token(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
) -> Result<Reply, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services
            .tokens
            .delete(&member, crate::ssr::id(&runtime)?, false)
            .await?;
        Ok(crate::reply::Done::new("Token deleted.", format!("/{account}/tokens")))
    }
    .await;
    Ok(crate::ssr::finish(DELETE_FORM, result, &[]))
}
