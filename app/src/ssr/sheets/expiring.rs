//! What opens over the page *Expiring tokens*: all that is to be known of a token.

use crate::{
    AppError,
    calls::expiring::{CheckTokens, MakeCalendarLink, RemoveCalendarLink},
    error::Problem,
    ssr::{
        PageQuery, id,
        pages::{
            ago,
            audit::{action_words, kind_words},
            badge,
            expiring::holder,
            text, when,
        },
    },
};
use backend::{
    audit::Record,
    expiring::{TokenDetail, TokenUse},
};
use domain::{
    CheckOutcome, Expiry, GitTokenId, ProviderKind, Refusal, Timestamp,
    page::Bit,
    scope::Standing,
    sheet::{Action, Part, Sheet},
    status::ShownStatus,
};
use leptos::server_fn::ServerFn as _;

/// What opens the sheet.
pub(crate) const OPENER: &str = "token";
/// How many events of a token are shown.
pub(crate) const EVENTS: u64 = 10;
/// The most users of a token that are named.
const NAMED: usize = 12;

/// The action of a row that opens it, over the list as it is shown.
pub(crate) fn action(token: GitTokenId, about: &str, query: &PageQuery, base: &str) -> Action {
    Action {
        id: format!("details-{token}"),
        label: "Details".to_owned(),
        about: format!("of {about}"),
        icon: "info".to_owned(),
        to: query.with(OPENER, &token.to_string()).at(base),
        ..Action::default()
    }
}

/// The sheet.
pub(crate) fn sheet(detail: &TokenDetail, record: &[Record], account: &str) -> Sheet {
    let TokenDetail { now, line, view, .. } = detail;
    let kind = line.provider.kind;
    let (holder, address) = holder(line);
    let shown = ShownStatus::of(line.status, line.expiry, *now);
    let mut status = vec![badge(shown)];
    status.extend(said(shown.next_step()));
    let mut end = end(line.expiry, *now);
    end.extend(said(&view.expiry_note));
    let mut facts = vec![
        fact("Holder", vec![text(&format!("{holder} · {address}"))]),
        fact("Git identity", vec![text(&view.identity.login)]),
        fact(
            "Token",
            vec![
                Bit::Code(view.about.clone(), view.hint.clone()),
                text(&format!(" {}", line.kind)),
            ],
        ),
        fact("Status", status),
        fact("Expires", end),
    ];
    if let Some(end) = line.refresh_ends {
        facts.push(fact("Refresh token", when(end, *now).to_vec()));
    }
    if !view.rotation.is_empty() {
        facts.push(fact("Rotation", vec![text(&view.rotation)]));
    }
    Sheet {
        title: format!("{}, {holder}", line.runtime),
        below: Some((kind.as_str().to_owned(), line.provider.host.clone())),
        action: CheckTokens::url().to_owned(),
        form: "check-token".to_owned(),
        hidden: vec![
            ("account".to_owned(), account.to_owned()),
            ("chosen[]".to_owned(), line.id.to_string()),
        ],
        opener: format!("details-{}", line.id),
        submit: Some(("Check now".to_owned(), "Starting…".to_owned())),
        parts: vec![
            Part::Problem(None),
            Part::Facts(String::new(), facts),
            blast_radius(detail),
            scopes(detail),
            checks(detail, kind),
            events(record, *now),
        ],
        ..Sheet::default()
    }
}

/// The form that makes a calendar's link.
pub(crate) const CALENDAR_FORM: &str = "calendar";

/// The sheet about the admin's calendar: when its link was made, and now.
pub(crate) fn calendar((made, now): (Option<Timestamp>, Timestamp), account: &str) -> Sheet {
    let account_field = || vec![("account".to_owned(), account.to_owned())];
    let mut parts = vec![
        Part::Problem(None),
        Part::Text(
            "Subscribe to a calendar that has every day of the next six months on which tokens end, and keeps up to date."
                .to_owned(),
        ),
    ];
    parts.push(Part::Notice(
        "warn".to_owned(),
        "Whoever has the link can read which tokens end when, and whose they are. No token is in it. It is shown once; it ends when \
         you remove it, make another, or are no admin any more."
            .to_owned(),
    ));
    let mut remove = None;
    if let Some(made) = made {
        parts.push(Part::Sub(format!(
            "Your link was made on {} ({}). A new one takes its place: then the old one shows nothing any more.",
            made.date(),
            made.relative_to(now)
        )));
        remove = Some(Action {
            id: "remove-calendar".to_owned(),
            label: "Remove the link".to_owned(),
            to: RemoveCalendarLink::url().to_owned(),
            post: Some(("Removing…".to_owned(), account_field())),
            ..Action::default()
        });
    }
    let offer = if made.is_some() {
        "Make a new link"
    } else {
        "Make a link"
    };
    Sheet {
        title: "Expiries in your calendar".to_owned(),
        action: MakeCalendarLink::url().to_owned(),
        form: CALENDAR_FORM.to_owned(),
        hidden: account_field(),
        opener: "calendar".to_owned(),
        submit: Some((offer.to_owned(), "Making it…".to_owned())),
        lead: (Vec::new(), remove),
        parts,
        ..Sheet::default()
    }
}

/// The tokens that are ticked in the list.
pub(crate) fn chosen(ticked: &[String]) -> Result<Vec<GitTokenId>, AppError> {
    if ticked.is_empty() {
        return Err(Problem::new("No token is ticked.", "Tick those that you mean, then try again.").into());
    }
    ticked.iter().map(|token| id(token)).collect()
}

fn fact(what: &str, how: Vec<Bit>) -> (String, Vec<Bit>) {
    (what.to_owned(), how)
}

/// A sentence below other words, if there is one.
fn said(sentence: &str) -> Option<Bit> {
    (!sentence.is_empty()).then(|| Bit::Group("sub block".to_owned(), String::new(), vec![text(sentence)]))
}

fn end(expiry: Expiry, now: Timestamp) -> Vec<Bit> {
    match expiry {
        Expiry::At(end) => when(end, now).to_vec(),
        Expiry::Never => vec![text("never")],
        Expiry::Unknown => vec![text("unknown")],
    }
}

/// What stops working with the token, and when.
fn blast_radius(detail: &TokenDetail) -> Part {
    let shown = ShownStatus::of(detail.line.status, detail.line.expiry, detail.now);
    let works = shown.tone() != domain::status::Tone::Bad;
    let title = match (works, detail.line.expiry) {
        (false, _) => "What does not work".to_owned(),
        (true, Expiry::At(end)) => format!("What stops working on {}", end.date()),
        (true, _) => "What would stop working with it".to_owned(),
    };
    let mut facts: Vec<_> = detail
        .uses
        .iter()
        .take(NAMED)
        .map(
            |TokenUse {
                 runtime,
                 person,
                 used_at,
             }| {
                let who = person.as_ref().map_or_else(
                    || "the runtime itself".to_owned(),
                    |person| format!("what it does for {person}"),
                );
                let mut how = vec![text(&who)];
                how.extend(match used_at {
                    Some(at) => said(&format!(
                        "last fetched {}, on {}",
                        at.relative_to(detail.now),
                        at.date_time()
                    )),
                    None => said("never fetched by this runtime"),
                });
                fact(runtime, how)
            },
        )
        .collect();
    if detail.uses.len() > NAMED {
        facts.push(fact("and", vec![text(&format!("{} more", detail.uses.len() - NAMED))]));
    }
    if detail.people > 0 {
        let people = match detail.people {
            1 => "1 person who may use it".to_owned(),
            many => format!("{many} people who may use it"),
        };
        facts.push(fact("People", vec![text(&people)]));
    }
    Part::Facts(title, facts)
}

/// The scopes of the token, and how each is known.
fn scopes(detail: &TokenDetail) -> Part {
    let facts = detail.view.scopes.iter().map(|finding| {
        let standing = match finding.standing {
            Standing::Granted => "granted",
            Standing::Missing => "missing",
            Standing::Excess => "not needed",
            Standing::Unknown => "may or may not be granted",
        };
        fact(
            finding.scope.as_str(),
            vec![text(&format!("{standing}, {}", finding.evidence.words()))],
        )
    });
    let facts: Vec<_> = facts.collect();
    if facts.is_empty() {
        return Part::Sub("No scopes are known of it.".to_owned());
    }
    Part::Facts("Scopes".to_owned(), facts)
}

/// The last checks.
fn checks(detail: &TokenDetail, kind: ProviderKind) -> Part {
    let facts = detail.checks.iter().map(|(at, outcome)| {
        let mut how = vec![text(&outcome_words(outcome, kind))];
        how.push(Bit::Group(
            "sub".to_owned(),
            String::new(),
            vec![text(" "), ago(*at, detail.now)],
        ));
        (at.date_time(), how)
    });
    Part::Facts("Checks".to_owned(), facts.collect())
}

/// What the audit log says of it.
fn events(record: &[Record], now: Timestamp) -> Part {
    if record.is_empty() {
        return Part::Sub("Nothing is recorded of it.".to_owned());
    }
    let facts = record.iter().map(|event| {
        let who = event.actor_name.as_deref().unwrap_or(kind_words(&event.actor));
        let what = format!("{}, by {who}", action_words(&event.action));
        let ago = Bit::Group("sub".to_owned(), String::new(), vec![text(" "), ago(event.at, now)]);
        (event.at.date_time(), vec![text(&what), ago])
    });
    Part::Facts("Audit log".to_owned(), facts.collect())
}

/// What a check found, in words.
fn outcome_words(outcome: &CheckOutcome, kind: ProviderKind) -> String {
    match outcome {
        CheckOutcome::Accepted(findings) => {
            format!(
                "{} for {}",
                ShownStatus::Checked(findings.status()).words(),
                findings.identity.login
            )
        }
        CheckOutcome::Refused(Refusal::BadCredentials) => format!("{} does not accept it", kind.name()),
        CheckOutcome::Refused(Refusal::Expired { at }) => format!("Expired on {}", at.date()),
        CheckOutcome::Refused(Refusal::SsoRequired { .. }) => "SSO authorization needed".to_owned(),
        CheckOutcome::Unchanged(setback) => setback.clone().words(kind.name()),
    }
}
