//! The members of an account: invitations, joining, roles, removal.

use crate::AppError;
use domain::{Packed, SecretInput};
use leptos::prelude::*;

/// What an invitation offers whoever asks. Its code is posted, so that it stands in no query.
#[server(endpoint = "ui/invitation")]
pub(crate) async fn load_invitation(#[server(default)] code: String) -> Result<Packed, AppError> {
    crate::ssr::read(async {
        let services = crate::ssr::services()?;
        let session = crate::ssr::session();
        let invitation = services.members.invitation(session.as_ref(), &code).await?;
        Ok(crate::ssr::sheets::join::ways(&invitation, &code))
    })
    .await
}

/// Makes whoever is signed in a member.
#[server(endpoint = "ui/join")]
pub(crate) async fn join(#[server(default)] code: String) -> Result<Packed, AppError> {
    let result = async {
        let services = crate::ssr::services()?;
        let account = services.members.join(crate::ssr::session().as_ref(), &code).await?;
        Ok(crate::reply::Done::reload(format!("/{account}/tokens")).saying("You are a member now."))
    }
    .await;
    Ok(crate::ssr::finish(crate::ssr::sheets::join::JOIN_FORM, result, &[]))
}

/// Makes a new person, who is a member and signed in.
#[server(endpoint = "ui/join-as-new")]
pub(crate) async fn join_as_new(
    #[server(default)] code: String,
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: SecretInput,
) -> Result<Packed, AppError> {
    let values = [("name", name.clone()), ("email", email.clone())];
    let result = async {
        let services = crate::ssr::services()?;
        let form = backend::members::NewMember { name, email, password };
        let signed_in = services.members.join_as_new(&code, form, crate::ssr::peer()).await?;
        if let Some(before) = crate::ssr::session() {
            services.access.sign_out(&before).await?;
        }
        Ok(crate::ssr::enter(&signed_in, "").saying("You are a member now."))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::join::JOIN_FORM,
        result,
        &values.each_ref().map(|(field, value)| (*field, value.as_str())),
    ))
}

/// Makes a link by which somebody becomes a member, and shows it this once.
#[server(endpoint = "ui/invite")]
pub(crate) async fn invite(
    #[server(default)] account: String,
    #[server(default)] role: String,
    #[server(default)] email: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let form = backend::members::InviteForm {
            role: role.clone(),
            email: email.clone(),
        };
        let invited = services.members.invite(&member, &form).await?;
        Ok(crate::ssr::sheets::members::invited(&invited, &email, &account))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::members::INVITE_FORM,
        result,
        &[("role", &role), ("email", &email)],
    ))
}

/// Revokes an invitation.
#[server(endpoint = "ui/revoke-invitation")]
pub(crate) async fn revoke_invitation(
    #[server(default)] account: String,
    #[server(default)] id: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services
            .members
            .revoke_invitation(&member, crate::ssr::id(&id)?)
            .await?;
        Ok(crate::reply::Done::new(
            "Invitation revoked.",
            crate::ssr::sheets::members::page_of(&account),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::members::REVOKE_FORM,
        result,
        &[],
    ))
}

/// Makes a member an admin, or an admin a member.
#[server(endpoint = "ui/change-role")]
pub(crate) async fn change_role(
    #[server(default)] account: String,
    #[server(default)] id: String,
    #[server(default)] role: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let user = crate::ssr::id(&id)?;
        let role = domain::Role::from_stored(&role).ok_or(AppError::NotFound)?;
        services.members.change_role(&member, user, role).await?;
        Ok(crate::ssr::sheets::members::changed(&member, user, role, &account))
    }
    .await;
    Ok(crate::ssr::finish(crate::ssr::sheets::members::ROLE_FORM, result, &[]))
}

/// Ends a membership: somebody's, or the person's own. `fate` says what becomes of the tokens.
#[server(endpoint = "ui/remove-member")]
pub(crate) async fn remove_member(
    #[server(default)] account: String,
    #[server(default)] id: String,
    #[server(default)] fate: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let user = crate::ssr::id(&id)?;
        let wanted = crate::ssr::sheets::members::fate(&fate)?;
        let departure = services.members.departure(&member, user).await?;
        services.members.remove(&member, user, wanted).await?;
        Ok(crate::ssr::sheets::members::removed(
            &member, &departure, wanted, &account,
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::members::REMOVE_FORM,
        result,
        &[("fate", &fate)],
    ))
}
