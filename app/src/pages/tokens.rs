//! Git Personal Access Tokens: every runtime that the person may use, and their token for it.

use crate::{
    calls::tokens::{CheckToken, DELETE_FORM, DeleteToken, PutToken, TOKEN_FORM, Tokens, load_tokens},
    components::{
        dialog::Modal,
        empty::Empty,
        form::{FormProblem, Hidden, PostForm, Submit, TextField},
        icon::{Icon, ProviderMark},
        notice::Notice,
        page::{ErrorPage, Loading, PageHead},
        scopes::{ScopeFindings, ScopeNames},
        shell::account,
        status::StatusBadge,
        when::{Ago, When},
    },
    state::app_state,
};
use domain::{
    CheckOutcome, Expiry, ProviderKind, Setback, Timestamp, TokenStatus,
    guide::{Guide, Piece, guide},
    status::ShownStatus,
    token_format::{Recognition, TokenFormat},
    view::{TokenRow, TokenView},
};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;

/// The page.
#[component]
pub(crate) fn TokensPage() -> impl IntoView {
    let account = account();
    let changes = app_state().changes;
    let page = Resource::new(
        move || (account.get(), changes.get()),
        |(account, _)| load_tokens(account),
    );
    let content = move || {
        Suspend::new(async move {
            match page.await {
                Ok(page) => view! { <Content page account=account.get_untracked()/> }.into_any(),
                Err(error) => view! { <ErrorPage error/> }.into_any(),
            }
        })
    };
    view! {
        <PageHead
            title="Git Personal Access Tokens"
            lead="Authorize access to your Git provider accounts, once for each runtime that acts for you."
        />
        <Transition fallback=Loading>{content}</Transition>
    }
}

#[component]
fn Content(page: Tokens, account: String) -> impl IntoView {
    let Tokens { page, admin } = page;
    if page.rows.is_empty() {
        return view! { <NoRuntimes admin account/> }.into_any();
    }
    let authorized = page.rows.iter().filter(|row| row.token.is_some()).count();
    let count = format!("{authorized} of {} authorized", page.rows.len());
    let base = format!("/{account}/tokens");
    let now = page.now;
    let rows = page
        .rows
        .iter()
        .map(|row| view! { <Row row=row.clone() now account=account.clone() base=base.clone()/> })
        .collect_view();
    view! {
        {attention(&page.rows, now)}
        <section class="card">
            <header>
                <h2>"Runtimes"</h2>
                <span class="sub">{count}</span>
            </header>
            <div class="scroller">
                <table class="cards">
                    <thead>
                        <tr>
                            <th scope="col">"Runtime"</th>
                            <th scope="col">"Token"</th>
                            <th scope="col">"Scopes"</th>
                            <th scope="col">"Status"</th>
                            <th scope="col">"Expires"</th>
                            <th scope="col" class="end">
                                <span class="unseen">"Actions"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
        <Panels rows=page.rows account base/>
    }
    .into_any()
}

#[component]
fn NoRuntimes(admin: bool, account: String) -> impl IntoView {
    let next = if admin {
        view! {
            <a class="button primary" href=format!("/{account}/admin/runtimes")>
                "Register a runtime"
            </a>
        }
        .into_any()
    } else {
        ().into_any()
    };
    let text = if admin {
        "Register a runtime, and add your token for it here."
    } else {
        "Your admin registers them. Ask for the one that you need, then add your token here."
    };
    view! {
        <section class="card">
            <Empty icon="cpu" title="No runtimes yet" text>
                {next}
            </Empty>
        </section>
    }
}

/// What is shown of a row's token at the moment of the page.
fn shown(row: &TokenRow, now: Timestamp) -> ShownStatus {
    row.token.as_ref().map_or(ShownStatus::NotAuthorized, |token| {
        ShownStatus::of(token.status, token.expiry, now)
    })
}

/// The banner: which tokens need the person, and why.
fn attention(rows: &[TokenRow], now: Timestamp) -> Option<AnyView> {
    let reasons: Vec<String> = rows.iter().filter_map(|row| reason(row, now)).collect();
    let title = match reasons.len() {
        0 => return None,
        1 => "One of your tokens needs you.".to_owned(),
        count => format!("{count} of your tokens need you."),
    };
    let tone = if rows
        .iter()
        .any(|row| !matches!(shown(row, now), ShownStatus::ExpiresSoon) && reason(row, now).is_some())
    {
        "bad"
    } else {
        "warn"
    };
    Some(
        view! {
            <Notice tone>
                <p><strong>{title}</strong> " " {reasons.join("; ")} "."</p>
            </Notice>
        }
        .into_any(),
    )
}

/// Why a row's token needs the person.
fn reason(row: &TokenRow, now: Timestamp) -> Option<String> {
    let name = &row.runtime_name;
    let token = row.token.as_ref()?;
    let provider = row.provider.kind.name();
    match shown(row, now) {
        ShownStatus::ExpiresSoon => match token.expiry {
            Expiry::At(end) => Some(format!("{name} stops working {}", end.relative_to(now))),
            Expiry::Never | Expiry::Unknown => None,
        },
        ShownStatus::Checked(TokenStatus::Expired) => Some(format!("the one for {name} has expired")),
        ShownStatus::Checked(TokenStatus::Invalid) => Some(format!("{provider} refuses the one for {name}")),
        ShownStatus::Checked(TokenStatus::MissingScopes) => Some(format!("the one for {name} lacks scopes")),
        ShownStatus::Checked(TokenStatus::SsoRequired) => Some(format!("the one for {name} wants single sign-on")),
        ShownStatus::Checked(TokenStatus::Valid | TokenStatus::Unverified | TokenStatus::ExcessScopes)
        | ShownStatus::NotAuthorized => None,
    }
}

#[component]
fn Row(row: TokenRow, now: Timestamp, account: String, base: String) -> impl IntoView {
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
            let checked = name.clone();
            let actions = view! {
                <div class="actions">
                    <a
                        class="button"
                        id=format!("replace-{runtime}")
                        href=format!("{base}?replace={runtime}")
                        data-noscroll=""
                    >
                        "Replace"
                        <span class="unseen">" token for "{about.clone()}</span>
                    </a>
                    <div class="minor">
                        <PostForm action=CheckToken::url()>
                            <Hidden name="account" value=account/>
                            <Hidden name="runtime" value=runtime.to_string()/>
                            <Submit label="Check now" busy="Checking…" class="button quiet" about=checked/>
                        </PostForm>
                        <a
                            class="button quiet"
                            id=format!("delete-{runtime}")
                            href=format!("{base}?delete={runtime}")
                            data-noscroll=""
                        >
                            "Delete"
                            <span class="unseen">" token for "{about.clone()}</span>
                        </a>
                    </div>
                </div>
            };
            view! { <TokenCells token status now kind=provider.kind/> <td class="end">{actions}</td> }.into_any()
        }
        None => view! {
            <td data-label="Token" class="wide">
                <span class="sub">"No token yet"</span>
            </td>
            <td data-label="Scopes">
                <span class="sub">"needs "</span>
                <ScopeNames scopes=required/>
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
    let last = token.last_check;
    let setback = match &last.outcome {
        CheckOutcome::Unchanged(setback) => Some(setback_words(setback, kind)),
        CheckOutcome::Accepted(_) | CheckOutcome::Refused(_) => None,
    };
    let checked = view! {
        <span class="sub">"checked " <Ago at=last.at now/> {setback.map(|words| format!(": {words}"))}</span>
    };
    let next_step = status.next_step();
    view! {
        <td data-label="Token" class="wide">
            <div class="stack">
                <code title=token.format>{token.hint}</code>
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
                {checked}
            </div>
        </td>
        <td data-label="Expires" class="date">{expires}</td>
    }
}

/// Why the last check told nothing.
fn setback_words(setback: &Setback, kind: ProviderKind) -> String {
    let provider = kind.name();
    match setback {
        Setback::RateLimited { .. } => format!("{provider} took no more requests"),
        Setback::Unreachable(trouble) => format!("{provider} could not be asked, {}", trouble.words()),
        Setback::Forbidden => format!("{provider} refused the request"),
    }
}

/// The panel or dialog that the address asks for.
#[component]
fn Panels(rows: Vec<TokenRow>, account: String, base: String) -> impl IntoView {
    let query = use_query_map();
    let rows = StoredValue::new(rows);
    move || {
        let query = query.read();
        let find = |id: String| rows.with_value(|rows| rows.iter().find(|row| row.runtime.to_string() == id).cloned());
        let (account, base) = (account.clone(), base.clone());
        if let Some(row) = query.get("add").or_else(|| query.get("replace")).and_then(find) {
            Some(view! { <TokenPanel row account base/> }.into_any())
        } else {
            let row = query.get("delete").and_then(find).filter(|row| row.token.is_some())?;
            Some(view! { <Delete row account base/> }.into_any())
        }
    }
}

#[component]
fn TokenPanel(row: TokenRow, account: String, base: String) -> impl IntoView {
    let TokenRow {
        runtime,
        runtime_name: name,
        provider,
        required,
        token,
        ..
    } = row;
    let kind = provider.kind;
    let (title, label, opener) = if token.is_some() {
        (
            format!("Replace token for {name}"),
            "Replace",
            format!("replace-{runtime}"),
        )
    } else {
        (format!("Add token for {name}"), "Add token", format!("add-{runtime}"))
    };
    let below = view! {
        <ProviderMark kind text=format!("{} · {}", provider.name, provider.host)/>
    }
    .into_any();
    let guide = guide(kind, &provider.base_url, &name, &required);
    let link = guide.link.clone();
    view! {
        <Modal class="panel" title below close=base.clone() opener>
            <PostForm action=PutToken::url() id=TOKEN_FORM class="panel-form">
                <div class="panel-body">
                    <p>
                        {format!(
                            "Patchbay needs access to your {} account to act for you in this runtime. Authorize it, or provide a personal access token.",
                            kind.name(),
                        )}
                    </p>
                    <div>
                        <button
                            class="button wide"
                            type="button"
                            aria-disabled="true"
                            aria-describedby="no-oauth"
                        >
                            {format!("Authorize access to {}", kind.name())}
                        </button>
                        <p class="hint" id="no-oauth">
                            "No OAuth application is registered for this provider. Contact your admin for help"
                        </p>
                    </div>
                    <details open>
                        <summary>"Advanced authorization options"</summary>
                        <div class="details-body">
                            <FormProblem generate=link/>
                            <TokenField kind/>
                            <Steps guide kind/>
                        </div>
                    </details>
                    <Hidden name="runtime" value=runtime.to_string()/>
                    <Hidden name="account" value=account/>
                </div>
                <footer>
                    <a class="button" href=base data-noscroll="">
                        "Cancel"
                    </a>
                    <Submit label busy=format!("Checking with {}…", kind.name())/>
                </footer>
            </PostForm>
        </Modal>
    }
}

/// The field, which tells at once what kind of token was pasted. The server looks again.
#[component]
fn TokenField(kind: ProviderKind) -> impl IntoView {
    let seen = RwSignal::new(Recognition::Unknown);
    let placeholder = match kind {
        ProviderKind::GitHub => "ghp_… or github_pat_…",
    };
    let hint = view! {
        <div aria-live="polite">
            {move || {
                let seen = seen.get();
                match (seen, seen.objection(kind)) {
                    (_, Some(objection)) => Some(view! {
                        <div class="field-error">
                            <Icon name="alert"/>
                            <span>{objection}</span>
                        </div>
                    }.into_any()),
                    (Recognition::Fits(format), None) => Some(view! {
                        <div class="field-good">
                            <Icon name="check"/>
                            <span>{format.name()}</span>
                        </div>
                    }.into_any()),
                    (_, None) => None,
                }
            }}
        </div>
        {format!("Checked with {} before it is stored. Nobody can read it back, you included.", kind.name())}
    }
    .into_any();
    view! {
        <TextField
            name="token"
            label="Personal access token"
            kind="password"
            mono=true
            placeholder
            hint
            on_input=Callback::new(move |typed: String| seen.set(TokenFormat::recognise(&typed, kind)))
        />
    }
}

/// The steps to generate a token.
#[component]
fn Steps(guide: Guide, kind: ProviderKind) -> impl IntoView {
    let steps = guide
        .steps
        .into_iter()
        .map(|step| {
            let pieces = step
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(words) => words.into_any(),
                    Piece::Label(words) => view! { <b>{words}</b> }.into_any(),
                    Piece::Scopes(scopes) => view! { <ScopeNames scopes/> }.into_any(),
                })
                .collect_view();
            view! { <li>{pieces}</li> }
        })
        .collect_view();
    view! {
        <section class="box" aria-labelledby="steps-title">
            <div class="box-head">
                <h3 id="steps-title">"Generate one"</h3>
                <a class="button" href=guide.link target="_blank" rel="noopener noreferrer">
                    {format!("Open {}, filled in", kind.name())}
                    <Icon name="out"/>
                    <span class="unseen">" (opens in a new tab)"</span>
                </a>
            </div>
            <ol class="steps">{steps}</ol>
        </section>
    }
}

#[component]
fn Delete(row: TokenRow, account: String, base: String) -> impl IntoView {
    let TokenRow {
        runtime,
        runtime_name: name,
        provider,
        ..
    } = row;
    let provider_name = provider.kind.name();
    let settings = match provider.kind {
        ProviderKind::GitHub => format!("{}/settings/tokens", provider.base_url.trim_end_matches('/')),
    };
    view! {
        <Modal
            class="dialog"
            title=format!("Delete the token for {name}?")
            close=base.clone()
            opener=format!("delete-{runtime}")
        >
            <PostForm action=DeleteToken::url() id=DELETE_FORM class="panel-form">
                <div class="panel-body">
                    <FormProblem/>
                    <p>
                        {format!("{name} can no longer act for you. The runtime itself and the tokens of others are not affected.")}
                    </p>
                    <p>
                        {format!("The token itself stays valid at {provider_name}: ")}
                        <a href=settings target="_blank" rel="noopener noreferrer">
                            "revoke it there"
                            <span class="unseen">" (opens in a new tab)"</span>
                        </a> "."
                    </p>
                    <Hidden name="runtime" value=runtime.to_string()/>
                    <Hidden name="account" value=account/>
                </div>
                <footer>
                    <a class="button" href=base data-noscroll="">
                        "Cancel"
                    </a>
                    <Submit label="Delete token" busy="Deleting…" class="button danger"/>
                </footer>
            </PostForm>
        </Modal>
    }
}
