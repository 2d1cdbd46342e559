//! How a server function answers: a read with its status, a form with or without JavaScript.

use super::{
    context,
    cookies::{self, Cookie},
};
use crate::{
    AppError,
    flash::{Flash, News},
    paths,
    reply::{Done, Reply},
    state::NO_FORM,
};
use backend::access::SignedIn;
use domain::{Packed, packed::Pack};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, LOCATION, REFERER},
};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use secrecy::ExposeSecret as _;

/// Answers a read over the wire: the response gets the status of the error. A page that is rendered sees to its own.
pub(crate) async fn read<T: Pack>(work: impl Future<Output = Result<T, AppError>>) -> Result<Packed, AppError> {
    let result = work.await.map(|answer| Packed::new(&answer));
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Err(error) = &result {
        set_status(error.status());
    }
    result
}

/// Lets a person in who has signed in, on to `next` if that is an address of ours.
pub(crate) fn enter(signed_in: &SignedIn, next: &str) -> Done {
    cookies::start_session(signed_in.cookie.expose_secret());
    let home = signed_in
        .account
        .as_ref()
        .map_or_else(|| "/".to_owned(), |account| format!("/{account}/tokens"));
    Done::reload(
        paths::local(next)
            .filter(|next| *next != "/")
            .map_or(home, ToOwned::to_owned),
    )
}

/// Answers a form that leaves the person where they are, and has nothing to say.
pub(crate) fn stay() -> Packed {
    let headers = context::request().map(|parts| parts.headers).unwrap_or_default();
    if accepts_html(&headers) {
        redirect(&referring_page(&headers));
    }
    Packed::new(&Reply::Ok(Done::default()))
}

/// Answers a form. With JavaScript the form itself shows the reply. A plain post is redirected, and the next page shows
/// what came of it: `form` names the form that gets the error and the `values` back, which hold no secret.
pub(crate) fn finish(form: &str, result: Reply, values: &[(&str, &str)]) -> Packed {
    let parts = context::request();
    let headers = parts.map(|parts| parts.headers).unwrap_or_default();
    let plain = accepts_html(&headers);
    if plain {
        match &result {
            Ok(done) => {
                if let Some(news) = News::of(done) {
                    leave(form, news, &[]);
                }
                redirect(&done.location);
            }
            Err(AppError::NotFound) => {
                // What the form was about is gone, and the form with it: it is said above the page.
                leave(NO_FORM, News::Failed(AppError::NotFound), &[]);
                let page = referring_page(&headers);
                redirect(page.split('?').next().unwrap_or("/"));
            }
            Err(error) => {
                leave(form, News::Failed(error.clone()), values);
                let page = referring_page(&headers);
                redirect(&if *error == AppError::NotSignedIn {
                    paths::sign_in(&page)
                } else {
                    page
                });
            }
        }
    } else if let Ok(done) = &result
        && done.reload
        && let Some(news) = News::of(done)
    {
        leave(form, news, &[]);
    }
    Packed::new(&result)
}

pub(super) fn leave(form: &str, news: News, values: &[(&str, &str)]) {
    // A token may have been pasted into any field.
    let owned = |(field, value): &(&str, &str)| ((*field).to_owned(), context::unless_token(value).to_owned());
    let mut flash = Flash {
        form: form.to_owned(),
        news,
        values: values.iter().map(owned).collect(),
    };
    // What is too long for a cookie goes without the typed values.
    let cookie = sealed(&flash).or_else(|| {
        flash.values.clear();
        sealed(&flash)
    });
    if let Some(cookie) = cookie {
        Cookie::Flash.set(&cookie);
    }
}

fn sealed(flash: &Flash) -> Option<String> {
    context::services()
        .ok()?
        .flash
        .seal(&serde_json::to_vec(&Packed::new(flash)).ok()?)
}

/// Takes what the form before left, if anything.
pub(super) fn take_flash() -> Option<Flash> {
    let cookie = Cookie::Flash.get()?;
    Cookie::Flash.clear();
    let packed: Packed = serde_json::from_slice(&context::services().ok()?.flash.open(&cookie)?).ok()?;
    Some(packed.open())
}

/// Gives the answer its status, unless it leads elsewhere already.
pub(super) fn set_status(status: u16) {
    if let (Some(response), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(status)) {
        let leads_elsewhere = response
            .0
            .read()
            .is_ok_and(|parts| parts.headers.contains_key(LOCATION));
        if !leads_elsewhere {
            response.set_status(status);
        }
    }
}

/// Leads to another page of ours, by GET.
pub(super) fn redirect(path: &str) {
    let path = paths::local(path).unwrap_or("/");
    if let (Some(response), Ok(location)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(path)) {
        response.insert_header(LOCATION, location);
        response.set_status(StatusCode::SEE_OTHER);
    }
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// Path and query of the page that a form stands on, or the start page where they are none of ours. Its origin does not
/// matter: only a path of ours is made of it.
fn referring_page(headers: &HeaderMap) -> String {
    let path = headers
        .get(REFERER)
        .and_then(|referer| referer.to_str().ok())
        .and_then(|referer| referer.parse::<http::Uri>().ok())
        .and_then(|uri| uri.path_and_query().map(ToString::to_string));
    path.as_deref().and_then(paths::local).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(referer: &str) -> String {
        referring_page(&HeaderMap::from_iter([(
            REFERER,
            HeaderValue::from_str(referer).unwrap(),
        )]))
    }

    #[test]
    fn a_form_leads_back_to_its_own_page() {
        assert_eq!(page("https://patchbay.example/acme/tokens?add=1"), "/acme/tokens?add=1");
        assert_eq!(page("http://127.0.0.1:3000"), "/");
    }

    #[test]
    fn a_strange_referer_leads_home() {
        for strange in [
            "",
            "nonsense",
            "https://patchbay.example//evil.example",
            "https://evil.example/\\\\x",
        ] {
            assert_eq!(page(strange), "/", "{strange}");
        }
        assert_eq!(referring_page(&HeaderMap::new()), "/");
    }
}
