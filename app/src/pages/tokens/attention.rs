//! The banner: which tokens need the person, and why.

use super::shown;
use crate::components::notice::Notice;
use domain::{
    Expiry, Timestamp, TokenStatus,
    status::{ShownStatus, Tone},
    view::TokenRow,
};
use leptos::prelude::*;

/// The most reasons that are told; the table has them all.
const TOLD: usize = 4;

/// The banner, if there is anything to tell.
#[component]
pub(super) fn Attention<'r>(rows: &'r [TokenRow], now: Timestamp) -> impl IntoView + use<> {
    let mut reasons: Vec<(Tone, String)> = rows.iter().filter_map(|row| reason(row, now)).collect();
    let title = match reasons.len() {
        0 => return None,
        1 => "One of your tokens needs you.".to_owned(),
        count => format!("{count} of your tokens need you."),
    };
    let broken = |(tone, _): &(Tone, String)| *tone == Tone::Bad;
    let tone = if reasons.iter().any(broken) { "bad" } else { "warn" };
    // What is broken comes before what will break.
    reasons.sort_by_key(|reason| !broken(reason));
    let untold = reasons.len().saturating_sub(TOLD);
    let told = reasons
        .into_iter()
        .take(TOLD)
        .map(|(_, reason)| view! { <li>{reason}</li> })
        .collect_view();
    let untold = (untold > 0).then(|| view! { <li>{format!("and {untold} more below")}</li> });
    Some(view! {
        <Notice tone>
            <p><strong>{title}</strong></p>
            <ul class="reasons" role="list">
                {told}
                {untold}
            </ul>
        </Notice>
    })
}

/// Why a row's token needs the person, and how grave that is.
fn reason(row: &TokenRow, now: Timestamp) -> Option<(Tone, String)> {
    let name = &row.runtime_name;
    let token = row.token.as_ref()?;
    let provider = row.provider.kind.name();
    let shown = shown(row, now);
    let reason = match shown {
        ShownStatus::ExpiresSoon => match token.expiry {
            Expiry::At(end) => format!("{name} stops working {}", end.relative_to(now)),
            Expiry::Never | Expiry::Unknown => return None,
        },
        ShownStatus::Checked(TokenStatus::Expired) => format!("{name}: the token has expired"),
        ShownStatus::Checked(TokenStatus::Invalid) => format!("{name}: {provider} no longer accepts the token"),
        ShownStatus::Checked(TokenStatus::MissingScopes) => format!("{name}: the token lacks scopes"),
        ShownStatus::Checked(TokenStatus::SsoRequired) => format!("{name}: the token waits for single sign-on"),
        ShownStatus::Checked(TokenStatus::Valid | TokenStatus::Unverified | TokenStatus::ExcessScopes)
        | ShownStatus::NotAuthorized => return None,
    };
    Some((shown.tone(), reason))
}
