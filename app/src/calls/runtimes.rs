//! The runtimes of an account.

use crate::AppError;
use domain::Packed;
use leptos::prelude::*;

/// Registers a runtime, or changes the one that `id` names.
#[server(endpoint = "ui/save-runtime")]
pub(crate) async fn save_runtime(
    #[server(default)] account: String,
    #[server(default)] id: String,
    #[server(default)] name: String,
    #[server(default)] provider: String,
    #[server(default)] rotate_tokens: String,
    #[server(default)] owner: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let form = backend::runtimes::RuntimeForm {
            name: name.clone(),
            provider: provider.clone(),
            rotate_tokens: !rotate_tokens.is_empty(),
            owner: owner.clone(),
        };
        let message = if id.is_empty() {
            services.runtimes.register(&member, form).await?;
            format!("Runtime {} registered.", name.trim())
        } else {
            services.runtimes.edit(&member, crate::ssr::id(&id)?, form).await?;
            format!("Runtime {} saved.", name.trim())
        };
        Ok(crate::reply::Done::new(message, format!("/{account}/admin/runtimes")))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::runtimes::RUNTIME_FORM,
        result,
        &[
            ("name", &name),
            ("provider", &provider),
            ("rotate_tokens", &rotate_tokens),
            ("owner", &owner),
        ],
    ))
}

/// Has the tokens of a runtime, or of the account, checked soon.
#[server(endpoint = "ui/check-soon")]
pub(crate) async fn check_soon(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let runtime = match runtime.as_str() {
            "" => None,
            id => Some(crate::ssr::id(id)?),
        };
        services.check_soon.check_soon(&member, runtime).await?;
        let message = match services.check_soon.waiting(&member, runtime).await? {
            0 => "There is no token to check.".to_owned(),
            1 => "1 token is checked as soon as its Git provider takes requests.".to_owned(),
            many => format!("{many} tokens are checked now, a few at a time, as their Git providers take requests."),
        };
        Ok(crate::reply::Done::new(message, format!("/{account}/admin/runtimes")))
    }
    .await;
    Ok(crate::ssr::finish(crate::state::NO_FORM, result, &[]))
}

/// Issues an access key for a runtime, and shows it this once.
#[server(endpoint = "ui/issue-access-key")]
pub(crate) async fn issue_access_key(
    #[server(default)] account: String,
    #[server(default)] id: String,
    #[server(default)] name: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let key = services.access_keys.issue(&member, crate::ssr::id(&id)?, &name).await?;
        let message = format!(
            "Here is the access key {}. It is shown this once: put it where the runtime reads its secrets.",
            name.trim()
        );
        let done = crate::reply::Done::new(message, format!("/{account}/admin/runtimes"));
        Ok(done.once(secrecy::ExposeSecret::expose_secret(&key)))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::runtimes::KEYS_FORM,
        result,
        &[("name", &name)],
    ))
}

/// Revokes an access key.
#[server(endpoint = "ui/revoke-access-key")]
pub(crate) async fn revoke_access_key(
    #[server(default)] account: String,
    #[server(default)] id: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let runtime = services.access_keys.revoke(&member, crate::ssr::id(&id)?).await?;
        Ok(crate::reply::Done::new(
            "Access key revoked. Nothing is handed out for it any more.",
            format!("/{account}/admin/runtimes?keys={runtime}"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::runtimes::REVOKE_KEY_FORM,
        result,
        &[],
    ))
}

/// Deletes a runtime.
#[server(endpoint = "ui/delete-runtime")]
pub(crate) async fn delete_runtime(
    #[server(default)] account: String,
    #[server(default)] id: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services.runtimes.delete(&member, crate::ssr::id(&id)?).await?;
        Ok(crate::reply::Done::new(
            "Runtime deleted.",
            format!("/{account}/admin/runtimes"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::runtimes::DELETE_FORM,
        result,
        &[],
    ))
}
