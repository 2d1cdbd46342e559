//! What opens over the page *Git authentication*, and what can be done with a Git provider.

use super::{Wanted, deletion, edit_and_delete, form};
use crate::calls::git_providers::{ChooseScopes, DeleteGitProvider, SaveGitProvider};
use domain::{
    HolderKind, ProviderKind, Scope, ScopeProfile,
    guide::{pieces_of, plain},
    profile,
    scope::joined,
    sheet::{Action, Field, Part, Sheet},
    view::{ProviderLabel, ProviderView, ProvidersPage},
};
use leptos::server_fn::ServerFn as _;

/// The form that registers or edits a Git provider.
pub(crate) const PROVIDER_FORM: &str = "git-provider";
/// The form for what tokens need at one.
pub(crate) const SCOPES_FORM: &str = "scopes";
/// The form that deletes one.
pub(crate) const DELETE_FORM: &str = "delete-git-provider";

/// What can be done with a Git provider of the page at an address.
pub(crate) fn actions(provider: &ProviderView, page: &str) -> Vec<Action> {
    let (id, name) = (provider.id.to_string(), &provider.label.name);
    let scopes = Action {
        id: format!("scopes-{id}"),
        label: "Scopes".to_owned(),
        icon: "key".to_owned(),
        about: format!("of {name}"),
        to: format!("{page}?scopes={id}"),
        ..Action::default()
    };
    [vec![scopes], edit_and_delete(page, &id, name)].concat()
}

pub(super) fn sheet(page: &ProvidersPage, wanted: Wanted, account: &str) -> Option<Sheet> {
    let found = || {
        let mut providers = page.providers.iter();
        providers.find(|provider| provider.id.to_string() == wanted.id)
    };
    match wanted.what {
        "register" => Some(save(None, account)),
        "edit" => Some(save(Some(found()?), account)),
        "delete" => Some(delete(found()?, account)),
        _ => None,
    }
}

fn save(provider: Option<&ProviderView>, account: &str) -> Sheet {
    let (id, title) = match provider {
        Some(provider) => (provider.id.to_string(), format!("Edit {}", provider.label.name)),
        None => (String::new(), "Register Git provider".to_owned()),
    };
    let label = provider.map(|provider| provider.label.clone());
    let (chosen, name, base_url) = match label {
        Some(label) => (Some(label.kind), label.name, label.base_url),
        // The base URL is preset with that of the kind.
        None => Default::default(),
    };
    let api_url = provider
        .filter(|provider| provider.api_url_given)
        .map(|provider| provider.api_url.clone())
        .unwrap_or_default();
    // Whatever is registered keeps its kind.
    let kinds = ProviderKind::ALL
        .iter()
        .filter(|kind| chosen.is_none_or(|chosen| chosen == **kind))
        .map(|kind| (kind.as_str().to_owned(), kind.name().to_owned()))
        .collect();
    let kind = Field {
        value: chosen.unwrap_or_default().as_str().to_owned(),
        ..Field::new("kind", "Kind")
    };
    let name = Field {
        value: name,
        hint: "What your people see. If left empty: the host.".to_owned(),
        optional: true,
        autofocus: true,
        ..Field::new("name", "Name")
    };
    let address = |name, label, value, optional| Field {
        value,
        kind: "url".to_owned(),
        optional,
        mono: true,
        ..Field::new(name, label)
    };
    let fields = vec![
        name,
        address("base_url", "Base URL", base_url, false),
        address("api_url", "API base URL", api_url, true),
    ];
    let unverified = Field {
        value: "on".to_owned(),
        hint: "Some tokens tell nobody what they may do: GitHub's fine-grained ones, and most of Forgejo. Otherwise they are \
               refused."
            .to_owned(),
        checked: provider.is_some_and(|provider| provider.allow_unverified),
        ..Field::new("allow_unverified", "Accept tokens whose permissions cannot be verified")
    };
    Sheet {
        action: SaveGitProvider::url().to_owned(),
        form: PROVIDER_FORM.to_owned(),
        parts: vec![
            Part::Problem(None),
            Part::GitProvider(kind, kinds, fields),
            Part::Checks(String::new(), vec![unverified]),
        ],
        ..form(&id, account, title, "Register Git provider")
    }
}

/// The panel with what tokens need at a Git provider.
pub(super) fn scopes(id: &str, label: &ProviderLabel, profiles: &[ScopeProfile; 2], account: &str) -> Sheet {
    let group = |profile: &ScopeProfile, holder: HolderKind| {
        let sorts = label.kind.sorts();
        sorts
            .iter()
            .map(|sort| {
                let list = |scopes: Vec<Scope>| joined(&scopes).replace(',', ", ");
                let standard = pieces_of(&profile::standard(sort, holder));
                let name = match sorts {
                    [_] => "Scopes",
                    _ => sort.name,
                };
                Part::Field(Field {
                    value: list(profile.required_of(sort)),
                    hint: if standard.is_empty() {
                        "By default: none.".to_owned()
                    } else {
                        format!("By default: {}", standard.trim_end())
                    },
                    mono: true,
                    optional: true,
                    ..Field::new(&format!("scopes[{}-{}]", holder.as_str(), sort.word), name)
                })
            })
            .collect::<Vec<_>>()
    };
    let [user, runtime] = profiles;
    Sheet {
        title: format!("Scopes that tokens need at {}", label.name),
        below: Some((label.kind.as_str().to_owned(), format!("{} · {}", label.name, label.host))),
        action: ChooseScopes::url().to_owned(),
        form: SCOPES_FORM.to_owned(),
        opener: format!("scopes-{id}"),
        parts: vec![
            Part::Problem(None),
            Part::Text(
                "Scopes as the provider writes them, with commas between them. A token that lacks one is refused; tokens that \
                 are stored are judged by them at their next check."
                    .to_owned(),
            ),
            Part::Details("Tokens of people".to_owned(), true, group(user, HolderKind::User)),
            Part::Details("Runtime tokens".to_owned(), true, group(runtime, HolderKind::Runtime)),
        ],
        ..form(id, account, String::new(), "")
    }
}

fn delete(provider: &ProviderView, account: &str) -> Sheet {
    let name = &provider.label.name;
    let free = provider.runtimes.is_empty();
    let text = if free {
        format!(
            "Runtimes can no longer be registered with {}. No runtime uses it now.",
            plain(name)
        )
    } else {
        format!(
            "It cannot be deleted while runtimes use it: {}. Delete them first, or give them another provider.",
            plain(&provider.runtimes.join(", "))
        )
    };
    let label = free.then_some("Delete Git provider");
    Sheet {
        action: DeleteGitProvider::url().to_owned(),
        form: DELETE_FORM.to_owned(),
        ..deletion(&provider.id.to_string(), account, name, label, vec![Part::Text(text)])
    }
}
