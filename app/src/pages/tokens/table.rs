//! One row: a runtime, and the person's token for it.

use super::shown;
use crate::{
    calls::tokens::CheckToken,
    components::{
        form::{Hidden, PostForm, Submit},
        icon::ProviderMark,
        scopes::{ScopeFindings, ScopeNames},
        status::StatusBadge,
        tool::ToolLink,
        when::{Ago, When},
    },
};
use domain::{
    Expiry, ProviderKind, Timestamp, TokenStatus,
    status::ShownStatus,
    view::{TokenRow, TokenView},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// A runtime and the person's token for it.
#[component]
pub(super) fn Row(row: TokenRow, now: Timestamp, account: String, base: String) -> impl IntoView {
    let status = shown(&row, now);
    let TokenRow {
        runtime,
        runtime_name: name,
        provider,
        required,
        token,
        ..
    } = row;
    let cells = match token {
        Some(token) => {
            let about = name.clone();
            let token_for = format!("token for {name}");
            let actions = view! {
                <div class="actions">
                    <a class="button" id=format!("replace-{runtime}") href=format!("{base}?replace={runtime}") data-noscroll="">
                        "Replace"
                        <span class="unseen">" "{token_for.clone()}</span>
                    </a>
                    <PostForm action=CheckToken::url()>
                        <Hidden name="account" value=account/>
                        <Hidden name="runtime" value=runtime.to_string()/>
                        <Submit
                            label="Check now"
                            busy="Checking…"
                            class="button quiet tool"
                            icon="refresh"
                            id=format!("check-{runtime}")
                            about
                        />
                    </PostForm>
                    <ToolLink
                        id=format!("delete-{runtime}")
                        href=format!("{base}?delete={runtime}")
                        icon="trash"
                        label="Delete"
                        about=token_for.clone()
                    />
                </div>
            };
            view! { <TokenCells token status now kind=provider.kind/> <td class="end">{actions}</td> }.into_any()
        }
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
            <td class="end">
                <div class="actions">
                    <a class="button primary" id=format!("add-{runtime}") href=format!("{base}?add={runtime}") data-noscroll="">
                        "Add token"
                        <span class="unseen">" for "{name.clone()}</span>
                    </a>
                </div>
            </td>
        }
        .into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                <div class="stack">
                    <span class="name">{name}</span>
                    <ProviderMark kind=provider.kind text=provider.host/>
                </div>
            </th>
            {cells}
        </tr>
    }
}

#[component]
fn TokenCells(token: TokenView, status: ShownStatus, now: Timestamp, kind: ProviderKind) -> impl IntoView {
    let expires = match token.expiry {
        Expiry::At(end) => view! { <When at=end now/> }.into_any(),
        Expiry::Never => view! {
            <div class="stack">
                <span>"never"</span>
                <span class="sub">{format!("says {}", kind.name())}</span>
            </div>
        }
        .into_any(),
        Expiry::Unknown => view! {
            <div class="stack">
                <span>"unknown"</span>
                <span class="sub">{format!("{} does not tell", kind.name())}</span>
            </div>
        }
        .into_any(),
    };
    let sso = token
        .sso_url
        .filter(|_| status == ShownStatus::Checked(TokenStatus::SsoRequired))
        .map(|url| {
            view! {
                <a href=url target="_blank" rel="noopener noreferrer">
                    "Authorize it at "
                    {kind.name()}
                    <span class="unseen">" (opens in a new tab)"</span>
                </a>
            }
        });
    let checked = view! {
        <span class="sub">"checked " <Ago at=token.checked_at now/> {token.setback.map(|words| format!(": {words}"))}</span>
    };
    let next_step = status.next_step();
    view! {
        <td data-label="Token" class="wide">
            <div class="stack">
                <code title=token.about>{token.hint}</code>
                <span class="sub">{token.identity.login}</span>
            </div>
        </td>
        <td data-label="Scopes">
            <ScopeFindings findings=token.scopes/>
        </td>
        <td data-label="Status" class="status-cell">
            <div class="stack">
                <StatusBadge status/>
                {(!next_step.is_empty()).then(|| view! { <span class="sub">{next_step}</span> })}
                {sso}
                {token.rotation.map(|words| view! { <span class="sub">{words}</span> })}
                {checked}
            </div>
        </td>
        <td data-label="Expires" class="date">{expires}</td>
    }
}
