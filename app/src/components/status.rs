//! The badge of a status: colour, icon and word.

use super::icon::Icon;
use domain::status::{ShownStatus, TokenStatus, Tone};
use leptos::prelude::*;

/// The badge.
#[component]
pub(crate) fn StatusBadge(status: ShownStatus) -> impl IntoView {
    view! {
        <span class=format!("status {}", tone_class(status.tone()))>
            <Icon name=icon(status)/>
            {status.words()}
        </span>
    }
}

const fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Idle => "idle",
    }
}

const fn icon(status: ShownStatus) -> &'static str {
    match status {
        ShownStatus::Checked(TokenStatus::Valid) => "ok",
        ShownStatus::Checked(TokenStatus::Unverified) => "help",
        ShownStatus::Checked(TokenStatus::ExcessScopes) => "alert",
        ShownStatus::Checked(TokenStatus::MissingScopes | TokenStatus::Invalid | TokenStatus::Expired) => "bad",
        ShownStatus::Checked(TokenStatus::SsoRequired) => "lock",
        ShownStatus::ExpiresSoon => "clock",
        ShownStatus::NotAuthorized => "dash",
    }
}
