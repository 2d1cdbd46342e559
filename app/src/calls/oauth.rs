//! OAuth applications, and authorising access by them.
#![expect(clippy::too_many_arguments, reason = "a form has a field for each")]

use crate::AppError;
use domain::{Packed, SecretInput};
use leptos::prelude::*;

/// Begins an authorisation, and leads to the provider.
#[server(endpoint = "ui/authorize")]
pub(crate) async fn authorize(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let session = crate::ssr::session().ok_or(AppError::NotSignedIn)?;
        let runtime = crate::ssr::id(&runtime)?;
        let address = services.oauth.begin(&session, &member, runtime).await?;
        crate::ssr::oauth::lead_away(&address)
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::authorize::LEAD_FORM,
        result,
        &[],
    ))
}

/// Stores a token of an unexpected identity, which the person says is meant so.
#[server(endpoint = "ui/confirm-identity")]
pub(crate) async fn confirm_identity(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let session = crate::ssr::session().ok_or(AppError::NotSignedIn)?;
        let runtime = crate::ssr::id(&runtime)?;
        let (login, replaced) = services.oauth.confirm(&session, &member, runtime).await?;
        Ok(crate::ssr::oauth::stored(&login, replaced.as_ref(), &account))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::authorize::CONFIRM_FORM,
        result,
        &[],
    ))
}

/// Drops a token of an unexpected identity.
#[server(endpoint = "ui/decline-identity")]
pub(crate) async fn decline_identity(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let session = crate::ssr::session().ok_or(AppError::NotSignedIn)?;
        services
            .oauth
            .decline(&session, &member, crate::ssr::id(&runtime)?)
            .await?;
        Ok(crate::reply::Done::new(
            "Authorization discarded. Nothing was changed.",
            format!("/{account}/tokens"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::authorize::LEAD_FORM,
        result,
        &[],
    ))
}

/// Asks the admins for an OAuth application.
#[server(endpoint = "ui/request-application")]
pub(crate) async fn request_application(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let id = crate::ssr::id(&runtime)?;
        let message = if services.oauth.request_application(&member, id).await? {
            "Your admins see your request under Git authentication."
        } else {
            "Your admins have your request already."
        };
        Ok(crate::reply::Done::new(message, format!("/{account}/tokens")))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::authorize::LEAD_FORM,
        result,
        &[],
    ))
}

/// Registers an OAuth application for a Git provider, or changes the one that `id` names.
#[server(endpoint = "ui/save-application")]
pub(crate) async fn save_application(
    #[server(default)] account: String,
    #[server(default)] provider: String,
    #[server(default)] id: String,
    #[server(default)] name: String,
    #[server(default)] client_id: String,
    #[server(default)] client_secret: SecretInput,
    #[server(default)] scopes: String,
    #[server(default)] authorize_url: String,
    #[server(default)] token_url: String,
    #[server(default)] revoke_url: String,
    #[server(default)] secret_ends_on: String,
    #[server(default)] runtimes: Vec<String>,
) -> Result<Packed, AppError> {
    let form = backend::oauth::ApplicationForm {
        name,
        client_id,
        client_secret,
        scopes,
        authorize_url,
        token_url,
        revoke_url,
        secret_ends_on,
        runtimes,
    };
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let applications = &services.oauth_applications;
        let application = crate::ssr::id(&id)?;
        let message = if provider.is_empty() {
            applications.edit(&member, application, &form).await?;
            "OAuth application saved."
        } else {
            let provider = crate::ssr::id(&provider)?;
            applications.register(&member, provider, application, &form).await?;
            "OAuth application registered."
        };
        // The test says at once whether it works.
        Ok(crate::reply::Done::new(
            message,
            format!("/{account}/admin/git-authentication?test={id}"),
        ))
    }
    .await;
    let mut values = vec![
        ("name", form.name.as_str()),
        ("scopes", &form.scopes),
        ("client_id", &form.client_id),
        ("authorize_url", &form.authorize_url),
        ("token_url", &form.token_url),
        ("revoke_url", &form.revoke_url),
        ("secret_ends_on", crate::ssr::date_typed(&form.secret_ends_on)),
    ];
    values.extend(form.runtimes.iter().map(|id| ("runtimes[]", id.as_str())));
    Ok(crate::ssr::finish(
        crate::ssr::sheets::oauth_applications::FORM,
        result,
        &values,
    ))
}

/// Tests an OAuth application.
#[server(endpoint = "ui/test-application")]
pub(crate) async fn test_application(
    #[server(default)] account: String,
    #[server(default)] id: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let findings = services.oauth_applications.test(&member, crate::ssr::id(&id)?).await?;
        Ok(crate::ssr::oauth::tested(
            &findings,
            format!("/{account}/admin/git-authentication?test={id}"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::oauth_applications::TEST_FORM,
        result,
        &[],
    ))
}

/// Deletes an OAuth application.
#[server(endpoint = "ui/delete-application")]
pub(crate) async fn delete_application(
    #[server(default)] account: String,
    #[server(default)] id: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services
            .oauth_applications
            .delete(&member, crate::ssr::id(&id)?)
            .await?;
        Ok(crate::reply::Done::new(
            "OAuth application deleted.",
            format!("/{account}/admin/git-authentication"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::oauth_applications::DELETE_FORM,
        result,
        &[],
    ))
}

/// Chooses how people authorise access for a runtime: by an OAuth application, or, if that is empty, by tokens only.
#[server(endpoint = "ui/choose-method")]
pub(crate) async fn choose_method(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
    #[server(default)] application: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let chosen = if application.is_empty() {
            None
        } else {
            Some(crate::ssr::id(&application)?)
        };
        services
            .oauth_applications
            .choose(&member, crate::ssr::id(&runtime)?, chosen)
            .await?;
        Ok(crate::reply::Done::new(
            "Saved. Stored tokens keep working.",
            format!("/{account}/admin/git-authentication"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::oauth_applications::METHOD_FORM,
        result,
        &[("application", &application)],
    ))
}
