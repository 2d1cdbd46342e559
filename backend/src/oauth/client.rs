//! An OAuth application at its authorisation server: the crate `oauth2` over our one HTTP client.
//!
//! A request to the token endpoint is sent once: a code and a refresh token work once, and only the answer tells what became of
//! them. What the endpoint answers is sorted here into what is known.

use crate::egress::{Answer, Egress, Request, WriteFailure};
use domain::{
    ProviderKind, Revocation, Scope, Setback, Timestamp,
    check::Trouble,
    oauth::{AuthorizationServer, RevocationWay, granted_scopes},
};
use http::{StatusCode, header::AUTHORIZATION, header::RETRY_AFTER};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, ExtraTokenFields,
    HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, pin::Pin, time::Duration};
use url::Url;

/// The longest that a provider's own words are shown, in characters.
const MAX_WORDS: usize = 200;
/// How long to wait when a provider takes no more requests and does not say for how long.
const BUSY: Duration = Duration::from_mins(1);

/// An application, opened.
pub(crate) struct Client<'a> {
    pub(super) egress: &'a Egress,
    pub(super) kind: ProviderKind,
    pub(super) server: &'static AuthorizationServer,
    pub(super) api_url: String,
    pub(super) id: &'a str,
    pub(super) secret: SecretString,
    pub(super) authorize_url: String,
    pub(super) token_url: String,
    pub(super) revoke_url: Option<String>,
    pub(super) redirect_uri: String,
    pub(super) scopes: &'a [Scope],
    pub(super) now: Timestamp,
}

/// What the token endpoint gave out.
pub(crate) struct Pair {
    pub(crate) access: SecretString,
    pub(crate) refresh: Option<SecretString>,
    /// When the access token ends; `None`: never.
    pub(crate) access_ends: Option<Timestamp>,
    /// When the refresh token ends, as far as is known.
    pub(crate) refresh_ends: Option<Timestamp>,
    /// The scopes, if the answer names them: otherwise they are those that were asked for (RFC 6749, section 5.1).
    pub(crate) scopes: Option<Vec<Scope>>,
    /// When it was received.
    pub(crate) received: Timestamp,
}

/// Why it gave out nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoPair {
    /// It does not accept the code or refresh token.
    Refused {
        /// The error code.
        code: String,
        /// What it said, as one bounded line; may be empty.
        words: String,
    },
    /// It does not accept the application's client id and secret. The code or refresh token is what it was.
    Client {
        /// The error code.
        code: String,
    },
    /// It refused for another reason, which says nothing about the code or refresh token.
    Otherwise {
        /// The error code.
        code: String,
        /// What it said, as one bounded line; may be empty.
        words: String,
    },
    /// It was not asked, or took no request: nothing was changed.
    NotAsked {
        /// Why, as the end of a sentence.
        why: String,
        /// From when on it takes requests again, if it said so.
        retry_at: Option<Timestamp>,
    },
    /// It was asked, and what it did is not known.
    Unknown {
        /// Why, as the end of a sentence.
        why: String,
    },
}

impl NoPair {
    /// What happened, as the end of a sentence.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::Refused { code, words } | Self::Otherwise { code, words } => {
                if words.is_empty() {
                    code.clone()
                } else {
                    format!("{code}: {words}")
                }
            }
            Self::Client { code } => {
                format!("it does not accept the client id and secret of the OAuth application ({code})")
            }
            Self::NotAsked { why, .. } | Self::Unknown { why } => why.clone(),
        }
    }
}

/// What providers add to RFC 6749, section 5.1.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Extra {
    /// Bitbucket Cloud's word for `scope`.
    scopes: Option<String>,
    /// GitHub's end of the refresh token, in seconds.
    refresh_token_expires_in: Option<u64>,
}

impl ExtraTokenFields for Extra {}

type Response = StandardTokenResponse<Extra, BasicTokenType>;
type OAuth2 = oauth2::Client<
    BasicErrorResponse,
    Response,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    oauth2::EndpointSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointSet,
>;

/// Why no answer reached the crate.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
pub(crate) struct NoAnswer(NoPair);

impl<'c> AsyncHttpClient<'c> for Client<'_> {
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, NoAnswer>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Client<'_> {
    /// Where the person authorises, with this state and, where the provider knows PKCE, the challenge of this verifier.
    pub(crate) fn authorize_address(
        &self,
        state: &SecretString,
        verifier: Option<&SecretString>,
    ) -> Result<Url, url::ParseError> {
        let client = self.oauth2()?;
        let state = CsrfToken::new(state.expose_secret().to_owned());
        let mut request = client
            .authorize_url(|| state)
            .add_scopes(self.scopes.iter().map(|scope| oauth2::Scope::new(scope.to_string())));
        if let Some(verifier) = verifier {
            let verifier = PkceCodeVerifier::new(verifier.expose_secret().to_owned());
            request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        }
        Ok(request.url().0)
    }

    /// Exchanges a code.
    pub(crate) async fn exchange(&self, code: &SecretString, verifier: Option<&SecretString>) -> Result<Pair, NoPair> {
        let client = self.oauth2().map_err(|_| misconfigured())?;
        let mut request = client.exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()));
        if let Some(verifier) = verifier {
            request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()));
        }
        self.read(request.request_async(self).await, code)
    }

    /// Exchanges a refresh token for a new pair. Only `refresh` may call this: whoever drops the answer loses the token.
    /// `redirect_uri` is that of the authorisation.
    pub(crate) async fn refresh(&self, token: &SecretString, redirect_uri: &str) -> Result<Pair, NoPair> {
        let client = self.oauth2().map_err(|_| misconfigured())?;
        let refresh = RefreshToken::new(token.expose_secret().to_owned());
        let request = client
            .exchange_refresh_token(&refresh)
            // GitLab and Bitbucket Data Center want the one of the authorisation.
            .add_extra_param("redirect_uri", redirect_uri.to_owned());
        self.read(request.request_async(self).await, token)
    }

    /// Has the provider take an access token back, that one alone.
    pub(crate) async fn revoke(&self, token: &SecretString) -> Revocation {
        let answer = match (&self.revoke_url, self.server.revocation) {
            (Some(address), _) => self.revoke_by_standard(address, token).await,
            (None, RevocationWay::GitHub) => self.revoke_at_github(token).await,
            (None, _) => return Revocation::NotOffered,
        };
        match answer {
            None => Revocation::Failed(Trouble::NoConnection.words()),
            Some(Ok(answer)) if answer.status.is_success() => Revocation::Done,
            // GitHub's way of saying that it knows no such token.
            Some(Ok(answer))
                if self.revoke_url.is_none()
                    && matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY) =>
            {
                Revocation::AlreadyDead
            }
            Some(Ok(answer)) => Revocation::Failed(format!("it answered with {}", answer.status.as_u16())),
            Some(Err(failure)) => Revocation::Failed(failure.trouble.words()),
        }
    }

    /// RFC 7009.
    async fn revoke_by_standard(&self, address: &str, token: &SecretString) -> Option<Result<Answer, WriteFailure>> {
        let mut request = Request::new(address.parse().ok()?);
        let mut fields = vec![("token", token.expose_secret()), ("token_type_hint", "access_token")];
        if self.server.basic {
            request = request.basic(self.id, &self.secret).ok()?;
        } else {
            fields.push(("client_id", self.id));
            fields.push(("client_secret", self.secret.expose_secret()));
        }
        Some(self.egress.post(request.form(&fields)).await)
    }

    /// "REST API endpoints for OAuth authorizations", "Delete an app token".
    async fn revoke_at_github(&self, token: &SecretString) -> Option<Result<Answer, WriteFailure>> {
        let address = format!("{}/applications/{}/token", self.api_url, self.id);
        let body = BTreeMap::from([("access_token", token.expose_secret())]);
        let request = Request::new(address.parse().ok()?)
            .basic(self.id, &self.secret)
            .ok()?
            .json(&body)
            .ok()?;
        Some(self.egress.delete(request).await)
    }

    fn oauth2(&self) -> Result<OAuth2, url::ParseError> {
        let auth_type = if self.server.basic {
            AuthType::BasicAuth
        } else {
            AuthType::RequestBody
        };
        Ok(oauth2::Client::new(ClientId::new(self.id.to_owned()))
            .set_client_secret(ClientSecret::new(self.secret.expose_secret().to_owned()))
            .set_auth_type(auth_type)
            .set_auth_uri(AuthUrl::new(self.authorize_url.clone())?)
            .set_token_uri(TokenUrl::new(self.token_url.clone())?)
            .set_redirect_uri(RedirectUrl::new(self.redirect_uri.clone())?))
    }

    /// Sends a request of the crate, and keeps from it what says nothing about the code or refresh token.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let (parts, body) = request.into_parts();
        let address = parts.uri.to_string().parse().map_err(|_| NoAnswer(misconfigured()))?;
        let mut sent = Request::new(address).body(body);
        for (name, mut value) in parts.headers.iter().map(|(name, value)| (name.clone(), value.clone())) {
            value.set_sensitive(name == AUTHORIZATION);
            sent = sent.header(name, value);
        }
        let answer = self.egress.post(sent).await.map_err(|failure| {
            let why = failure.trouble.words();
            NoAnswer(if failure.sent {
                NoPair::Unknown { why }
            } else {
                NoPair::NotAsked { why, retry_at: None }
            })
        })?;
        self.sorted(&answer).map_err(NoAnswer)
    }

    /// An answer that the crate can read: a success with tokens, or an error of RFC 6749.
    fn sorted(&self, answer: &Answer) -> Result<HttpResponse, NoPair> {
        let status = answer.status;
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let seconds = answer
                .headers
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.parse().ok());
            return Err(NoPair::NotAsked {
                why: Setback::RateLimited { retry_at: None }.words(self.kind.name()),
                retry_at: Some(self.now.plus(seconds.map_or(BUSY, Duration::from_secs))),
            });
        }
        if status.is_server_error() {
            return Err(NoPair::Unknown {
                why: Trouble::ServerError(status.as_u16()).words(),
            });
        }
        let body = answer.body_json::<serde_json::Map<String, serde_json::Value>>();
        let Ok(body) = body else {
            let why = Trouble::UnexpectedAnswer.words();
            // A success without tokens that can be read may have used up what was sent; anything else did nothing.
            return Err(if status.is_success() {
                NoPair::Unknown { why }
            } else {
                NoPair::NotAsked { why, retry_at: None }
            });
        };
        // GitHub says with 200 that something is wrong.
        let is_error = body.get("error").is_some_and(serde_json::Value::is_string);
        let status = match (status.is_success(), is_error) {
            (_, true) => StatusCode::BAD_REQUEST,
            (true, false) => StatusCode::OK,
            // Not the endpoint's own words: a proxy's, or those of another address.
            (false, false) => {
                return Err(NoPair::NotAsked {
                    why: format!("it answered with {}", answer.status.as_u16()),
                    retry_at: None,
                });
            }
        };
        let mut response = HttpResponse::new(answer.body.to_vec());
        *response.status_mut() = status;
        Ok(response)
    }

    fn read(
        &self,
        answer: Result<Response, RequestTokenError<NoAnswer, BasicErrorResponse>>,
        sent: &SecretString,
    ) -> Result<Pair, NoPair> {
        let response = match answer {
            Ok(response) => response,
            Err(RequestTokenError::Request(NoAnswer(why))) => return Err(why),
            Err(RequestTokenError::ServerResponse(error)) => {
                // Should it say back what it was sent.
                let strike = |words: &str| {
                    let words = words.replace(sent.expose_secret(), "…");
                    line(&words.replace(self.secret.expose_secret(), "…"))
                };
                return Err(refused(&error, strike));
            }
            // The cause holds the body, which may hold tokens.
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
                return Err(NoPair::Unknown {
                    why: Trouble::UnexpectedAnswer.words(),
                });
            }
        };
        let extra = response.extra_fields();
        let listed = extra.scopes.clone().or_else(|| {
            let names = response.scopes()?.iter().map(|scope| scope.as_str());
            Some(names.collect::<Vec<_>>().join(" "))
        });
        let refresh = response.refresh_token().map(|token| token.secret().as_str());
        let refresh_lifetime = extra
            .refresh_token_expires_in
            .map(Duration::from_secs)
            .or(self.server.refresh_lifetime);
        Ok(Pair {
            access: token(response.access_token().secret())?,
            refresh: refresh.filter(|text| !text.is_empty()).map(token).transpose()?,
            access_ends: response
                .expires_in()
                .filter(|life| !life.is_zero())
                .map(|life| self.now.plus(life)),
            refresh_ends: refresh_lifetime.map(|life| self.now.plus(life)),
            scopes: listed
                .map(|list| granted_scopes(&list).into_iter().collect::<Vec<_>>())
                .filter(|scopes| !scopes.is_empty()),
            received: self.now,
        })
    }
}

/// A token as a header can carry it.
fn token(text: &str) -> Result<SecretString, NoPair> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(text.into())
    } else {
        Err(NoPair::Unknown {
            why: Trouble::UnexpectedAnswer.words(),
        })
    }
}

/// An address of the application that is none.
fn misconfigured() -> NoPair {
    NoPair::NotAsked {
        why: "an address of the OAuth application is not one".to_owned(),
        retry_at: None,
    }
}

/// What an error of the token endpoint means.
fn refused(error: &BasicErrorResponse, strike: impl Fn(&str) -> String) -> NoPair {
    let code = strike(error.error().as_ref());
    let words = strike(error.error_description().map_or("", String::as_str));
    // Gitea and Bitbucket Cloud have one code for a bad secret and for a bad refresh token; its words tell them apart.
    let of_client = matches!(code.as_str(), "invalid_client" | "incorrect_client_credentials")
        || (code == "unauthorized_client" && (words.contains("client secret") || words.contains("client credentials")));
    // Bitbucket Cloud says `invalid_request` of a refresh token that it does not know.
    let of_grant = words.contains("refresh_token") || words.contains("refresh token") || words.contains(" code");
    match code.as_str() {
        _ if of_client => NoPair::Client { code },
        "invalid_grant" | "bad_refresh_token" | "bad_verification_code" | "unauthorized_client" => {
            NoPair::Refused { code, words }
        }
        "invalid_request" if of_grant => NoPair::Refused { code, words },
        _ => NoPair::Otherwise { code, words },
    }
}

/// A stranger's words as one bounded line.
pub(super) fn line(words: &str) -> String {
    let line: String = words
        .chars()
        .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c })
        .take(MAX_WORDS)
        .collect();
    line.trim().to_owned()
}
