//! What the page *Members* shows.

use super::{ago, cell, columns, name, stack, sub, text, when};
use crate::ssr::sheets::members::{actions, for_whom, invitation_actions, page_of};
use backend::members::{InvitationView, MemberView, MembersPage};
use domain::{
    Role,
    page::{List, Row},
    sheet::Action,
};

/// The members, and who is invited.
pub(super) fn lists(page: &MembersPage, account: &str) -> Vec<List> {
    vec![members(page, account), invitations(page, account)]
}

fn members(page: &MembersPage, account: &str) -> List {
    List {
        title: match page.members.len() {
            1 => "1 member".to_owned(),
            count => format!("{count} members"),
        },
        aside: match page.admins() {
            1 => "1 admin".to_owned(),
            count => format!("{count} admins"),
        },
        icon: "users".to_owned(),
        register: Some(Action {
            id: "invite".to_owned(),
            to: format!("{}?invite=", page_of(account)),
            icon: "plus".to_owned(),
            label: "Invite".to_owned(),
            primary: true,
            ..Action::default()
        }),
        columns: columns(&["Name", "Role", "Working tokens", "Last seen", "Joined"]),
        rows: page.members.iter().map(|member| row(member, page, account)).collect(),
        ..List::default()
    }
}

fn row(member: &MemberView, page: &MembersPage, account: &str) -> Row {
    let mut head = vec![name(&member.name), sub(&member.email)];
    if member.user == page.viewer {
        head.push(sub("you"));
    }
    let runtimes = match page.runtimes {
        1 => "1 runtime".to_owned(),
        count => format!("{count} runtimes"),
    };
    let seen = match member.last_seen_at {
        Some(at) => ago(at, page.now),
        None => sub("not yet"),
    };
    Row {
        name: member.name.clone(),
        head: cell("", vec![stack(head)]),
        cells: vec![
            cell("", vec![text(role(member.role))]),
            cell("count", vec![text(&format!("for {} of {runtimes}", member.tokens))]),
            cell("date", vec![seen]),
            cell("date", vec![stack(when(member.joined_at, page.now).to_vec())]),
        ],
        actions: actions(member, page, account),
        ..Row::default()
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Admin => "Admin",
        Role::Member => "Member",
    }
}

fn invitations(page: &MembersPage, account: &str) -> List {
    List {
        title: match page.invitations.len() {
            0 => "No open invitations".to_owned(),
            1 => "1 open invitation".to_owned(),
            count => format!("{count} open invitations"),
        },
        icon: "users".to_owned(),
        advice:
            "Whoever you invite gets a link from you, which works once, for a week. Until it is used it stands here."
                .to_owned(),
        columns: columns(&["For", "Role", "Invited by", "Ends"]),
        rows: page
            .invitations
            .iter()
            .map(|invitation| invited(invitation, page, account))
            .collect(),
        ..List::default()
    }
}

fn invited(invitation: &InvitationView, page: &MembersPage, account: &str) -> Row {
    let whom = for_whom(invitation);
    Row {
        head: cell("", vec![name(&whom)]),
        cells: vec![
            cell("", vec![text(role(invitation.role))]),
            cell("", vec![text(&invitation.inviter)]),
            cell("date", vec![stack(when(invitation.ends_at, page.now).to_vec())]),
        ],
        actions: invitation_actions(invitation, account),
        name: whom,
        ..Row::default()
    }
}
