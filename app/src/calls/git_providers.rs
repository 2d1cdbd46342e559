//! The Git providers of an account.

use crate::AppError;
use domain::Packed;
use leptos::prelude::*;

/// Registers a Git provider, or changes the one that `id` names.
#[server(endpoint = "ui/save-git-provider")]
pub(crate) async fn save_git_provider(
    #[server(default)] account: String,
    #[server(default)] id: String,
    #[server(default)] kind: String,
    #[server(default)] name: String,
    #[server(default)] base_url: String,
    #[server(default)] api_url: String,
    #[server(default)] allow_unverified: String,
) -> Result<Packed, AppError> {
    let form = backend::git_providers::GitProviderForm {
        kind,
        name,
        base_url,
        api_url,
        allow_unverified: !allow_unverified.is_empty(),
    };
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let message = if id.is_empty() {
            services.git_providers.register(&member, form.clone()).await?;
            "Git provider registered."
        } else {
            services
                .git_providers
                .edit(&member, crate::ssr::id(&id)?, form.clone())
                .await?;
            "Git provider saved."
        };
        Ok(crate::reply::Done::new(
            message,
            format!("/{account}/admin/git-authentication"),
        ))
    }
    .await;
    let values = [
        ("allow_unverified", &allow_unverified),
        ("kind", &form.kind),
        ("name", &form.name),
        ("base_url", &form.base_url),
        ("api_url", &form.api_url),
    ];
    Ok(crate::ssr::finish(
        crate::ssr::sheets::git_authentication::PROVIDER_FORM,
        result,
        &values.map(|(field, value)| (field, value.as_str())),
    ))
}

/// Changes what tokens need at a Git provider: scopes by `<holder>-<sort>`.
#[server(endpoint = "ui/choose-scopes")]
pub(crate) async fn choose_scopes(
    #[server(default)] account: String,
    #[server(default)] id: String,
    #[server(default)] scopes: std::collections::BTreeMap<String, String>,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let typed = scopes
            .iter()
            .map(|(field, scopes)| crate::ssr::typed_scopes(field, scopes))
            .collect::<Result<Vec<_>, _>>()?;
        let id = crate::ssr::id(&id)?;
        services.git_providers.choose_scopes(&member, id, &typed).await?;
        Ok(crate::reply::Done::new(
            "Scopes saved. Stored tokens are judged by them at their next check.",
            format!("/{account}/admin/git-authentication"),
        ))
    }
    .await;
    let values: Vec<(String, &str)> = scopes
        .iter()
        .map(|(field, scopes)| (format!("scopes[{field}]"), scopes.as_str()))
        .collect();
    let values: Vec<(&str, &str)> = values.iter().map(|(field, scopes)| (field.as_str(), *scopes)).collect();
    Ok(crate::ssr::finish(
        crate::ssr::sheets::git_authentication::SCOPES_FORM,
        result,
        &values,
    ))
}

/// Deletes a Git provider.
#[server(endpoint = "ui/delete-git-provider")]
pub(crate) async fn delete_git_provider(
    #[server(default)] account: String,
    #[server(default)] id: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services.git_providers.delete(&member, crate::ssr::id(&id)?).await?;
        Ok(crate::reply::Done::new(
            "Git provider deleted.",
            format!("/{account}/admin/git-authentication"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::git_authentication::DELETE_FORM,
        result,
        &[],
    ))
}
