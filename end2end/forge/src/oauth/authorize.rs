//! The page that asks a person whether an application may have a token, and where the person is sent from there.

use axum::Router;
use axum::extract::{Form, OriginalUri, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use time::Duration;
use url::{Url, form_urlencoded};

use super::format;
use super::model::{ApplicationId, NotApproved};
use super::rules::{Rules, Scopes};
use super::store::{Application, Code};
use crate::page::{alert, escape, page};
use crate::provider::Provider;
use crate::sign_in::{Visitor, go};
use crate::state::{Shared, State};

/// How long a code may be redeemed: GitHub's and GitLab's ten minutes, which is also the most that RFC 6749 recommends.
const CODE_LIFETIME: Duration = Duration::minutes(10);
/// The length of a challenge: SHA-256 in base64 without padding.
const CHALLENGE_LENGTH: usize = 43;

/// The page of every provider, at the paths of each.
pub(crate) fn router() -> Router<Shared> {
    let all = Provider::ALL.into_iter().filter_map(Provider::oauth);
    let paths = all.flat_map(|rules| rules.authorize);
    paths.fold(Router::new(), |router, path| router.route(path, get(ask).post(decide)))
}

/// A request that may be put to a person.
#[derive(Debug)]
struct Asked {
    application: ApplicationId,
    /// As it was registered, to the letter.
    redirect_uri: String,
    state: Option<String>,
    scopes: Vec<String>,
    challenge: Option<String>,
}

/// What is wrong with a request.
#[derive(Debug)]
enum Flaw {
    /// So much that nobody is sent anywhere: this is said on the provider's own page.
    Page(&'static str),
    /// The person is sent back with this address, which says what.
    Redirect(String),
}

/// What a person decided.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Authorize,
    Cancel,
}

#[derive(Deserialize)]
struct DecisionForm {
    decision: Decision,
}

async fn ask(
    Extract(shared): Extract<Shared>,
    OriginalUri(uri): OriginalUri,
    visitor: Result<Visitor, Response>,
) -> Response {
    let provider = Provider::of_path(uri.path());
    let query = uri.query().unwrap_or_default();
    let mut state = shared.lock();
    let asked = match Asked::read(&state, provider, query) {
        Ok(asked) => asked,
        Err(flaw) => return flaw.answer(),
    };
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(sign_in) => return sign_in,
    };
    if asked.is_answered(&state, &visitor.login) {
        return go(&asked.accept(&mut state, &visitor.login));
    }
    let name = state.oauth.application(asked.application);
    let name = name.map_or("", |application| application.about.name.as_str());
    consent_page(name, &asked, &visitor)
}

async fn decide(
    Extract(shared): Extract<Shared>,
    OriginalUri(uri): OriginalUri,
    visitor: Visitor,
    Form(DecisionForm { decision }): Form<DecisionForm>,
) -> Response {
    let provider = Provider::of_path(uri.path());
    let mut state = shared.lock();
    match Asked::read(&state, provider, uri.query().unwrap_or_default()) {
        Ok(asked) => go(&asked.decided(&mut state, decision, &visitor.login)),
        Err(flaw) => flaw.answer(),
    }
}

/// The form goes to the address that it came from, so that what is granted is what was read.
fn consent_page(name: &str, asked: &Asked, visitor: &Visitor) -> Response {
    let scopes = asked.scopes.iter();
    let scopes: Vec<String> = scopes
        .map(|scope| format!("<li><code>{}</code></li>", escape(scope)))
        .collect();
    let body = format!(
        "<p><strong>{application}</strong> wants to act for the account <strong>{login}</strong>, with these scopes:</p>\
         <ul>{scopes}</ul><p>It sends you back to <code>{back}</code>.</p>\
         <form method=\"post\"><button name=\"decision\" value=\"authorize\">Authorize</button> \
         <button name=\"decision\" value=\"cancel\">Cancel</button></form>",
        application = escape(name),
        login = escape(&visitor.login),
        scopes = scopes.concat(),
        back = escape(&asked.redirect_uri),
    );
    page(&format!("Authorize {name}"), Some(&visitor.login), &body).into_response()
}

impl Flaw {
    fn answer(self) -> Response {
        match self {
            Self::Page(words) => {
                let body = alert(words);
                (StatusCode::BAD_REQUEST, page("This cannot be authorized", None, &body)).into_response()
            }
            Self::Redirect(address) => go(&address),
        }
    }
}

impl Asked {
    /// What the query asks for. Only who names an application, and an address that was registered for it, learns more.
    fn read(state: &State, provider: Provider, query: &str) -> Result<Self, Flaw> {
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let client_id = value("client_id").unwrap_or_default();
        let known = state.oauth.by_client_id(provider, &client_id);
        let (id, application) = known.ok_or(Flaw::Page("No application has this client_id."))?;
        let uri = value("redirect_uri").filter(|uri| application.about.redirect_uris.contains(uri));
        let uri = uri.ok_or(Flaw::Page(
            "The redirect_uri is not one that is registered for this application.",
        ))?;
        if Url::parse(&uri).is_err() {
            return Err(Flaw::Page("The redirect_uri is not an address."));
        }
        let echo = value("state");
        let refuse = |error: &str, words: &str| {
            let pairs = [("error", error), ("error_description", words)];
            Err(Flaw::Redirect(back(application, &uri, echo.as_deref(), &pairs)))
        };
        match value("response_type").as_deref() {
            Some("code") => {}
            None if !application.rules.names_types => {}
            _ => return refuse("unsupported_response_type", "Only the response type code is there."),
        }
        let Some(scopes) = scopes_of(application, value("scope").as_deref()) else {
            return refuse(
                "invalid_scope",
                "The requested scope is invalid, unknown, or malformed.",
            );
        };
        let challenge = value("code_challenge").filter(|_| application.rules.pkce);
        match (&challenge, value("code_challenge_method").as_deref()) {
            (Some(challenge), Some("S256")) if challenge.len() == CHALLENGE_LENGTH => {}
            (Some(_), _) => return refuse("invalid_request", "The code challenge must be one of the method S256."),
            (None, _) if application.about.require_pkce => {
                return refuse("invalid_request", "Code challenge required.");
            }
            (None, _) => {}
        }
        Ok(Self {
            application: id,
            redirect_uri: uri,
            state: echo,
            scopes,
            challenge,
        })
    }

    /// Whether this person has said yes to all of it before, where that is enough.
    fn is_answered(&self, state: &State, login: &str) -> bool {
        let application = state.oauth.application(self.application);
        application.is_some_and(|application| application.rules.remembers_consent)
            && state.oauth.consented(self.application, login, &self.scopes)
    }

    /// Where the person is sent who decided so.
    fn decided(self, state: &mut State, decision: Decision, login: &str) -> String {
        match decision {
            Decision::Authorize => self.accept(state, login),
            Decision::Cancel => {
                let words = "The resource owner or authorization server denied the request.";
                let pairs = [("error", "access_denied"), ("error_description", words)];
                self.send_back(state, &pairs)
            }
        }
    }

    fn accept(self, state: &mut State, login: &str) -> String {
        let Some(application) = state.oauth.application(self.application) else {
            return self.redirect_uri;
        };
        let code = format::code(application.about.provider);
        let scopes = application.about.grants.clone().unwrap_or_else(|| self.scopes.clone());
        let known = Code {
            application: self.application,
            account: login.to_owned(),
            scopes,
            redirect_uri: self.redirect_uri.clone(),
            challenge: self.challenge.clone(),
            ends_at: state.clock.now() + CODE_LIFETIME,
            redeemed: None,
        };
        state.oauth.note_consent(self.application, login, &self.scopes);
        let hidden = state.hide(&code);
        state.oauth.codes.insert(hidden, known);
        self.send_back(state, &[("code", &code)])
    }

    fn send_back(self, state: &State, pairs: &[(&str, &str)]) -> String {
        match state.oauth.application(self.application) {
            Some(application) => back(application, &self.redirect_uri, self.state.as_deref(), pairs),
            None => self.redirect_uri,
        }
    }
}

/// The scopes that this application asks for; `None` when it may not have one of them.
fn scopes_of(application: &Application, asked: Option<&str>) -> Option<Vec<String>> {
    let Rules {
        scopes: rule,
        default_scopes,
        ..
    } = application.rules;
    let registered = &application.about.scopes;
    let words = asked
        .unwrap_or_default()
        .split([' ', ','])
        .filter(|scope| !scope.is_empty());
    let mut scopes: Vec<String> = words.map(ToOwned::to_owned).collect();
    if scopes.is_empty() {
        scopes = default_scopes.iter().map(ToString::to_string).collect();
    }
    let may_have = |scope| registered.is_empty() || registered.contains(scope);
    match rule {
        Scopes::OfApplication => Some(registered.clone()),
        Scopes::WithinApplication if !scopes.iter().all(may_have) => None,
        Scopes::AsAsked | Scopes::WithinApplication => Some(scopes),
    }
}

/// The redirect URI with this behind whatever query it has.
fn back(application: &Application, redirect_uri: &str, state: Option<&str>, pairs: &[(&str, &str)]) -> String {
    let issuer = application.about.send_iss.as_deref();
    // It was found to be an address when it was asked for.
    let Ok(mut address) = Url::parse(redirect_uri) else {
        return redirect_uri.to_owned();
    };
    address
        .query_pairs_mut()
        .extend_pairs(pairs)
        .extend_pairs(state.map(|state| ("state", state)))
        .extend_pairs(issuer.map(|issuer| ("iss", issuer)));
    address.into()
}

/// Where a person is sent who has signed in with this login and consents.
pub(crate) fn approve(shared: &Shared, url: &str, login: &str) -> Result<String, NotApproved> {
    shared
        .lock()
        .require_account(login)
        .map_err(NotApproved::UnknownAccount)?;
    without_browser(shared, url, Decision::Authorize, login)
}

/// Where a person is sent who does not consent.
pub(crate) fn deny(shared: &Shared, url: &str) -> Result<String, NotApproved> {
    without_browser(shared, url, Decision::Cancel, "")
}

fn without_browser(shared: &Shared, url: &str, decision: Decision, login: &str) -> Result<String, NotApproved> {
    let elsewhere = || NotApproved::ElsewhereThanConsent(url.to_owned());
    let path = url.strip_prefix(&*shared.url).ok_or_else(elsewhere)?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let provider = Provider::of_oauth(path).ok_or_else(elsewhere)?;
    let asks = provider.oauth().is_some_and(|rules| rules.authorize.contains(&path));
    if !asks {
        return Err(elsewhere());
    }
    let mut state = shared.lock();
    match Asked::read(&state, provider, query) {
        Ok(asked) => Ok(asked.decided(&mut state, decision, login)),
        Err(Flaw::Redirect(address)) => Ok(address),
        Err(Flaw::Page(words)) => Err(NotApproved::RefusedByPage(words.to_owned())),
    }
}
