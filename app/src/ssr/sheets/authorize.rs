//! Authorising access by OAuth 2, in the panel for a token, and the question that may follow.

use crate::calls::oauth::{Authorize, ConfirmIdentity, DeclineIdentity, RequestApplication};
use backend::oauth::Asked;
use domain::{
    guide::plain,
    sheet::{Action, Pairs, Part, Sheet},
    view::{Method, TokenRow},
};
use leptos::server_fn::ServerFn as _;

/// The form above that of a sheet.
pub(crate) const LEAD_FORM: &str = "lead";
/// The form that takes the person's word.
pub(crate) const CONFIRM_FORM: &str = "confirm-identity";

fn fields(account: &str, row: &TokenRow) -> Pairs {
    vec![
        ("account".to_owned(), account.to_owned()),
        ("runtime".to_owned(), row.runtime.to_string()),
    ]
}

/// What stands above the field for a token: how to authorise access, or why one cannot.
pub(super) fn lead(account: &str, row: &TokenRow) -> (Vec<Part>, Option<Action>) {
    let name = row.provider.kind.name();
    let label = format!("Authorize access to {name}");
    let needs = format!("Patchbay needs access to your {name} account to act for you in this runtime.");
    match &row.method {
        Method::NotOffered => (
            vec![Part::Text(format!(
                "{needs} {name} knows no OAuth, so provide a token."
            ))],
            None,
        ),
        Method::TokensOnly => (
            vec![Part::Text(format!(
                "{needs} An admin chose tokens only for it, so provide a personal access token."
            ))],
            None,
        ),
        Method::Application(_) => {
            let authorize = Action {
                id: "authorize".to_owned(),
                label,
                primary: true,
                to: Authorize::url().to_owned(),
                post: Some((format!("Leading to {name}…"), fields(account, row))),
                ..Action::default()
            };
            let text = format!("{needs} {name} asks you, and you come back here.");
            (vec![Part::Text(text)], Some(authorize))
        }
        Method::NotRegistered { asked } => {
            let reason = "No OAuth application is registered for this provider. Contact your admin for help";
            let mut parts = vec![
                Part::Text(format!("{needs} Authorize it, or provide a personal access token.")),
                Part::Disabled(label, reason.to_owned()),
            ];
            if *asked {
                parts.push(Part::Sub("Your admins have your request.".to_owned()));
                return (parts, None);
            }
            let notify = Action {
                id: "notify-admins".to_owned(),
                label: "Notify admins".to_owned(),
                to: RequestApplication::url().to_owned(),
                post: Some(("Notifying…".to_owned(), fields(account, row))),
                ..Action::default()
            };
            (parts, Some(notify))
        }
    }
}

/// The dialog that asks whether a token of an unexpected identity is meant so.
pub(super) fn question(account: &str, row: &TokenRow, asked: &Asked) -> Sheet {
    let name = row.provider.kind.name();
    let discard = Action {
        id: "decline".to_owned(),
        label: "Discard the authorization".to_owned(),
        to: DeclineIdentity::url().to_owned(),
        post: Some(("Discarding…".to_owned(), fields(account, row))),
        ..Action::default()
    };
    Sheet {
        title: format!("Act as {} in {}?", asked.login, row.runtime_name),
        below: Some(super::tokens::below(row)),
        lead: (
            vec![
                Part::Text(format!(
                    "You authorized access as |*{}| at {name}. {}",
                    plain(&asked.login),
                    plain(&asked.why)
                )),
                Part::Sub(
                    "If that is another account than you meant, discard this, sign in there with the right one, and authorize access \
                     again. Unless you answer within ten minutes, it is discarded."
                        .to_owned(),
                ),
            ],
            Some(discard),
        ),
        action: ConfirmIdentity::url().to_owned(),
        form: CONFIRM_FORM.to_owned(),
        hidden: fields(account, row),
        opener: format!("add-{0} replace-{0}", row.runtime),
        submit: Some((format!("Use {}", asked.login), "Storing…".to_owned())),
        parts: vec![Part::Problem(None)],
        ..Sheet::default()
    }
}
