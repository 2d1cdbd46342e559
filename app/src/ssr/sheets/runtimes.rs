//! What opens over the page *Runtimes*, and what can be done with a runtime.

use super::{
    Wanted, deletion, edit_and_delete, form,
    tokens::{self, About},
};
use crate::{
    calls::runtimes::{CheckSoon, DeleteRuntime, IssueAccessKey, RevokeAccessKey, SaveRuntime},
    ssr::pages::text,
};
use backend::{
    access_keys::{AccessKeyView, AccessKeysPage},
    runtimes::NO_OWNER,
};
use domain::{
    HolderKind, Timestamp, UserId,
    guide::plain,
    page::Bit,
    sheet::{Action, Field, Pairs, Part, Sheet},
    view::{RuntimeView, RuntimesPage},
};
use leptos::server_fn::ServerFn as _;

/// The form that registers or edits a runtime.
pub(crate) const RUNTIME_FORM: &str = "runtime";
/// The form that deletes one.
pub(crate) const DELETE_FORM: &str = "delete-runtime";
/// The form that issues an access key.
pub(crate) const KEYS_FORM: &str = "access-keys";
/// The form that revokes one.
pub(crate) const REVOKE_KEY_FORM: &str = "revoke-key";

/// What can be done with a runtime of the page, and with its token.
pub(crate) fn actions(runtime: &RuntimeView, page: &RuntimesPage, account: &str) -> Vec<Action> {
    let siblings = page.runtimes.iter().filter(|other| other.provider == runtime.provider);
    let about = About {
        account,
        holder: HolderKind::Runtime,
        runtime: runtime.id,
        name: &runtime.name,
    };
    let base = format!("/{account}/admin/runtimes");
    let mut all = edit_and_delete(&base, &runtime.id.to_string(), &runtime.name);
    if runtime.tokens > 0 || runtime.token.is_some() {
        all.push(check_soon(account, &runtime.id.to_string(), &runtime.name));
    }
    all.push(Action {
        id: format!("keys-{}", runtime.id),
        label: "Access keys".to_owned(),
        about: format!("of {}", runtime.name),
        to: format!("{base}?keys={}", runtime.id),
        ..Action::default()
    });
    all.extend(tokens::actions(&about, runtime.token.as_ref(), siblings.count() > 1));
    all
}

/// Has all tokens of a runtime checked.
fn check_soon(account: &str, runtime: &str, name: &str) -> Action {
    Action {
        id: format!("check-all-{runtime}"),
        label: "Check all tokens".to_owned(),
        about: format!("of {name}"),
        to: CheckSoon::url().to_owned(),
        post: Some((
            "Starting…".to_owned(),
            vec![
                ("runtime".to_owned(), runtime.to_owned()),
                ("account".to_owned(), account.to_owned()),
            ],
        )),
        ..Action::default()
    }
}

pub(super) fn sheet(
    page: &RuntimesPage,
    owners: &[(UserId, String)],
    viewer: UserId,
    wanted: Wanted,
    account: &str,
) -> Option<Sheet> {
    let found = || page.runtimes.iter().find(|runtime| runtime.id.to_string() == wanted.id);
    match wanted.what {
        "register" => Some(save(page, owners, Some(viewer), None, account)),
        "edit" => {
            let runtime = found()?;
            let owner = runtime.owner.as_ref().map(|(owner, _)| *owner);
            Some(save(page, owners, owner, Some(runtime), account))
        }
        "delete" => Some(delete(found()?, account)),
        _ => None,
    }
}

/// The access keys of a runtime, or the question whether one is to be revoked.
pub(super) fn keys_sheet(page: &AccessKeysPage, wanted: Wanted, account: &str) -> Option<Sheet> {
    if wanted.what == "keys" {
        return Some(keys(page, account));
    }
    let key = page.keys.iter().find(|key| key.id.to_string() == wanted.id)?;
    Some(revoke_key(key, page, account))
}

fn keys(page: &AccessKeysPage, account: &str) -> Sheet {
    let facts = page.keys.iter().map(|key| key_fact(key, page.now, account)).collect();
    let known = if page.keys.is_empty() {
        Part::Sub("There is none yet: nothing is handed out to this runtime.".to_owned())
    } else {
        Part::Facts(String::new(), facts)
    };
    Sheet {
        title: format!("Access keys of {}", page.runtime_name),
        action: IssueAccessKey::url().to_owned(),
        form: KEYS_FORM.to_owned(),
        hidden: super::about(&page.runtime.to_string(), account),
        opener: format!("keys-{}", page.runtime),
        submit: Some(("Issue access key".to_owned(), "Issuing it…".to_owned())),
        parts: vec![
            Part::Problem(None),
            Part::Text(
                "With a key the runtime fetches its own token and those of its people, at |/api/v1/runtime/credentials|. Each \
                 credential that is handed out is recorded in the audit log."
                    .to_owned(),
            ),
            known,
            Part::Field(Field {
                hint: "What will use it, as in argocd. The key itself is shown once.".to_owned(),
                ..Field::new("name", "Name of a new key")
            }),
        ],
        ..Sheet::default()
    }
}

fn key_fact(key: &AccessKeyView, now: Timestamp, account: &str) -> (String, Vec<Bit>) {
    let used = match key.last_used_at {
        Some(at) => format!("last used {}", at.relative_to(now)),
        None => "never used".to_owned(),
    };
    let issuer = key
        .issuer
        .as_deref()
        .map(|name| format!(" by {name}"))
        .unwrap_or_default();
    let about = format!("issued on {}{issuer}", key.created_at.date());
    let revoke = format!("/{account}/admin/runtimes?revoke-key={}", key.id);
    let sub = |text_of: &str| Bit::Group("sub".to_owned(), String::new(), vec![text(text_of)]);
    let how = vec![
        text(&used),
        sub(&about),
        Bit::Link(format!("revoke-key-{}", key.id), revoke, format!("Revoke {}", key.name)),
    ];
    (key.name.clone(), how)
}

fn revoke_key(key: &AccessKeyView, page: &AccessKeysPage, account: &str) -> Sheet {
    let used = match key.last_used_at {
        Some(at) => format!("It was last used {}.", at.relative_to(page.now)),
        None => "It was never used.".to_owned(),
    };
    let consequence = format!(
        "Whatever uses it gets no credentials for {} any more. {used}",
        plain(&page.runtime_name)
    );
    let last = "What was handed out before stays where it is, and keeps working at the Git provider.";
    let text = vec![Part::Text(consequence), Part::Sub(last.to_owned())];
    Sheet {
        title: format!("Revoke {}?", key.name),
        action: RevokeAccessKey::url().to_owned(),
        form: REVOKE_KEY_FORM.to_owned(),
        opener: format!("keys-{}", page.runtime),
        submit: Some(("Revoke access key".to_owned(), "Revoking…".to_owned())),
        ..deletion(&key.id.to_string(), account, &key.name, None, text)
    }
}

fn save(
    page: &RuntimesPage,
    owners: &[(UserId, String)],
    owner: Option<UserId>,
    runtime: Option<&RuntimeView>,
    account: &str,
) -> Sheet {
    let (id, name, provider, title) = match runtime {
        Some(runtime) => (
            runtime.id.to_string(),
            runtime.name.clone(),
            runtime.provider.to_string(),
            format!("Edit {}", runtime.name),
        ),
        None => (
            String::new(),
            String::new(),
            String::new(),
            "Register runtime".to_owned(),
        ),
    };
    let providers = page
        .providers
        .iter()
        .map(|(id, label)| (id.to_string(), format!("{} ({})", label.name, label.host)))
        .collect();
    Sheet {
        action: SaveRuntime::url().to_owned(),
        form: RUNTIME_FORM.to_owned(),
        parts: vec![
            Part::Problem(None),
            Part::Field(Field {
                value: name,
                hint: "As in prod-eu: lower-case letters, digits and hyphens.".to_owned(),
                mono: true,
                autofocus: true,
                ..Field::new("name", "Name")
            }),
            Part::Select(
                Field {
                    value: provider,
                    ..Field::new("provider", "Git provider")
                },
                providers,
            ),
            Part::Select(
                Field {
                    value: owner.map_or_else(|| NO_OWNER.to_owned(), |owner| owner.to_string()),
                    hint: "Hears of its tokens when their holder does nothing, before the admins do.".to_owned(),
                    ..Field::new("owner", "Owner")
                },
                possible_owners(owners, runtime),
            ),
            Part::Checks(
                String::new(),
                vec![Field {
                    value: "on".to_owned(),
                    hint: "Where the Git provider can: GitLab, for tokens with the scope api or self_rotate. Others are left to \
                           their holders."
                        .to_owned(),
                    checked: runtime.is_some_and(|runtime| runtime.rotate_tokens),
                    ..Field::new("rotate_tokens", "Rotate tokens before they end")
                }],
            ),
        ],
        ..form(&id, account, title, "Register runtime")
    }
}

/// Who can answer for a runtime; with who does and is no member any more, so that saving the form changes nothing unseen.
fn possible_owners(owners: &[(UserId, String)], runtime: Option<&RuntimeView>) -> Pairs {
    let present = runtime.and_then(|runtime| runtime.owner.as_ref());
    let left = present.filter(|(owner, _)| owners.iter().all(|(known, _)| known != owner));
    let left = left.map(|(owner, name)| (owner.to_string(), format!("{name} (no member any more)")));
    let members = owners.iter().map(|(owner, name)| (owner.to_string(), name.clone()));
    [(NO_OWNER.to_owned(), "The admins".to_owned())]
        .into_iter()
        .chain(left)
        .chain(members)
        .collect()
}

fn delete(runtime: &RuntimeView, account: &str) -> Sheet {
    let name = plain(&runtime.name);
    let consequence = match runtime.tokens {
        0 if runtime.token.is_some() => {
            format!(
                "{name} can no longer do anything: its runtime token is deleted with it. Nobody else has a token for it."
            )
        }
        0 => format!("{name} can no longer be chosen. Nobody has a token for it."),
        1 => format!("{name} can no longer act for anybody: the token that 1 person has for it is deleted with it."),
        tokens => format!(
            "{name} can no longer act for anybody: the tokens that {tokens} people have for it are deleted with it."
        ),
    };
    let last = "This cannot be undone. Tokens stay valid at the Git provider until they are revoked there.";
    let consequence = match runtime.keys {
        0 => consequence,
        1 => format!("{consequence} Its access key is revoked."),
        keys => format!("{consequence} Its {keys} access keys are revoked."),
    };
    let text = vec![Part::Text(consequence), Part::Sub(last.to_owned())];
    Sheet {
        action: DeleteRuntime::url().to_owned(),
        form: DELETE_FORM.to_owned(),
        ..deletion(
            &runtime.id.to_string(),
            account,
            &runtime.name,
            Some("Delete runtime"),
            text,
        )
    }
}
