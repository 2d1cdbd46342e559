//! What opens over the page *Runtimes*, and what can be done with a runtime.

use super::{
    Wanted, deletion, edit_and_delete, form,
    tokens::{self, About},
};
use crate::calls::runtimes::{CheckSoon, DeleteRuntime, SaveRuntime};
use domain::{
    HolderKind,
    guide::plain,
    sheet::{Action, Field, Part, Sheet},
    view::{RuntimeView, RuntimesPage},
};
use leptos::server_fn::ServerFn as _;

/// The form that registers or edits a runtime.
pub(crate) const RUNTIME_FORM: &str = "runtime";
/// The form that deletes one.
pub(crate) const DELETE_FORM: &str = "delete-runtime";

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

pub(super) fn sheet(page: &RuntimesPage, wanted: Wanted, account: &str) -> Option<Sheet> {
    let found = || page.runtimes.iter().find(|runtime| runtime.id.to_string() == wanted.id);
    match wanted.what {
        "register" => Some(save(page, None, account)),
        "edit" => Some(save(page, Some(found()?), account)),
        "delete" => Some(delete(found()?, account)),
        _ => None,
    }
}

fn save(page: &RuntimesPage, runtime: Option<&RuntimeView>, account: &str) -> Sheet {
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
