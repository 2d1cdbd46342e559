//! The HTML document around the app, and the headers that every document has.

use super::{answer, cookies::Cookie, platform};
use crate::{App, flash::FirstLoad, load::Answer, place::Place, theme::Theme};
use axum::body::Body;
use http::{
    HeaderName, HeaderValue, Request, Response,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    request::Parts,
};
use leptos::{nonce::use_nonce, prelude::*, reactive::computed::ScopedFuture};
use leptos_axum::{ResponseOptions, render_app_async_with_context};
use leptos_meta::{HashedStylesheet, MetaTags};

/// What the page asks, answered.
#[derive(Clone)]
struct Answers(Vec<Answer>);

/// Answers a request for a page. Everything that the page asks is answered before it is rendered, so nothing in it waits.
/// `context` provides what the server functions need.
pub async fn page(
    request: Request<Body>,
    options: LeptosOptions,
    context: impl Fn() + Clone + Send + Sync + 'static,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let answers = Answers(answers(&parts, &context).await);
    let render = render_app_async_with_context(
        move || {
            context();
            provide_context(answers.clone());
        },
        move || shell(options.clone()),
    );
    render(Request::from_parts(parts, body)).await
}

/// The owner has no parent, or a context of another request on the same thread could show through.
async fn answers(parts: &Parts, context: &impl Fn()) -> Vec<Answer> {
    let asks = Place::at(parts.uri.path()).asks(parts.uri.query().unwrap_or_default());
    let scoped = Owner::new_root(None).with(|| {
        context();
        provide_context(parts.clone());
        ScopedFuture::new(async move {
            let mut answers = Vec::new();
            for ask in asks {
                answers.push(platform::answer(ask).await);
            }
            answers
        })
    });
    scoped.await
}

/// The whole HTML document.
fn shell(options: LeptosOptions) -> impl IntoView {
    set_headers();
    let theme = Cookie::Theme
        .get()
        .map_or(Theme::System, |word| Theme::from_word(&word));
    // The app reads it from here, so that a flash is taken once per document.
    provide_context(FirstLoad {
        flash: answer::take_flash(),
        theme,
        answers: use_context::<Answers>().map(|answers| answers.0).unwrap_or_default(),
    });

    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.as_str()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" type="image/svg+xml" href="/static/favicon.svg"/>
                <HashedStylesheet options=options.clone()/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// `script-src` needs `'self'` beside the nonce: the module preload that Leptos writes carries no nonce, and everything
/// that this origin serves as a script is a file of the build.
fn set_headers() {
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else {
        return;
    };
    let reload = if std::env::var_os("LEPTOS_WATCH").is_some() {
        " ws: wss:"
    } else {
        ""
    };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'{reload}; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.insert_header(name, value);
        }
    };
    set(CONTENT_SECURITY_POLICY, &policy);
    set(CACHE_CONTROL, "no-store");
}
