//! The sheets, and what can be done with rows: one file for each page. Made from the views that the services return, so nobody gets
//! a sheet over a page that is not theirs to see.

pub(crate) mod audit;
pub(crate) mod authorize;
pub(crate) mod expiring;
pub(crate) mod git_authentication;
pub(crate) mod join;
pub(crate) mod members;
pub(crate) mod notices;
pub(crate) mod oauth_applications;
pub(crate) mod runtimes;
pub(crate) mod settings;
pub(crate) mod tokens;

#[cfg(test)]
mod tests;

use super::context;
use crate::{
    AppError,
    place::{AccountPage, OF_RUNTIME},
};
use backend::{
    Services, access::Member, access_keys::AccessKeyError, audit::AuditError, expiring::ExpiringError,
    git_providers::GitProviderError, members::MemberError,
};
use domain::{
    HolderKind,
    sheet::{Action, Part, Sheet},
};

/// What opens a sheet about OAuth applications.
const OF_APPLICATIONS: [&str; 5] = [
    "application",
    "edit-application",
    "delete-application",
    "test",
    "method",
];

/// What an address wants open.
#[derive(Clone, Copy)]
struct Wanted<'q> {
    /// What is to be done, as in `add`.
    what: &'q str,
    /// The id of what it is about; may be empty.
    id: &'q str,
}

/// The sheet that a query opens over a page of an account. `None`: it opens none, or what it names is not there.
pub(crate) async fn sheet(account: &str, page: &str, query: &str) -> Result<Option<Sheet>, AppError> {
    let (services, member) = context::member(account).await?;
    open(&services, &member, account, page, query).await
}

/// A member's sheet.
async fn open(
    services: &Services,
    member: &Member,
    account: &str,
    page: &str,
    query: &str,
) -> Result<Option<Sheet>, AppError> {
    let (what, id) = query.split_once('=').unwrap_or((query, ""));
    let wanted = Wanted { what, id };
    Ok(match AccountPage::at(page) {
        AccountPage::Tokens if what == "confirm" => {
            let Ok(runtime) = id.parse() else { return Ok(None) };
            let Some(asked) = services.oauth.question(member, runtime).await? else {
                return Ok(None);
            };
            let row = services.tokens.row(member, runtime).await?;
            Some(authorize::question(account, &row, &asked))
        }
        AccountPage::Tokens if what == "leave" => {
            let departure = services.members.departure(member, member.user()).await?;
            Some(members::departure(&departure, member, account))
        }
        AccountPage::Tokens => tokens::sheet(services, member, HolderKind::User, wanted, account).await?,
        AccountPage::Runtimes => Box::pin(of_runtimes(services, member, wanted, account)).await?,
        AccountPage::GitAuthentication if what == "scopes" => {
            let Ok(provider) = id.parse() else { return Ok(None) };
            match services.git_providers.profiles(member, provider).await {
                Ok((label, profiles)) => Some(git_authentication::scopes(id, &label, &profiles, account)),
                Err(GitProviderError::NotFound) => None,
                Err(error) => return Err(error.into()),
            }
        }
        AccountPage::GitAuthentication if OF_APPLICATIONS.contains(&what) => {
            let page = services.oauth_applications.page(member).await?;
            let holders = match id.parse() {
                Ok(id) if what == "delete-application" => services.oauth_applications.holders(member, id).await?,
                _ => Vec::new(),
            };
            let now = services.oauth_applications.now();
            oauth_applications::sheet(&page, &holders, now, wanted, account)
        }
        AccountPage::GitAuthentication => {
            git_authentication::sheet(&services.git_providers.page(member).await?, wanted, account)
        }
        AccountPage::Members if what == "remove" => {
            member.require_admin()?;
            let Ok(user) = id.parse() else { return Ok(None) };
            match services.members.departure(member, user).await {
                Ok(departure) => Some(members::departure(&departure, member, account)),
                Err(MemberError::NotFound) => None,
                Err(error) => return Err(error.into()),
            }
        }
        AccountPage::Members => members::sheet(&services.members.page(member).await?, wanted, account),
        AccountPage::Notifications => notices::sheet(&services.notices.page(member).await?, wanted, account),
        AccountPage::Settings => settings::sheet(&services.notices.settings(member).await?, wanted, account),
        AccountPage::Expiring if what == "calendar" => {
            Some(expiring::calendar(services.calendar.link(member).await?, account))
        }
        AccountPage::Expiring => {
            let Ok(token) = id.parse() else { return Ok(None) };
            match Box::pin(services.expiring.detail(member, token)).await {
                Ok(detail) => {
                    let record = services.audit.of_token(member, token, expiring::EVENTS).await;
                    Some(expiring::sheet(&detail, &record.map_err(AppError::from)?, account))
                }
                Err(ExpiringError::NotFound) => None,
                Err(error) => return Err(error.into()),
            }
        }
        AccountPage::AuditLog => {
            let Ok(seq) = id.parse() else { return Ok(None) };
            match services.audit.event(member, seq).await {
                Ok(record) => Some(audit::sheet(&record)),
                Err(AuditError::NotFound) => None,
                Err(error) => return Err(error.into()),
            }
        }
        AccountPage::Home | AccountPage::Nothing => None,
    })
}

/// A sheet over the page *Runtimes*.
async fn of_runtimes(
    services: &Services,
    member: &Member,
    wanted: Wanted<'_>,
    account: &str,
) -> Result<Option<Sheet>, AppError> {
    let Wanted { what, id } = wanted;
    if let Some(what) = what.strip_prefix(OF_RUNTIME) {
        let wanted = Wanted { what, id };
        return tokens::sheet(services, member, HolderKind::Runtime, wanted, account).await;
    }
    let page = match what {
        "keys" => match id.parse() {
            Ok(runtime) => services.access_keys.page(member, runtime).await,
            Err(_) => return Ok(None),
        },
        "revoke-key" => match id.parse() {
            Ok(key) => services.access_keys.page_of(member, key).await,
            Err(_) => return Ok(None),
        },
        _ => {
            let owners = services.runtimes.possible_owners(member).await?;
            let page = services.runtimes.page(member).await?;
            return Ok(runtimes::sheet(&page, &owners, member.user(), wanted, account));
        }
    };
    match page {
        Ok(page) => Ok(runtimes::keys_sheet(&page, wanted, account)),
        Err(AccessKeyError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A form that registers a thing or edits the one of this id, in a panel.
fn form(id: &str, account: &str, title: String, register: &str) -> Sheet {
    let (label, opener) = if id.is_empty() {
        (register, "register".to_owned())
    } else {
        ("Save", format!("edit-{id}"))
    };
    Sheet {
        title,
        hidden: about(id, account),
        opener,
        submit: Some((label.to_owned(), "Saving…".to_owned())),
        ..Sheet::default()
    }
}

/// A dialog that asks whether the thing of this id may go; a label that it cannot.
fn deletion(id: &str, account: &str, name: &str, label: Option<&str>, text: Vec<Part>) -> Sheet {
    Sheet {
        deletion: true,
        title: format!("Delete {name}?"),
        hidden: about(id, account),
        opener: format!("delete-{id}"),
        submit: label.map(|label| (label.to_owned(), "Deleting…".to_owned())),
        parts: [vec![Part::Problem(None)], text].concat(),
        ..Sheet::default()
    }
}

/// The fields that say what a form is about.
fn about(id: &str, account: &str) -> Vec<(String, String)> {
    vec![
        ("id".to_owned(), id.to_owned()),
        ("account".to_owned(), account.to_owned()),
    ]
}

/// *Edit* and *Delete*, of a thing on the page at an address.
fn edit_and_delete(page: &str, id: &str, name: &str) -> Vec<Action> {
    let actions = [("edit", "edit", "Edit"), ("delete", "trash", "Delete")].map(|(what, icon, label)| Action {
        id: format!("{what}-{id}"),
        label: label.to_owned(),
        about: name.to_owned(),
        icon: icon.to_owned(),
        to: format!("{page}?{what}={id}"),
        ..Action::default()
    });
    actions.to_vec()
}
