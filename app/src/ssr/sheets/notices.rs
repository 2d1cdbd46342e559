//! What opens over the page *Notifications*.

use super::{Wanted, about};
use crate::{calls::notices::SnoozeNotice, ssr::pages::notices::days};
use backend::notices::NoticesPage;
use domain::{
    guide::plain,
    sheet::{Action, Field, Part, Sheet},
};
use leptos::server_fn::ServerFn as _;

/// The form that puts a notice off.
pub(crate) const SNOOZE_FORM: &str = "snooze";
/// For how many days.
const CHOICES: [u16; 6] = [1, 3, 7, 14, 30, 90];

/// The action that opens it.
pub(crate) fn snooze(id: &str, sentence: &str, account: &str) -> Action {
    Action {
        id: format!("snooze-{id}"),
        label: "Put off".to_owned(),
        about: sentence.to_owned(),
        icon: "clock".to_owned(),
        to: format!("/{account}/notifications?snooze={id}"),
        ..Action::default()
    }
}

pub(super) fn sheet(page: &NoticesPage, wanted: Wanted, account: &str) -> Option<Sheet> {
    if wanted.what != "snooze" {
        return None;
    }
    let told = page
        .notices
        .iter()
        .map(|notice| &notice.told)
        .find(|told| told.id.to_string() == wanted.id)?;
    let choices = CHOICES.map(|choice| (choice.to_string(), days(choice)));
    Some(Sheet {
        title: "Put this off".to_owned(),
        action: SnoozeNotice::url().to_owned(),
        form: SNOOZE_FORM.to_owned(),
        hidden: about(wanted.id, account),
        opener: format!("snooze-{}", wanted.id),
        submit: Some(("Put off".to_owned(), "Saving…".to_owned())),
        parts: vec![
            Part::Problem(None),
            Part::Text(plain(&told.sentence)),
            Part::Select(
                Field {
                    value: "7".to_owned(),
                    ..Field::new("days", "For")
                },
                choices.to_vec(),
            ),
            Part::Sub("Until then you hear nothing of it, and others are told later.".to_owned()),
        ],
        ..Sheet::default()
    })
}
