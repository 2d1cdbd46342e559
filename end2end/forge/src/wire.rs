//! What every provider's answers are put together from.

use axum::Json;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use url::form_urlencoded;

/// An answer in JSON, whose `Content-Type` is as the provider writes it.
pub(crate) fn json(status: StatusCode, content_type: &'static str, body: &Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Sets a header. One whose value fits none is left out: it is a test's own words, such as a scope with a line break.
pub(crate) fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// `Retry-After` in seconds, if there is one.
pub(crate) fn put_retry_after(headers: &mut HeaderMap, seconds: Option<u32>) {
    if let Some(seconds) = seconds {
        headers.insert("retry-after", HeaderValue::from(seconds));
    }
}

/// The field of a body that a client sent as JSON or as a form, whichever it is; the providers take both.
pub(crate) fn field(body: &Bytes, name: &str) -> Option<String> {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
        return fields.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    }
    form_urlencoded::parse(body)
        .find(|(field, _)| field == name)
        .map(|(_, value)| value.into_owned())
}
