//! The ways in that an invitation offers.

use crate::{
    calls::{
        access::{SIGN_IN_FORM, SignIn},
        members::{Join, JoinAsNew},
    },
    components::form::typed,
};
use backend::members::Invitation;
use domain::{
    Role,
    field::MIN_PASSWORD,
    guide::plain,
    sheet::{Field, Part, Sheet},
};
use leptos::server_fn::ServerFn as _;

/// The form by which one joins.
pub(crate) const JOIN_FORM: &str = "join";

/// What whoever has the link may do: join as who they are, as somebody new, or sign in first.
pub(crate) fn ways(invitation: &Invitation, code: &str) -> Vec<Sheet> {
    let Invitation {
        account,
        inviter,
        role,
        email,
        signed_in,
    } = invitation;
    let part = match role {
        Role::Admin => "an admin",
        Role::Member => "a member",
    };
    let offer = format!("|*{}| invites you to |*{}| as {part}.", plain(inviter), plain(account));
    let first = Sheet {
        title: format!("Join {account}"),
        form: JOIN_FORM.to_owned(),
        hidden: vec![("code".to_owned(), code.to_owned())],
        ..Sheet::default()
    };
    let offer = vec![Part::Text(offer), Part::Problem(None)];
    if let Some(name) = signed_in {
        return vec![Sheet {
            action: Join::url().to_owned(),
            parts: offer,
            submit: Some((format!("Join {account} as {name}"), "Joining…".to_owned())),
            ..first
        }];
    }
    let address = match email {
        Some(email) => Field {
            value: email.clone(),
            hint: "The invitation is for this address.".to_owned(),
            disabled: true,
            ..typed("email", "E-mail", "email", "username")
        },
        None => typed("email", "E-mail", "email", "username"),
    };
    let fields = [
        Field {
            autofocus: true,
            ..typed("name", "Your name", "", "name")
        },
        address,
        Field {
            hint: format!("At least {MIN_PASSWORD} characters. A few unrelated words are fine."),
            ..typed("password", "Password", "password", "new-password")
        },
    ];
    let known = [
        typed("email", "E-mail", "email", "username"),
        typed("password", "Password", "password", "current-password"),
    ];
    vec![
        Sheet {
            action: JoinAsNew::url().to_owned(),
            parts: offer.into_iter().chain(fields.map(Part::Field)).collect(),
            submit: Some((format!("Join {account}"), "Joining…".to_owned())),
            ..first
        },
        Sheet {
            title: "You have signed in here before?".to_owned(),
            action: SignIn::url().to_owned(),
            form: SIGN_IN_FORM.to_owned(),
            // In the form, not in an address: whoever has the code may join.
            hidden: vec![("next".to_owned(), format!("/join/{code}"))],
            parts: [Part::Problem(None)]
                .into_iter()
                .chain(known.map(Part::Field))
                .collect(),
            submit: Some(("Sign in first".to_owned(), "Signing in…".to_owned())),
            ..Sheet::default()
        },
    ]
}
