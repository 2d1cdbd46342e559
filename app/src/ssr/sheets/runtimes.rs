//! What opens over the page *Runtimes*, and what can be done with a runtime.

use super::{
    Wanted, deletion, edit_and_delete, form,
    tokens::{About, actions},
};
use crate::calls::runtimes::{CheckSoon, DeleteRuntime, SaveRuntime};
use domain::{
    Expiry, HolderKind, Packed, Scope, Timestamp, TokenStatus,
    guide::{pieces_of, plain},
    scope::Standing,
    sheet::{Action, Field, Part, Sheet},
    status::ShownStatus,
    view::{RuntimeView, RuntimesPage, TokenView},
};
use leptos::server_fn::ServerFn as _;

/// The form that registers or edits a runtime.
pub(crate) const RUNTIME_FORM: &str = "runtime";
/// The form that deletes one.
pub(crate) const DELETE_FORM: &str = "delete-runtime";

/// Gives every runtime its actions.
pub(crate) fn add_actions(page: &mut RuntimesPage, account: &str) {
    let base = format!("/{account}/admin/runtimes");
    let providers: Vec<_> = page.runtimes.iter().map(|runtime| runtime.provider).collect();
    for runtime in &mut page.runtimes {
        let shareable = providers.iter().filter(|other| **other == runtime.provider).count() > 1;
        let about = About {
            account,
            holder: HolderKind::Runtime,
            runtime: runtime.id,
            name: &runtime.name,
        };
        let provider = runtime.provider_label.kind.name();
        runtime.token_lines = runtime
            .token
            .as_ref()
            .map(|token| token_lines(token, provider, page.now))
            .unwrap_or_default();
        let mut all = edit_and_delete(&base, &runtime.id.to_string(), &runtime.name);
        if runtime.tokens > 0 || runtime.token.is_some() {
            all.push(check_soon(account, &runtime.id.to_string(), &runtime.name));
        }
        all.extend(actions(&about, runtime.token.as_ref(), shareable));
        runtime.actions = Packed::new(&all);
    }
}

/// What is to be known of a runtime token besides its status.
fn token_lines(token: &TokenView, provider: &str, now: Timestamp) -> Vec<String> {
    let mut lines = vec![format!("|${}| {}", plain(&token.hint), plain(&token.identity.login))];
    let missing = token
        .scopes
        .iter()
        .filter(|finding| finding.standing == Standing::Missing);
    let missing: Vec<Scope> = missing.map(|finding| finding.scope.clone()).collect();
    if !missing.is_empty() {
        lines.push(format!("missing: {}", pieces_of(&missing)));
    }
    lines.extend(said(ShownStatus::of(token.status, token.expiry, now).next_step()));
    if let (TokenStatus::SsoRequired, Some(url)) = (token.status, &token.sso_url) {
        lines.push(format!("|@{} Authorize it at {provider}|", plain(url)));
    }
    lines.push(match token.expiry {
        Expiry::At(end) => format!("expires {} ({})", end.date(), end.relative_to(now)),
        Expiry::Never => "never expires".to_owned(),
        Expiry::Unknown => "expiry unknown".to_owned(),
    });
    lines.extend(said(&token.expiry_note));
    if !token.shared.is_empty() {
        lines.push(format!("shared by {} runtimes", token.shared.len() + 1));
    }
    lines.extend(said(&token.rotation));
    let setback = token
        .setback
        .as_deref()
        .map(|words| format!(": {words}"))
        .unwrap_or_default();
    lines.push(plain(&format!(
        "checked {}{setback}",
        token.checked_at.relative_to(now)
    )));
    lines
}

/// A sentence as a line, if there is one.
fn said(sentence: &str) -> Option<String> {
    (!sentence.is_empty()).then(|| plain(sentence))
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
