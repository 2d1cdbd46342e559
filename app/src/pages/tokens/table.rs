//! One row: a runtime, and the person's token for it.

use super::shown;
use crate::components::{
    actions::Actions,
    icon::ProviderMark,
    scopes::{ScopeFindings, ScopeNames},
    status::StatusBadge,
    when::{Ago, When},
    words::link_out,
};
use domain::{
    Expiry, ProviderKind, RuntimeId, Timestamp, TokenStatus,
    status::ShownStatus,
    view::{TokenRow, TokenView},
};
use leptos::prelude::*;

/// A runtime and the person's token for it.
#[component]
pub(super) fn Row(row: TokenRow, now: Timestamp) -> impl IntoView {
    let status = shown(&row, now);
    let TokenRow {
        runtime_name: name,
        provider,
        required,
        token,
        actions,
        ..
    } = row;
    let cells = match token {
        Some(token) => view! { <TokenCells token status now kind=provider.kind/> }.into_any(),
        None => view! {
            <td data-label="Token" class="wide">
                <span class="sub">"No token yet"</span>
            </td>
            <td data-label="Scopes">
                <div class="row">
                    <span class="sub">{if required.is_empty() { "needs none" } else { "needs" }}</span>
                    <ScopeNames scopes=required/>
                </div>
            </td>
            <td data-label="Status">
                <StatusBadge status/>
            </td>
            <td data-label="Expires" class="date">
                <span class="sub">"–"</span>
            </td>
        }
        .into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                <div class="stack">
                    <span class="name">{name.clone()}</span>
                    <ProviderMark kind=provider.kind text=provider.host/>
                </div>
            </th>
            {cells}
            <Actions actions about=name/>
        </tr>
    }
}

/// How many runtimes a token serves, if it is more than one; which, in the title and for screen readers.
fn shared_by(others: &[(RuntimeId, String)]) -> Option<impl IntoView + use<>> {
    let names: Vec<&str> = others.iter().map(|(_, name)| name.as_str()).collect();
    (!names.is_empty()).then(|| {
        let names = format!("also for {}", names.join(", "));
        view! {
            <span class="sub" title=names.clone()>
                {format!("shared by {} runtimes", others.len() + 1)}
                <span class="unseen">{format!(": {names}")}</span>
            </span>
        }
    })
}

#[component]
fn TokenCells(token: TokenView, status: ShownStatus, now: Timestamp, kind: ProviderKind) -> impl IntoView {
    let end = match token.expiry {
        Expiry::At(end) => view! { <When at=end now/> }.into_any(),
        Expiry::Never => "never".into_any(),
        Expiry::Unknown => "unknown".into_any(),
    };
    let note = token.expiry_note;
    let note = (!note.is_empty()).then(|| view! { <span class="sub">{note}</span> });
    let expires = view! { <div class="stack">{end} {note}</div> };
    let sso = token
        .sso_url
        .filter(|_| status == ShownStatus::Checked(TokenStatus::SsoRequired))
        .map(|url| link_out(url, format!("Authorize it at {}", kind.name())));
    let checked = view! {
        <span class="sub">"checked " <Ago at=token.checked_at now/> {token.setback.map(|words| format!(": {words}"))}</span>
    };
    let next_step = status.next_step();
    view! {
        <td data-label="Token" class="wide">
            <div class="stack">
                <code title=token.about>{token.hint}</code>
                <span class="sub">{token.login}</span>
                {shared_by(&token.shared)}
            </div>
        </td>
        <td data-label="Scopes">
            <ScopeFindings findings=token.chips/>
        </td>
        <td data-label="Status" class="status-cell">
            <div class="stack">
                <StatusBadge status/>
                {(!next_step.is_empty()).then(|| view! { <span class="sub">{next_step}</span> })}
                {sso}
                {(!token.rotation.is_empty()).then(|| view! { <span class="sub">{token.rotation}</span> })}
                {checked}
            </div>
        </td>
        <td data-label="Expires" class="date">{expires}</td>
    }
}
