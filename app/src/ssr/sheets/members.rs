//! What opens over the page *Members*, what can be done with a member or an invitation, and how one leaves.

use super::{Wanted, about};
use crate::{
    AppError,
    calls::members::{ChangeRole, Invite, RemoveMember, RevokeInvitation},
    reply::Done,
};
use backend::{
    access::Member,
    members::{Departure, Fate, InvitationView, Invited, MemberView, MembersPage},
};
use domain::{
    FieldErrors, Role, UserId,
    guide::plain,
    sheet::{Action, Field, Part, Sheet},
};
use leptos::server_fn::ServerFn as _;

/// The form that invites somebody.
pub(crate) const INVITE_FORM: &str = "invite";
/// The form that revokes an invitation.
pub(crate) const REVOKE_FORM: &str = "revoke-invitation";
/// The form that changes a role.
pub(crate) const ROLE_FORM: &str = "role";
/// The form that ends a membership.
pub(crate) const REMOVE_FORM: &str = "remove-member";

/// The page's address.
pub(crate) fn page_of(account: &str) -> String {
    format!("/{account}/admin/members")
}

/// What can be done with a member of the page.
pub(crate) fn actions(member: &MemberView, page: &MembersPage, account: &str) -> Vec<Action> {
    let (icon, label) = match member.role {
        Role::Admin => ("down", "Make member"),
        Role::Member => ("up", "Make admin"),
    };
    let (out, go) = if member.user == page.viewer {
        ("leave", "Leave")
    } else {
        ("trash", "Remove")
    };
    [("role", icon, label), ("remove", out, go)]
        .map(|(what, icon, label)| action(what, &member.user.to_string(), icon, label, &member.name, account))
        .to_vec()
}

/// What can be done with an invitation.
pub(crate) fn invitation_actions(invitation: &InvitationView, account: &str) -> Vec<Action> {
    let id = invitation.id.to_string();
    vec![action("revoke", &id, "trash", "Revoke", &for_whom(invitation), account)]
}

fn action(what: &str, id: &str, icon: &str, label: &str, about: &str, account: &str) -> Action {
    Action {
        id: format!("{what}-{id}"),
        label: label.to_owned(),
        about: about.to_owned(),
        icon: icon.to_owned(),
        to: format!("{}?{what}={id}", page_of(account)),
        ..Action::default()
    }
}

/// For whom an invitation is.
pub(crate) fn for_whom(invitation: &InvitationView) -> String {
    invitation
        .email
        .clone()
        .unwrap_or_else(|| "Anybody with the link".to_owned())
}

pub(super) fn sheet(page: &MembersPage, wanted: Wanted, account: &str) -> Option<Sheet> {
    match wanted.what {
        "invite" => Some(invite(account)),
        "revoke" => {
            let mut invitations = page.invitations.iter();
            Some(revoke(
                invitations.find(|open| open.id.to_string() == wanted.id)?,
                account,
            ))
        }
        "role" => {
            let member = page
                .members
                .iter()
                .find(|member| member.user.to_string() == wanted.id)?;
            Some(role(member, page, account))
        }
        _ => None,
    }
}

fn invite(account: &str) -> Sheet {
    let roles = [Role::Member, Role::Admin].map(|role| (role.as_str().to_owned(), words(role).to_owned()));
    Sheet {
        title: "Invite somebody".to_owned(),
        action: Invite::url().to_owned(),
        form: INVITE_FORM.to_owned(),
        hidden: vec![("account".to_owned(), account.to_owned())],
        opener: "invite".to_owned(),
        submit: Some(("Make link".to_owned(), "Making the link…".to_owned())),
        parts: vec![
            Part::Problem(None),
            Part::Text("Makes a link that works once, for a week. It is shown this one time: send it to whom you invite.".to_owned()),
            Part::Select(
                Field {
                    value: Role::Member.as_str().to_owned(),
                    hint: "A member authorizes access for themself only. An admin registers Git providers and runtimes, sees whose \
                           tokens need attention, and invites and removes people."
                        .to_owned(),
                    ..Field::new("role", "They will be")
                },
                roles.to_vec(),
            ),
            Part::Field(Field {
                kind: "email".to_owned(),
                hint: "With an address only whoever signs in with it can use the link. Without one, anybody who has the link can."
                    .to_owned(),
                optional: true,
                ..Field::new("email", "E-mail")
            }),
        ],
        ..Sheet::default()
    }
}

const fn words(role: Role) -> &'static str {
    match role {
        Role::Admin => "Admin",
        Role::Member => "Member",
    }
}

/// What is said, this once, of an invitation that was made.
pub(crate) fn invited(invited: &Invited, email: &str, account: &str) -> Done {
    use secrecy::ExposeSecret as _;
    let whom = match email.trim() {
        "" => "whom you invite",
        email => email,
    };
    let message = format!(
        "Send this link to {whom}. It works once, until {}, and is not shown again.",
        invited.ends_at.date_time()
    );
    Done::new(message, page_of(account)).once(invited.link.expose_secret())
}

fn revoke(invitation: &InvitationView, account: &str) -> Sheet {
    let id = invitation.id.to_string();
    let whom = match &invitation.email {
        Some(email) => format!("The link for {email} no longer works."),
        None => "The link no longer works, whoever has it.".to_owned(),
    };
    Sheet {
        title: "Revoke this invitation?".to_owned(),
        action: RevokeInvitation::url().to_owned(),
        form: REVOKE_FORM.to_owned(),
        submit: Some(("Revoke invitation".to_owned(), "Revoking…".to_owned())),
        parts: vec![Part::Problem(None), Part::Text(plain(&whom))],
        ..question(&id, account, &format!("revoke-{id} invite"))
    }
}

/// A dialog that asks about the thing of this id.
fn question(id: &str, account: &str, opener: &str) -> Sheet {
    Sheet {
        deletion: true,
        hidden: about(id, account),
        opener: opener.to_owned(),
        ..Sheet::default()
    }
}

fn role(member: &MemberView, page: &MembersPage, account: &str) -> Sheet {
    let id = member.user.to_string();
    let name = plain(&member.name);
    let (title, role, consequence) = match member.role {
        Role::Member => (
            format!("Make {} an admin?", member.name),
            Role::Admin,
            format!(
                "{name} can then register, edit and delete Git providers, OAuth applications and runtimes, set runtime tokens, and invite \
                 and remove people, also you."
            ),
        ),
        Role::Admin => (
            format!("Make {} a member?", member.name),
            Role::Member,
            format!(
                "{name} can then authorize access for themself only. Invitations that {name} made and nobody has used are revoked.{}",
                match member.keys {
                    0 => "",
                    _ =>
                        " Access keys that they issued go on working: revoke what they may have kept, on the page Runtimes.",
                }
            ),
        ),
    };
    let last = member.role == Role::Admin && page.admins() == 1;
    let submit = match role {
        Role::Admin => "Make admin",
        Role::Member => "Make member",
    };
    let text = if last {
        format!("{name} is the only admin. Make somebody else an admin first.")
    } else {
        consequence
    };
    let mut sheet = Sheet {
        title,
        action: ChangeRole::url().to_owned(),
        form: ROLE_FORM.to_owned(),
        submit: (!last).then(|| (submit.to_owned(), "Saving…".to_owned())),
        parts: vec![Part::Problem(None), Part::Text(text)],
        ..question(&id, account, &format!("role-{id}"))
    };
    sheet.hidden.push(("role".to_owned(), role.as_str().to_owned()));
    sheet
}

/// What is said of a role that was changed. Whoever gave up their own sees another account.
pub(crate) fn changed(member: &Member, user: UserId, role: Role, account: &str) -> Done {
    if user == member.user() && role == Role::Member {
        return Done::reload(format!("/{account}/tokens")).saying("You are a member now.");
    }
    Done::new("Role changed.", page_of(account))
}

/// Asks what becomes of the tokens of somebody who goes: somebody else, or the person.
pub(super) fn departure(departure: &Departure, member: &Member, account: &str) -> Sheet {
    let own = departure.user == member.user();
    let id = departure.user.to_string();
    let name = plain(&departure.name);
    let (who, their, them) = if own {
        ("You".to_owned(), "Your", "you".to_owned())
    } else {
        (name.clone(), "Their", name.clone())
    };
    let (title, submit, busy) = if own {
        ("Leave this account?".to_owned(), "Leave account", "Leaving…")
    } else {
        (format!("Remove {}?", departure.name), "Remove member", "Removing…")
    };
    let mut parts = vec![Part::Problem(None)];
    if departure.last_admin {
        let can = if own { "You are" } else { "This is" };
        parts.push(Part::Text(format!(
            "{can} the only admin, and an account needs one. Make somebody else an admin first."
        )));
    } else {
        let links = match departure.role {
            Role::Admin => " Invitations made by this admin that nobody has used are revoked.",
            Role::Member => "",
        };
        parts.push(Part::Text(format!(
            "{who} can no longer open this account, at once.{links}"
        )));
        if !departure.keys.is_empty() {
            let keys = departure.keys.iter().map(|(key, runtime)| format!("{key} ({runtime})"));
            let keys = plain(&keys.collect::<Vec<_>>().join(", "));
            let who = if own { "you" } else { "they" };
            let advice = match (own, departure.role) {
                (true, Role::Member) => "Ask an admin to revoke what you may have kept.".to_owned(),
                _ => format!("Revoke what {who} may have kept, on the page Runtimes."),
            };
            parts.push(Part::Text(format!(
                "Access keys that {who} issued go on working: {keys}. {advice}"
            )));
        }
        if !departure.runtimes.is_empty() {
            parts.extend(tokens(departure, their, &them));
        }
    }
    Sheet {
        title,
        action: RemoveMember::url().to_owned(),
        form: REMOVE_FORM.to_owned(),
        submit: (!departure.last_admin).then(|| (submit.to_owned(), busy.to_owned())),
        parts,
        ..question(&id, account, &format!("remove-{id} invite switch"))
    }
}

fn tokens(departure: &Departure, their: &str, them: &str) -> [Part; 2] {
    let runtimes = plain(&departure.runtimes.join(", "));
    let stored = match departure.runtimes.len() {
        1 => format!("1 token is stored, for {runtimes}."),
        count => format!("{count} tokens are stored, for {runtimes}."),
    };
    let fates = [
        (Fate::Revoke, "Delete and revoke them"),
        (Fate::Delete, "Delete them here only"),
        (Fate::Keep, "Keep them until they end"),
    ];
    [
        Part::Text(stored),
        Part::Select(
            Field {
                value: Fate::Revoke.as_str().to_owned(),
                hint: format!(
                    "Deleted, these runtimes can no longer act for {them}; revoked, the tokens also die at their Git providers, as far as \
                     those let Patchbay. Kept, they go on serving these runtimes, and come back with whoever is invited again."
                ),
                ..Field::new("fate", &format!("{their} tokens"))
            },
            fates
                .map(|(fate, words)| (fate.as_str().to_owned(), words.to_owned()))
                .to_vec(),
        ),
    ]
}

/// What a form says that becomes of the tokens. It says nothing where there are none.
pub(crate) fn fate(word: &str) -> Result<Fate, AppError> {
    if word.is_empty() {
        return Ok(Fate::Revoke);
    }
    Fate::from_word(word)
        .ok_or_else(|| AppError::Invalid(FieldErrors::one("fate", "Choose what becomes of the tokens.")))
}

/// What is said of somebody who went.
pub(crate) fn removed(member: &Member, departure: &Departure, fate: Fate, account: &str) -> Done {
    let tokens = match (departure.runtimes.len(), fate) {
        (0, _) => "",
        (_, Fate::Revoke) => " The tokens are deleted here, and their Git providers are being asked to revoke them.",
        (_, Fate::Delete) => " The tokens are deleted here. They stay valid at their Git providers.",
        (_, Fate::Keep) => " The tokens are kept.",
    };
    if departure.user == member.user() {
        return Done::reload("/").saying(&format!("You have left the account.{tokens}"));
    }
    Done::new(format!("{} removed.{tokens}", departure.name), page_of(account))
}
