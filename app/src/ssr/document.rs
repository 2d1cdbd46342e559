//! The HTML document around the app, and the headers that every document has.

use super::{answer, cookies::Cookie};
use crate::{App, flash::FirstLoad, theme::Theme};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_meta::{HashedStylesheet, MetaTags};

/// The whole HTML document.
#[must_use]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    set_headers();
    let theme = Cookie::Theme
        .get()
        .map_or(Theme::System, |word| Theme::from_word(&word));
    // The app reads it from here, so that a flash is taken once per document.
    provide_context(FirstLoad {
        flash: answer::take_flash(),
        theme,
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
