//! Finds out who asks: the session of the request's cookie, for whoever handles it.

use app::ssr::{CurrentSession, session_cookie_value};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use backend::access::Access;
use std::net::SocketAddr;

/// What the middleware needs.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) access: Access,
    pub(crate) secure_cookies: bool,
}

/// The middleware.
pub(crate) async fn resume(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let session = match session_cookie_value(request.headers(), door.secure_cookies) {
        Some(cookie) => match door.access.resume(cookie).await {
            Ok(session) => session,
            Err(error) => {
                tracing::error!(%error, "cannot read the session");
                return (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Patchbay cannot reach its database. Try again in a moment.\n",
                )
                    .into_response();
            }
        },
        None => None,
    };
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|peer| peer.0.ip());
    let session = match (session, peer) {
        (Some(session), Some(address)) => Some(session.from_address(address)),
        (session, _) => session,
    };
    request.extensions_mut().insert(CurrentSession(session));
    next.run(request).await
}
