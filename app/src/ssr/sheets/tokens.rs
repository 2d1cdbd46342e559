//! What opens over the page *Git Personal Access Tokens*, and what can be done with a runtime's token.

use super::Wanted;
use crate::calls::tokens::{CheckToken, DeleteToken, PutToken};
use domain::{
    Packed,
    guide::plain,
    scope,
    sheet::{Action, Field, Pairs, Part, Sheet},
    view::{TokenRow, TokensPage},
};
use leptos::server_fn::ServerFn as _;

/// The form for a token.
pub(crate) const TOKEN_FORM: &str = "token";
/// The form that deletes one.
pub(crate) const DELETE_FORM: &str = "delete-token";

/// Gives every row its actions.
pub(crate) fn add_actions(page: &mut TokensPage, account: &str) {
    for row in &mut page.rows {
        row.actions = Packed::new(&actions(row, account));
    }
}

fn actions(row: &TokenRow, account: &str) -> Vec<Action> {
    let (id, name) = (row.runtime, &row.runtime_name);
    let link = |what: &str, label: &str, about: String| Action {
        id: format!("{what}-{id}"),
        label: label.to_owned(),
        about,
        to: format!("/{account}/tokens?{what}={id}"),
        ..Action::default()
    };
    if row.token.is_none() {
        return vec![Action {
            primary: true,
            ..link("add", "Add token", format!("for {name}"))
        }];
    }
    let token = format!("token for {name}");
    vec![
        link("replace", "Replace", token.clone()),
        Action {
            id: format!("check-{id}"),
            label: "Check now".to_owned(),
            about: name.clone(),
            icon: "refresh".to_owned(),
            to: CheckToken::url().to_owned(),
            post: Some(("Checking…".to_owned(), about(row, account))),
            ..Action::default()
        },
        Action {
            icon: "trash".to_owned(),
            ..link("delete", "Delete", token)
        },
    ]
}

pub(super) fn sheet(page: &TokensPage, wanted: Wanted, account: &str) -> Option<Sheet> {
    let row = page.rows.iter().find(|row| row.runtime.to_string() == wanted.id)?;
    match wanted.what {
        "add" | "replace" => Some(put(row, account)),
        "delete" => row.token.as_ref().map(|_| delete(row, account)),
        _ => None,
    }
}

/// The fields that say what a form is about.
fn about(row: &TokenRow, account: &str) -> Pairs {
    vec![
        ("runtime".to_owned(), row.runtime.to_string()),
        ("account".to_owned(), account.to_owned()),
    ]
}

/// The panel that takes a token: authorisation, the field, and the steps to generate one.
fn put(row: &TokenRow, account: &str) -> Sheet {
    let (runtime, name, kind) = (row.runtime, &row.runtime_name, row.provider.kind);
    let base_url = &row.provider.base_url;
    let (title, label, opener) = if row.token.is_some() {
        (
            format!("Replace token for {name}"),
            "Replace",
            format!("replace-{runtime} add-{runtime}"),
        )
    } else {
        (
            format!("Add token for {name}"),
            "Add token",
            format!("add-{runtime} replace-{runtime}"),
        )
    };
    let required = scope::required(kind, None);
    let guide = kind.guide(base_url, &required);
    let generate_url = kind.generate_url(base_url, name, &required);
    let filled_in = if guide.filled_in { ", filled in" } else { "" };
    let generate = (format!("Generate one{filled_in}"), generate_url.clone());
    let open = (format!("Open {}{filled_in}", kind.name()), generate_url);
    let token = Field {
        kind: "password".to_owned(),
        hint: format!(
            "Checked with {} before it is stored. Nobody can read it back, you included.",
            kind.name()
        ),
        placeholder: kind.placeholder().to_owned(),
        mono: true,
        autofocus: true,
        ..Field::new("token", "Personal access token")
    };
    let stored = row.token.as_ref().and_then(|token| token.username.clone());
    let username = kind.username_field().map(|field| Field {
        value: stored.unwrap_or_default(),
        hint: field.hint.to_owned(),
        optional: !field.is_required(),
        ..Field::new("username", field.label)
    });
    let advanced = [Part::Problem(Some(generate)), Part::Token(token, kind)]
        .into_iter()
        .chain(username.map(Part::Field))
        .chain([Part::Steps(open, guide.steps, guide.remark)]);
    Sheet {
        title,
        below: Some((kind, format!("{} · {}", row.provider.name, row.provider.host))),
        action: PutToken::url().to_owned(),
        form: TOKEN_FORM.to_owned(),
        hidden: about(row, account),
        opener,
        submit: Some((label.to_owned(), format!("Checking with {}…", kind.name()))),
        parts: vec![
            Part::Text(format!(
                "Patchbay needs access to your {} account to act for you in this runtime. Authorize it, or provide a personal \
                 access token.",
                kind.name(),
            )),
            Part::Disabled(
                format!("Authorize access to {}", kind.name()),
                "No OAuth application is registered for this provider. Contact your admin for help".to_owned(),
            ),
            Part::Details("Advanced authorization options".to_owned(), advanced.collect()),
        ],
        ..Sheet::default()
    }
}

/// The dialog that asks before a token is deleted.
fn delete(row: &TokenRow, account: &str) -> Sheet {
    let (runtime, name, kind) = (row.runtime, plain(&row.runtime_name), row.provider.kind);
    let tokens_page = kind.guide(&row.provider.base_url, &[]).tokens_page;
    Sheet {
        deletion: true,
        title: format!("Delete the token for {}?", row.runtime_name),
        action: DeleteToken::url().to_owned(),
        form: DELETE_FORM.to_owned(),
        hidden: about(row, account),
        opener: format!("delete-{runtime} add-{runtime}"),
        submit: Some(("Delete token".to_owned(), "Deleting…".to_owned())),
        parts: vec![
            Part::Problem(None),
            Part::Text(format!(
                "{name} can no longer act for you. The runtime itself and the tokens of others are not affected."
            )),
            Part::Text(format!(
                "The token itself stays valid at {}: |@{} revoke it there|.",
                kind.name(),
                plain(&tokens_page)
            )),
        ],
        ..Sheet::default()
    }
}
