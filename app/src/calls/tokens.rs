//! The Git tokens of a person.

use crate::AppError;
use domain::{Packed, SecretInput};
use leptos::prelude::*;

/// Checks a token and stores it: the person's own, or the runtime's (`holder`).
#[server(endpoint = "ui/put-token")]
pub(crate) async fn put_token(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
    #[server(default)] holder: String,
    #[server(default)] token: SecretInput,
    #[server(default)] username: String,
    #[server(default)] ends_on: String,
    #[server(default)] confirmed: String,
) -> Result<Packed, AppError> {
    let form = backend::tokens::TokenForm {
        token,
        username,
        ends_on,
        confirmed,
    };
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let at = crate::ssr::at(&runtime, &holder)?;
        let before = services.tokens.row(&member, at).await?.token;
        let stored = services.tokens.put(&member, at, &form).await?;
        let followers = before.map(|token| token.shared).unwrap_or_default();
        let targets = services.tokens.share_targets(&member, at).await?;
        let location = crate::ssr::sheets::tokens::after_put(&account, at, &followers, &targets);
        Ok(crate::ssr::oauth::replaced(
            "Token checked and stored.",
            stored.replaced.as_ref(),
            location,
        ))
    }
    .await;
    let values = [
        ("username", form.username.as_str()),
        ("ends_on", crate::ssr::date_typed(&form.ends_on)),
    ];
    Ok(crate::ssr::finish(
        crate::ssr::sheets::tokens::TOKEN_FORM,
        result,
        &values,
    ))
}

/// Stores a stored token for further runtimes too.
#[server(endpoint = "ui/share-token")]
pub(crate) async fn share_token(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
    #[server(default)] holder: String,
    #[server(default)] targets: Vec<String>,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let at = crate::ssr::at(&runtime, &holder)?;
        if targets.is_empty() {
            return Err(AppError::Invalid(domain::FieldErrors::one(
                "targets[]",
                "Tick at least one runtime, or close this.",
            )));
        }
        let targets = targets
            .iter()
            .map(|target| crate::ssr::id(target))
            .collect::<Result<Vec<_>, _>>()?;
        let shared = services.tokens.share(&member, at, &targets).await?;
        crate::ssr::shared_news(shared, crate::ssr::sheets::tokens::page_of(&account, at.holder))
    }
    .await;
    Ok(crate::ssr::finish(crate::ssr::sheets::tokens::SHARE_FORM, result, &[]))
}

/// Notes when a stored token ends.
#[server(endpoint = "ui/enter-expiry")]
pub(crate) async fn enter_expiry(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
    #[server(default)] holder: String,
    #[server(default)] ends_on: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let at = crate::ssr::at(&runtime, &holder)?;
        services.tokens.enter_expiry(&member, at, &ends_on).await?;
        let message = if ends_on.trim().is_empty() {
            "Expiry removed."
        } else {
            "Expiry saved."
        };
        Ok(crate::reply::Done::new(
            message,
            crate::ssr::sheets::tokens::page_of(&account, at.holder),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::tokens::EXPIRY_FORM,
        result,
        &[("ends_on", crate::ssr::date_typed(&ends_on))],
    ))
}

/// Checks the stored token again.
#[server(endpoint = "ui/check-token")]
pub(crate) async fn check_token(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
    #[server(default)] holder: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let at = crate::ssr::at(&runtime, &holder)?;
        let outcome = services.tokens.check(&member, at).await?;
        let location = crate::ssr::sheets::tokens::page_of(&account, at.holder);
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

/// Has the provider change the stored token for a new one.
#[server(endpoint = "ui/rotate-token")]
pub(crate) async fn rotate_token(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
    #[server(default)] holder: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let at = crate::ssr::at(&runtime, &holder)?;
        let row = services.tokens.row(&member, at).await?;
        let outcome = services.rotation.rotate(&member, at).await?;
        let location = crate::ssr::sheets::tokens::page_of(&account, at.holder);
        crate::ssr::rotation_news(row.provider.kind.name(), &outcome, location)
    }
    .await;
    Ok(crate::ssr::finish(crate::ssr::sheets::tokens::ROTATE_FORM, result, &[]))
}

/// Deletes a token, and has its provider revoke it if that is ticked.
#[server(endpoint = "ui/delete-token")]
pub(crate) async fn delete_token(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
    #[server(default)] holder: String,
    #[server(default)] revoke: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let at = crate::ssr::at(&runtime, &holder)?;
        let revoked = services.tokens.delete(&member, at, !revoke.is_empty()).await?;
        let location = crate::ssr::sheets::tokens::page_of(&account, at.holder);
        Ok(match revoked {
            None => crate::reply::Done::new("Token deleted.", location),
            Some(revoked) => {
                let message = format!("Token deleted. {}", revoked.words);
                if revoked.outcome.may_still_work() {
                    crate::reply::Done::caution(message, location)
                } else {
                    crate::reply::Done::new(message, location)
                }
            }
        })
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::tokens::DELETE_FORM,
        result,
        &[("revoke", &revoke)],
    ))
}
