//! What the page *Git Personal Access Tokens* shows.

use super::{
    ago, badge, cell, columns, group, link_out, mark, name, remark, scope_names, stack, sub, text, unseen, when,
};
use crate::ssr::sheets::tokens::{About, actions};
use domain::{
    Expiry, HolderKind, RuntimeId, ScopeFinding, Timestamp, TokenStatus,
    page::{Attention, Bit, Cell, List, Row},
    scope::{Evidence, Standing},
    sheet::Action,
    status::{ShownStatus, Tone},
    view::{TokenRow, TokenView, TokensPage},
};

/// The most reasons that the banner tells; the table has them all.
const TOLD: usize = 4;
/// The most scopes beyond the profile that are shown at once; more are folded away.
const EXCESS_SHOWN: usize = 3;

/// Every runtime that the person may use, and their token for it; an admin may register more of them.
pub(crate) fn list(page: &TokensPage, admin: bool, account: &str) -> List {
    let authorized = page.rows.iter().filter(|row| row.token.is_some()).count();
    let (title, advice) = match (page.rows.is_empty(), admin) {
        (false, _) => ("Runtimes", ""),
        (true, true) => ("No runtimes yet", "Register a runtime, and add your token for it here."),
        (true, false) => (
            "No runtimes yet",
            "Your admin registers them. Ask for the one that you need, then add your token here.",
        ),
    };
    List {
        attention: attention(page),
        title: title.to_owned(),
        aside: format!("{authorized} of {} authorized", page.rows.len()),
        icon: "cpu".to_owned(),
        advice: advice.to_owned(),
        register: (admin && page.rows.is_empty()).then(|| Action {
            id: "register".to_owned(),
            primary: true,
            to: format!("/{account}/admin/runtimes"),
            label: "Register a runtime".to_owned(),
            ..Action::default()
        }),
        columns: columns(&["Runtime", "Token", "Scopes", "Status", "Expires"]),
        rows: page.rows.iter().map(|own| row(own, page, account)).collect(),
        ..List::default()
    }
}

/// The banner: which tokens need the person, and why.
fn attention(page: &TokensPage) -> Option<Attention> {
    let mut reasons: Vec<(Tone, String)> = page.rows.iter().filter_map(|row| reason(row, page.now)).collect();
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
    let told = reasons.into_iter().take(TOLD).map(|(_, reason)| reason);
    let untold = (untold > 0).then(|| format!("and {untold} more below"));
    Some(Attention {
        tone: tone.to_owned(),
        title,
        reasons: told.chain(untold).collect(),
    })
}

/// Why a row's token needs the person, and how grave that is.
fn reason(row: &TokenRow, now: Timestamp) -> Option<(Tone, String)> {
    let name = &row.runtime_name;
    let token = row.token.as_ref().filter(|_| !row.muted)?;
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
        ShownStatus::Checked(TokenStatus::InDoubt) => format!("{name}: a refresh of the token was interrupted"),
        ShownStatus::Checked(TokenStatus::Valid | TokenStatus::Unverified | TokenStatus::ExcessScopes)
        | ShownStatus::NotAuthorized => return None,
    };
    Some((shown.tone(), reason))
}

/// What is shown of a row's token at the moment of the page.
fn shown(row: &TokenRow, now: Timestamp) -> ShownStatus {
    row.token.as_ref().map_or(ShownStatus::NotAuthorized, |token| {
        ShownStatus::of(token.status, token.expiry, now)
    })
}

fn row(row: &TokenRow, page: &TokensPage, account: &str) -> Row {
    let provider = &row.provider;
    let status = shown(row, page.now);
    let siblings = page.rows.iter().filter(|other| other.provider.name == provider.name);
    let about = About {
        account,
        holder: HolderKind::User,
        runtime: row.runtime,
        name: &row.runtime_name,
    };
    Row {
        name: row.runtime_name.clone(),
        head: cell(
            "",
            vec![stack(vec![
                name(&row.runtime_name),
                mark(provider.kind, &provider.host),
            ])],
        ),
        cells: match &row.token {
            Some(token) => token_cells(row, token, status, page.now),
            None => vec![
                cell("wide", vec![sub("No token yet")]),
                cell("", vec![needs(row)]),
                cell("", vec![badge(status)]),
                cell("date", vec![sub("–")]),
            ],
        },
        actions: actions(&about, row.token.as_ref(), siblings.count() > 1),
        ..Row::default()
    }
}

/// What a token for the row needs.
fn needs(row: &TokenRow) -> Bit {
    let needs = if row.required.is_empty() { "needs none" } else { "needs" };
    group("row", vec![sub(needs), Bit::Words(scope_names(&row.required))])
}

fn token_cells(row: &TokenRow, token: &TokenView, status: ShownStatus, now: Timestamp) -> Vec<Cell> {
    let whose = [
        Bit::Code(token.about.clone(), token.hint.clone()),
        sub(&token.identity.login),
    ];
    let sso = token
        .sso_url
        .as_ref()
        .filter(|_| status == ShownStatus::Checked(TokenStatus::SsoRequired))
        .map(|url| Bit::Words(link_out(url, &format!("Authorize it at {}", row.provider.kind.name()))));
    let setback = token.setback.as_ref().map(|words| text(&format!(": {words}")));
    let checked = [text("checked "), ago(token.checked_at, now)]
        .into_iter()
        .chain(setback);
    let standing = [badge(status)]
        .into_iter()
        .chain(remark(next_step(token, status)))
        .chain(sso)
        .chain(remark(&token.rotation))
        .chain([group("sub", checked.collect()), group("sub", used(row, now))])
        .chain(remark(if row.muted { "muted" } else { "" }));
    let end = match token.expiry {
        Expiry::At(end) => when(end, now).to_vec(),
        // What stands below it says that it is refreshed.
        Expiry::Never if token.oauth && !token.expiry_note.is_empty() => Vec::new(),
        Expiry::Never => vec![text("never")],
        Expiry::Unknown => vec![text("unknown")],
    };
    let end = end.into_iter().chain(remark(&token.expiry_note));
    vec![
        cell(
            "wide",
            vec![stack(whose.into_iter().chain(shared_by(&token.shared)).collect())],
        ),
        cell("", scopes(&token.scopes)),
        cell("status-cell", vec![stack(standing.collect())]),
        cell("date", vec![stack(end.collect())]),
    ]
}

/// When the runtime last fetched the token.
fn used(row: &TokenRow, now: Timestamp) -> Vec<Bit> {
    match row.used_at {
        Some(at) => vec![text("used "), ago(at, now)],
        None => vec![text("not used yet")],
    }
}

/// What the person does next; what keeps an OAuth token from being refreshed says that itself.
fn next_step(token: &TokenView, status: ShownStatus) -> &'static str {
    if token.oauth && !token.rotation.is_empty() {
        ""
    } else {
        status.next_step()
    }
}

/// How many runtimes a token serves, if it is more than one; which, in the title and for screen readers.
fn shared_by(others: &[(RuntimeId, String)]) -> Option<Bit> {
    let names: Vec<&str> = others.iter().map(|(_, name)| name.as_str()).collect();
    (!names.is_empty()).then(|| {
        let names = format!("also for {}", names.join(", "));
        let shared = text(&format!("shared by {} runtimes", others.len() + 1));
        let spoken = unseen(&format!(": {names}"));
        Bit::Group("sub".to_owned(), names, vec![shared, spoken])
    })
}

/// The scopes of a token against the profile.
fn scopes(findings: &[ScopeFinding]) -> Vec<Bit> {
    if findings.is_empty() {
        return vec![sub("none")];
    }
    let is_excess = |finding: &&ScopeFinding| finding.standing == Standing::Excess;
    let folds = findings.iter().filter(is_excess).count() > EXCESS_SHOWN;
    let (rest, shown): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| folds && is_excess(finding));
    let chips = |findings: Vec<&ScopeFinding>| findings.into_iter().map(chip).collect::<Vec<_>>();
    let mut bits = vec![Bit::Chips(chips(shown))];
    if folds {
        bits.push(Bit::Folded(format!("{} not needed", rest.len()), chips(rest)));
    }
    bits
}

/// A scope of a token. How it is known is in its title, and read to those who do not see it.
fn chip(finding: &ScopeFinding) -> Bit {
    let name = finding.scope.as_str();
    let (class, words, standing) = match finding.standing {
        Standing::Granted => ("chip", name.to_owned(), "granted"),
        Standing::Missing => ("chip missing", format!("{name} missing"), "missing"),
        Standing::Excess => ("chip excess", format!("+ {name}"), "not needed"),
        Standing::Unknown => ("chip unknown", format!("{name} ?"), "may or may not be granted"),
    };
    let story = match finding.evidence {
        Evidence::Unknown => standing.to_owned(),
        Evidence::Declared | Evidence::Probed => format!("{standing}, {}", finding.evidence.words()),
    };
    let spoken = unseen(&format!(" ({story})"));
    Bit::Group(class.to_owned(), story, vec![text(&words), spoken])
}
