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
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let form = backend::runtimes::RuntimeForm {
            name: name.clone(),
            provider: provider.clone(),
            rotate_tokens: !rotate_tokens.is_empty(),
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
