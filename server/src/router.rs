//! Which address leads where.

use crate::{
    api,
    config::Config,
    layers::{cross_site, headers, session, trace},
};
use any_spawner::Executor;
use app::ssr::{CurrentSession, WebSettings, download, oauth, page};
use axum::{
    Extension, Router,
    extract::{Path, Query, RawQuery, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{any, get},
};
use backend::{Services, calendar::CalendarError};
use leptos::prelude::{LeptosOptions, provide_context};
use leptos_axum::handle_server_fns_with_context;
use std::{path::Path as FilePath, sync::Arc, time::Duration};
use tower::ServiceBuilder;
use tower_http::{
    limit::RequestBodyLimitLayer, services::ServeDir, set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};

/// Names of files under `/pkg` carry a hash of their content, so a browser never has to ask again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The few files with fixed names: asked for again after an hour.
const FOR_AN_HOUR: &str = "public, max-age=3600";
/// Longer than the slowest check of a token, shorter than a proxy's patience.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest form: a token of 8 KiB, encoded for a form, fits thrice.
const MAX_BODY: usize = 64 * 1024;

/// The whole server as one router.
pub(crate) fn router(services: Services, config: &Config, options: LeptosOptions) -> Router {
    // Leptos renders on the runtime that it is given here. It refuses a second one: then it has one already.
    let _ = Executor::init_tokio();
    let secure_cookies = config.is_https();
    let context = {
        let services = services.clone();
        move || {
            provide_context(services.clone());
            provide_context(WebSettings { secure_cookies });
        }
    };
    let server_functions = {
        let context = context.clone();
        any(move |request| handle_server_fns_with_context(context.clone(), request))
    };
    let away = {
        let context = context.clone();
        get(move |parts: Parts| async move { oauth::away(parts, context).await })
    };
    let callback = {
        let context = context.clone();
        get(
            move |application: Path<String>, answer: Query<oauth::Answer>, parts: Parts| async move {
                Box::pin(oauth::callback(application, answer, parts, context)).await
            },
        )
    };
    let audit_log = {
        let services = services.clone();
        get(
            move |account: Path<String>, query: RawQuery, session: Extension<CurrentSession>| {
                download::audit_log(services.clone(), account, query, session)
            },
        )
    };
    let tokens = {
        let services = services.clone();
        get(
            move |account: Path<String>, query: RawQuery, session: Extension<CurrentSession>| {
                download::tokens(services.clone(), account, query, session)
            },
        )
    };
    let pages = Router::new()
        .route("/api/ui/{*function}", server_functions)
        .route(download::AUDIT, audit_log)
        .route(download::TOKENS, tokens)
        .route(oauth::AWAY, away)
        .route(oauth::CALLBACK, callback)
        // The app knows which addresses lead to a page, and says so of those that do not.
        .fallback_service(get(move |request| page(request, options.clone(), context.clone())))
        .layer(
            ServiceBuilder::new()
                .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, REQUEST_TIMEOUT))
                .layer(from_fn_with_state(Arc::new(config.public_url.clone()), cross_site::refuse))
                .layer(from_fn_with_state(
                    session::Door { access: services.access.clone(), secure_cookies },
                    session::resume,
                ))
                .layer(RequestBodyLimitLayer::new(MAX_BODY)),
        );
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready).with_state(services.clone()))
        .route("/api/calendar/{file}", get(calendar).with_state(services.clone()))
        .merge(api::routes(services))
        .nest_service("/pkg", files(&config.site_dir.join("pkg"), FOR_EVER))
        .nest_service("/static", files(&config.site_dir.join("static"), FOR_AN_HOUR))
        .merge(pages)
        .layer(trace::layer())
        .layer(from_fn_with_state(headers::Https(config.is_https()), headers::add))
}

/// Files of a folder, compressed when they were built.
fn files(folder: &FilePath, cache: &'static str) -> Router {
    Router::new().fallback_service(
        ServiceBuilder::new()
            .layer(SetResponseHeaderLayer::if_not_present(
                header::CACHE_CONTROL,
                move |response: &Response<_>| {
                    // A name that is not there may be there after the next release.
                    response.status().is_success().then(|| HeaderValue::from_static(cache))
                },
            ))
            // The files are compressed for whoever takes it; a cache between must keep the forms apart.
            .layer(SetResponseHeaderLayer::overriding(
                header::VARY,
                HeaderValue::from_static("accept-encoding"),
            ))
            .service(ServeDir::new(folder).precompressed_br().precompressed_gzip()),
    )
}

/// The calendar under an admin's secret link. Where the link leads nowhere, nothing tells why.
async fn calendar(State(services): State<Services>, Path(file): Path<String>) -> Response {
    match services.calendar.read(&file).await {
        Ok(calendar) => {
            let headers = [
                (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, calendar).into_response()
        }
        Err(CalendarError::NotFound | CalendarError::Access(_)) => {
            (StatusCode::NOT_FOUND, "no calendar is here\n").into_response()
        }
        Err(CalendarError::Fault(error)) => {
            tracing::error!(%error, "a calendar could not be made");
            (StatusCode::INTERNAL_SERVER_ERROR, "the server has a fault\n").into_response()
        }
    }
}

/// Whether requests can be answered: the database answers.
async fn ready(State(services): State<Services>) -> Response {
    match services.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}
