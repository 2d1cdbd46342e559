//! What opens over the page *Git authentication* for OAuth applications, and what can be done with one.

use super::{Wanted, deletion};
use crate::calls::oauth::{ChooseMethod, DeleteApplication, SaveApplication, TestApplication};
use backend::oauth::{ApplicationView, NextApplication, ProviderApplications, RuntimeMethod};
use domain::{
    Timestamp,
    doctor::{Finding, Verdict},
    guide::{pieces_of, plain},
    scope::joined,
    sheet::{Action, Field, Part, Sheet},
};
use leptos::server_fn::ServerFn as _;

/// The form that registers or edits an OAuth application.
pub(crate) const FORM: &str = "oauth-application";
/// The form that tests one.
pub(crate) const TEST_FORM: &str = "test-oauth-application";
/// The form that deletes one.
pub(crate) const DELETE_FORM: &str = "delete-oauth-application";
/// The form that chooses one for a runtime.
pub(crate) const METHOD_FORM: &str = "method";

/// What can be done with an OAuth application of the page at an address.
pub(crate) fn actions(application: &ApplicationView, page: &str) -> Vec<Action> {
    let id = application.id;
    [
        ("test", "Test", ""),
        ("edit-application", "Edit", "edit"),
        ("delete-application", "Delete", "trash"),
    ]
    .map(|(what, label, icon)| Action {
        id: format!("{what}-{id}"),
        label: label.to_owned(),
        about: application.name.clone(),
        icon: icon.to_owned(),
        to: format!("{page}?{what}={id}"),
        ..Action::default()
    })
    .to_vec()
}

/// What can be done with the way in which people authorise access for a runtime.
pub(crate) fn method_actions(runtime: &RuntimeMethod, page: &str) -> Vec<Action> {
    vec![Action {
        id: format!("method-{}", runtime.runtime),
        label: "Change".to_owned(),
        about: format!("the method of {}", runtime.name),
        to: format!("{page}?method={}", runtime.runtime),
        ..Action::default()
    }]
}

/// The sheet that a query opens. `holders` are whose tokens the application refreshes: people and runtimes.
pub(super) fn sheet(
    page: &[ProviderApplications],
    holders: &[(String, String)],
    now: Timestamp,
    wanted: Wanted<'_>,
    account: &str,
) -> Option<Sheet> {
    let application = || {
        page.iter().find_map(|provider| {
            let mut applications = provider.applications.iter();
            let found = applications.find(|application| application.id.to_string() == wanted.id)?;
            Some((provider, found))
        })
    };
    match wanted.what {
        "application" => {
            let provider = page.iter().find(|provider| provider.id.to_string() == wanted.id)?;
            Some(register(provider, provider.next.as_ref()?, account))
        }
        "edit-application" => application().map(|(provider, found)| edit(provider, found, now, account)),
        "delete-application" => application().map(|(provider, found)| delete(provider, found, holders, account)),
        "test" => application().map(|(provider, found)| test(provider, found, now, account)),
        "method" => page.iter().find_map(|provider| {
            let mut runtimes = provider.runtimes.iter();
            let found = runtimes.find(|runtime| runtime.runtime.to_string() == wanted.id)?;
            Some(method(provider, found, account))
        }),
        _ => None,
    }
}

fn below(provider: &ProviderApplications) -> (String, String) {
    let label = &provider.label;
    (
        label.kind.as_str().to_owned(),
        format!("{} · {}", label.name, label.host),
    )
}

fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn register(provider: &ProviderApplications, next: &NextApplication, account: &str) -> Sheet {
    let name = provider.label.kind.name();
    let runtimes: Vec<Field> = provider
        .runtimes
        .iter()
        .map(|runtime| Field {
            value: runtime.runtime.to_string(),
            hint: if runtime.application.is_some() {
                "Uses another application now.".to_owned()
            } else {
                String::new()
            },
            checked: runtime.application.is_none(),
            ..Field::new("runtimes[]", &runtime.name)
        })
        .collect();
    let steps = Part::Steps(
        format!("Register it at {name}"),
        (format!("Open {name}"), next.registration.page.clone()),
        next.registration.steps.clone(),
        format!("Scopes: {}", pieces_of(&next.scopes)),
    );
    let mut parts = vec![
        Part::Problem(None),
        Part::Text(format!(
            "People then authorize access at {name} in two clicks, and Patchbay refreshes their tokens."
        )),
        Part::Address("Callback URL".to_owned(), next.callback_url.clone()),
        steps,
    ];
    parts.extend(credentials(None));
    parts.push(scopes(&joined(&next.scopes)));
    if !runtimes.is_empty() {
        parts.push(Part::Checks("Runtimes that use it".to_owned(), runtimes));
    }
    parts.push(advanced(None, &provider.label.name));
    Sheet {
        title: "Register OAuth application".to_owned(),
        below: Some(below(provider)),
        action: SaveApplication::url().to_owned(),
        form: FORM.to_owned(),
        hidden: vec![
            pair("account", account),
            pair("provider", provider.id.to_string()),
            pair("id", next.id.to_string()),
        ],
        opener: format!("application-{}", provider.id),
        submit: Some(("Register OAuth application".to_owned(), "Saving…".to_owned())),
        parts,
        ..Sheet::default()
    }
}

fn edit(provider: &ProviderApplications, application: &ApplicationView, now: Timestamp, account: &str) -> Sheet {
    let mut parts = vec![
        Part::Problem(None),
        Part::Address("Callback URL".to_owned(), application.callback_url.clone()),
    ];
    parts.extend(credentials(Some((application, now))));
    parts.push(scopes(&joined(&application.scopes)));
    parts.push(advanced(Some(application), &provider.label.name));
    Sheet {
        title: format!("Edit {}", application.name),
        below: Some(below(provider)),
        action: SaveApplication::url().to_owned(),
        form: FORM.to_owned(),
        hidden: vec![pair("account", account), pair("id", application.id.to_string())],
        opener: format!("edit-application-{}", application.id),
        submit: Some(("Save".to_owned(), "Saving…".to_owned())),
        parts,
        ..Sheet::default()
    }
}

/// The fields for client id and secret, and when that ends.
fn credentials(stored: Option<(&ApplicationView, Timestamp)>) -> [Part; 3] {
    let (client_id, ends) = match stored {
        Some((application, _)) => (
            application.client_id.clone(),
            application.secret_ends.map(Timestamp::iso_date).unwrap_or_default(),
        ),
        None => Default::default(),
    };
    let kept = stored.is_some();
    [
        Part::Field(Field {
            value: client_id,
            mono: true,
            ..Field::new("client_id", "Client ID")
        }),
        Part::Field(Field {
            kind: "password".to_owned(),
            hint: if kept {
                "Empty: the stored one stays. Nobody can read it back, you included.".to_owned()
            } else {
                "Stored encrypted. Nobody can read it back, you included.".to_owned()
            },
            optional: kept,
            mono: true,
            ..Field::new("client_secret", "Client secret")
        }),
        Part::Field(Field {
            kind: "date".to_owned(),
            value: ends,
            optional: true,
            hint: "You are warned before it. Empty: it does not end.".to_owned(),
            ..Field::new("secret_ends_on", "Client secret expires on")
        }),
    ]
}

fn scopes(value: &str) -> Part {
    Part::Field(Field {
        value: value.to_owned(),
        mono: true,
        hint: "What people are asked to grant, with commas between them. Preset with what tokens need here.".to_owned(),
        ..Field::new("scopes", "Scopes")
    })
}

/// What is seldom needed.
fn advanced(stored: Option<&ApplicationView>, default_name: &str) -> Part {
    let [authorize, token, revoke] = stored.map_or([None, None, None], |application| application.urls.clone());
    let address = |name: &str, label: &str, value: Option<String>| {
        Part::Field(Field {
            kind: "url".to_owned(),
            value: value.unwrap_or_default(),
            optional: true,
            mono: true,
            placeholder: "follows from the base URL".to_owned(),
            ..Field::new(name, label)
        })
    };
    Part::Details(
        "Advanced".to_owned(),
        false,
        vec![
            Part::Field(Field {
                value: stored.map(|application| application.name.clone()).unwrap_or_default(),
                optional: true,
                placeholder: default_name.to_owned(),
                ..Field::new("name", "Name")
            }),
            address("authorize_url", "Authorization URL", authorize),
            address("token_url", "Token URL", token),
            address("revoke_url", "Revocation URL", revoke),
        ],
    )
}

fn test(provider: &ProviderApplications, application: &ApplicationView, now: Timestamp, account: &str) -> Sheet {
    let mut parts = vec![Part::Problem(None)];
    match &application.test {
        Some((at, findings)) => {
            parts.push(Part::Sub(format!(
                "Tested {}, {}.",
                at.relative_to(now),
                at.date_time()
            )));
            parts.extend(findings.iter().map(finding));
        }
        None => parts.push(Part::Text(format!(
            "Not tested yet. The test asks {} with this application's client id and secret, and stores nothing there.",
            provider.label.kind.name()
        ))),
    }
    Sheet {
        title: format!("Test {}", application.name),
        below: Some(below(provider)),
        action: TestApplication::url().to_owned(),
        form: TEST_FORM.to_owned(),
        hidden: vec![pair("account", account), pair("id", application.id.to_string())],
        opener: format!("test-{}", application.id),
        submit: Some(("Test now".to_owned(), "Testing…".to_owned())),
        parts,
        ..Sheet::default()
    }
}

fn finding(finding: &Finding) -> Part {
    let tone = match finding.verdict {
        Verdict::Good => "good",
        Verdict::Told => "info",
        Verdict::Unsure => "warn",
        Verdict::Bad => "bad",
    };
    Part::Notice(
        tone.to_owned(),
        format!("|*{}.| {}", plain(&finding.about), finding.words),
    )
}

fn delete(
    provider: &ProviderApplications,
    application: &ApplicationView,
    holders: &[(String, String)],
    account: &str,
) -> Sheet {
    let users: Vec<&str> = provider
        .runtimes
        .iter()
        .filter(|runtime| runtime.application == Some(application.id))
        .map(|runtime| runtime.name.as_str())
        .collect();
    let mut text = vec![Part::Text(if users.is_empty() {
        "No runtime uses it.".to_owned()
    } else {
        format!("From then on tokens only: {}.", plain(&users.join(", ")))
    })];
    if holders.is_empty() {
        text.push(Part::Sub("No token is refreshed by it.".to_owned()));
    } else {
        text.push(Part::Notice(
            "warn".to_owned(),
            if holders.len() == 1 {
                "1 token is no longer refreshed: it works until it ends, and then its holder must authorize access again."
                    .to_owned()
            } else {
                format!(
                    "{} tokens are no longer refreshed: they work until they end, and then their holders must authorize \
                     access again.",
                    holders.len()
                )
            },
        ));
        let names = holders
            .iter()
            .map(|(person, runtime)| Part::Sub(format!("{} in {}", plain(person), plain(runtime))));
        text.push(Part::Details("Whose".to_owned(), holders.len() <= 5, names.collect()));
    }
    Sheet {
        action: DeleteApplication::url().to_owned(),
        form: DELETE_FORM.to_owned(),
        opener: format!("delete-application-{}", application.id),
        ..deletion(
            &application.id.to_string(),
            account,
            &application.name,
            Some("Delete OAuth application"),
            text,
        )
    }
}

fn method(provider: &ProviderApplications, runtime: &RuntimeMethod, account: &str) -> Sheet {
    let mut options = vec![(String::new(), "Tokens only".to_owned())];
    options.extend(provider.applications.iter().map(|application| {
        (
            application.id.to_string(),
            format!("OAuth application: {}", application.name),
        )
    }));
    let chosen = runtime.application.map(|id| id.to_string()).unwrap_or_default();
    let mut parts = vec![
        Part::Problem(None),
        Part::Select(
            Field {
                value: chosen,
                hint: "Stored tokens keep working, whatever you choose.".to_owned(),
                autofocus: true,
                ..Field::new("application", "Method")
            },
            options,
        ),
    ];
    if provider.applications.is_empty() {
        parts.push(Part::Sub(match provider.next {
            Some(_) => "No OAuth application is registered for this Git provider yet.".to_owned(),
            None => format!("{} knows no OAuth.", provider.label.kind.name()),
        }));
    }
    Sheet {
        title: format!("How people authorize access for {}", runtime.name),
        below: Some(below(provider)),
        action: ChooseMethod::url().to_owned(),
        form: METHOD_FORM.to_owned(),
        hidden: vec![pair("account", account), pair("runtime", runtime.runtime.to_string())],
        opener: format!("method-{}", runtime.runtime),
        submit: Some(("Save".to_owned(), "Saving…".to_owned())),
        parts,
        ..Sheet::default()
    }
}
