//! Who asks, and what answers: everything a server function takes from the request.

use crate::AppError;
use axum::extract::ConnectInfo;
use backend::{
    Services,
    access::{Member, Session},
    git_providers::TypedScopes,
    tokens::At,
};
use domain::HolderKind;
use http::request::Parts;
use leptos::prelude::use_context;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

/// How this server is reached. Provided as context by the server.
#[derive(Clone, Copy, Debug)]
pub struct WebSettings {
    /// Whether browsers reach it by https, so that cookies can be held to that.
    pub secure_cookies: bool,
}

/// The session that the request's cookie belongs to. The server's middleware puts it into the request's extensions.
#[derive(Clone, Debug)]
pub struct CurrentSession(pub Option<Session>);

pub(super) fn settings() -> WebSettings {
    use_context().unwrap_or(WebSettings { secure_cookies: true })
}

/// The request, unless there is none, as when the list of routes is made.
pub(super) fn request() -> Option<Parts> {
    use_context()
}

/// The services.
pub(crate) fn services() -> Result<Services, AppError> {
    use_context().ok_or_else(|| super::errors::internal("no services in the context"))
}

/// Who is signed in.
pub(crate) fn session() -> Option<Session> {
    request()?.extensions.get::<CurrentSession>()?.0.clone()
}

/// The services, and the person who asks as a member of the account: every server function of an account starts here.
pub(crate) async fn member(account: &str) -> Result<(Services, Member), AppError> {
    let services = services()?;
    let member = services.access.member(session().as_ref(), account).await?;
    Ok((services, member))
}

/// The address that the request came from.
pub(crate) fn peer() -> IpAddr {
    request()
        .and_then(|parts| {
            parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|peer| peer.0.ip())
        })
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// What was typed into a field that is none for secrets, to be shown again, unless a token was pasted there.
pub(crate) fn unless_token(typed: &str) -> &str {
    if domain::token_format::has_token(typed) {
        ""
    } else {
        typed
    }
}

/// What was typed as a date, to be shown again: only what looks like one, since anything may have been pasted there.
pub(crate) fn date_typed(typed: &str) -> &str {
    if typed.len() <= 12
        && typed
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | '/' | ' '))
    {
        typed
    } else {
        ""
    }
}

/// The scopes that a field `<holder>-<sort>` holds.
pub(crate) fn typed_scopes(field: &str, scopes: &str) -> Result<TypedScopes, AppError> {
    let (holder, sort) = field.split_once('-').ok_or(AppError::NotFound)?;
    Ok(TypedScopes {
        holder: HolderKind::from_word(holder).ok_or(AppError::NotFound)?,
        sort: sort.to_owned(),
        scopes: scopes.to_owned(),
    })
}

/// The token that a form names: for which runtime, and whose. Without a holder it is the person's own.
pub(crate) fn at(runtime: &str, holder: &str) -> Result<At, AppError> {
    let holder = match holder {
        "" => HolderKind::User,
        word => HolderKind::from_word(word).ok_or(AppError::NotFound)?,
    };
    Ok(At {
        runtime: id(runtime)?,
        holder,
    })
}

/// The id that a form or address names. What is no id names nothing.
pub(crate) fn id<T: FromStr>(text: &str) -> Result<T, AppError> {
    text.parse().map_err(|_| AppError::NotFound)
}
