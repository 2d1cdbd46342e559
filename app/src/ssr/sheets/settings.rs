//! What opens over the page *Settings*, and what can be done with a channel.

use super::{Wanted, about, deletion};
use crate::calls::notices::{
    AddSlack, AddWebhook, DeleteChannel, EnableChannel, SaveMailServer, SaveNoticeTimes, TestChannel,
};
use backend::{
    notices::{ChannelView, NoticeSettingsPage},
    store::ChannelKind,
};
use domain::{
    guide::plain,
    sheet::{Action, Field, Part, Sheet},
};
use leptos::server_fn::ServerFn as _;

/// The form about times.
pub(crate) const TIMES_FORM: &str = "notice-times";
/// The form about the mail server.
pub(crate) const MAIL_FORM: &str = "mail-server";
/// The form for a new webhook.
pub(crate) const WEBHOOK_FORM: &str = "webhook";
/// The form for a new chat.
pub(crate) const SLACK_FORM: &str = "chat";
/// The form that deletes a channel.
pub(crate) const DELETE_FORM: &str = "delete-channel";
/// What names the times in a query.
const TIMES: &str = "times";

/// The button that opens the form about times.
pub(crate) fn edit_times(base: &str) -> Action {
    Action {
        id: format!("edit-{TIMES}"),
        label: "Edit".to_owned(),
        about: "when people are told".to_owned(),
        icon: "edit".to_owned(),
        to: format!("{base}?edit={TIMES}"),
        ..Action::default()
    }
}

/// What can be done with a channel.
pub(crate) fn channel_actions(channel: &ChannelView, base: &str, account: &str) -> Vec<Action> {
    let id = channel.id.to_string();
    let action = |what: &str, mark: &str, label: &str| Action {
        id: format!("{what}-{id}"),
        label: label.to_owned(),
        about: channel.name.clone(),
        icon: mark.to_owned(),
        to: format!("{base}?{what}={id}"),
        ..Action::default()
    };
    let post = |action: Action, to: &str, busy: &str| Action {
        to: to.to_owned(),
        post: Some((busy.to_owned(), about(&id, account))),
        ..action
    };
    let mut actions = vec![post(action("try", "", "Test"), TestChannel::url(), "Sending…")];
    if channel.disabled_at.is_some() {
        actions.push(post(action("on", "", "Switch on"), EnableChannel::url(), "Saving…"));
    }
    if channel.kind == ChannelKind::Email {
        actions.push(action("edit", "edit", "Edit"));
    }
    actions.push(action("delete", "trash", "Delete"));
    actions
}

pub(super) fn sheet(page: &NoticeSettingsPage, wanted: Wanted, account: &str) -> Option<Sheet> {
    let found = || page.channels.iter().find(|channel| channel.id.to_string() == wanted.id);
    match (wanted.what, wanted.id) {
        ("edit", TIMES) => Some(times(page, account)),
        ("edit", _) => found()
            .filter(|channel| channel.kind == ChannelKind::Email)
            .map(|_| mail(page, format!("edit-{}", wanted.id), account)),
        ("register", "email") => Some(mail(page, "register-email".to_owned(), account)),
        ("register", "webhook") => Some(webhook(account)),
        ("register", "slack") => Some(slack(account)),
        ("delete", _) => found().map(|channel| delete(channel, account)),
        _ => None,
    }
}

/// A form in a panel.
fn panel(title: &str, opener: String, action: &str, form: &str, account: &str, parts: Vec<Part>) -> Sheet {
    Sheet {
        title: title.to_owned(),
        action: action.to_owned(),
        form: form.to_owned(),
        hidden: vec![("account".to_owned(), account.to_owned())],
        opener,
        submit: Some(("Save".to_owned(), "Saving…".to_owned())),
        parts: [vec![Part::Problem(None)], parts].concat(),
        ..Sheet::default()
    }
}

fn field(name: &str, label: &str, value: &str, hint: &str) -> Field {
    Field {
        value: value.to_owned(),
        hint: hint.to_owned(),
        ..Field::new(name, label)
    }
}

fn times(page: &NoticeSettingsPage, account: &str) -> Sheet {
    let settings = &page.settings;
    let parts = vec![
        Part::Field(Field {
            autofocus: true,
            ..field(
                "leads",
                "Days before an end",
                &settings.leads.to_string(),
                "With commas between them, from 1 to 365. A token that is stored later is told of once, not for each.",
            )
        }),
        Part::Field(field(
            "escalate_days",
            "Days until others are told",
            &settings.escalate_days.to_string(),
            "If nobody replaces the token, acknowledges the notice or puts it off: first the runtime's owner, then the admins.",
        )),
        Part::Field(field(
            "digest_hour",
            "Hour of the daily mail",
            &settings.digest_hour.to_string(),
            "From 0 to 23, in UTC.",
        )),
    ];
    let url = SaveNoticeTimes::url();
    panel(
        "When people are told",
        format!("edit-{TIMES}"),
        url,
        TIMES_FORM,
        account,
        parts,
    )
}

fn mail(page: &NoticeSettingsPage, opener: String, account: &str) -> Sheet {
    let known = page.mail.clone().unwrap_or_default();
    let protections = [
        ("start_tls", "STARTTLS"),
        ("tls", "TLS from the beginning"),
        ("none", "None, in a network of our own"),
    ];
    let parts = vec![
        Part::Field(Field {
            mono: true,
            autofocus: true,
            ..field("host", "Mail server", &known.host, "As in smtp.example.com.")
        }),
        Part::Select(
            field("protection", "Encryption", &known.protection, ""),
            protections
                .map(|(word, words)| (word.to_owned(), words.to_owned()))
                .to_vec(),
        ),
        Part::Field(Field {
            optional: true,
            ..field(
                "port",
                "Port",
                &known.port,
                "If left empty: 587, 465 or 25, as the encryption has it.",
            )
        }),
        Part::Field(Field {
            optional: true,
            ..field(
                "username",
                "Username",
                &known.username,
                "If left empty, Patchbay does not sign in there.",
            )
        }),
        Part::Field(Field {
            kind: "password".to_owned(),
            optional: true,
            ..field(
                "password",
                "Password",
                "",
                "Kept encrypted and never shown again. If left empty, the stored one stays.",
            )
        }),
        Part::Field(Field {
            kind: "email".to_owned(),
            ..field("from", "Sender", &known.from, "The address that mails come from.")
        }),
    ];
    panel("Mail server", opener, SaveMailServer::url(), MAIL_FORM, account, parts)
}

fn webhook(account: &str) -> Sheet {
    let parts = vec![
        Part::Field(Field {
            autofocus: true,
            ..field("name", "Name", "", "")
        }),
        Part::Field(Field {
            kind: "url".to_owned(),
            mono: true,
            ..field(
                "address",
                "Address",
                "",
                "Where the requests go, as in https://hooks.example.com/patchbay.",
            )
        }),
        Part::Sub("Its signing secret is shown once, when it is added.".to_owned()),
    ];
    panel(
        "Add webhook",
        "register-webhook".to_owned(),
        AddWebhook::url(),
        WEBHOOK_FORM,
        account,
        parts,
    )
}

fn slack(account: &str) -> Sheet {
    let parts = vec![
        Part::Field(Field {
            autofocus: true,
            ..field("name", "Name", "", "As in #platform.")
        }),
        Part::Field(Field {
            kind: "password".to_owned(),
            mono: true,
            ..field(
                "secret",
                "Address of the incoming webhook",
                "",
                "Whoever knows it may write there, so it is kept encrypted and never shown again.",
            )
        }),
    ];
    panel(
        "Add chat",
        "register-slack".to_owned(),
        AddSlack::url(),
        SLACK_FORM,
        account,
        parts,
    )
}

fn delete(channel: &ChannelView, account: &str) -> Sheet {
    let text = format!(
        "Nothing goes out to {} any more, and what waits for it is dropped.",
        plain(&channel.name)
    );
    Sheet {
        action: DeleteChannel::url().to_owned(),
        form: DELETE_FORM.to_owned(),
        ..deletion(
            &channel.id.to_string(),
            account,
            &channel.name,
            Some("Delete channel"),
            vec![Part::Text(text)],
        )
    }
}
