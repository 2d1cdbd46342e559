//! Files to download: the audit log and the list of tokens, each at an address of its own, with the choice that its query makes.

use super::{
    CurrentSession, PageQuery,
    pages::{audit, expiring},
};
use crate::AppError;
use axum::{
    Extension,
    body::Body,
    extract::{Path, RawQuery},
    response::{IntoResponse as _, Redirect, Response},
};
use backend::{
    Fault, Services,
    audit::{AuditFile, Format},
    expiring::TokenFile,
};
use futures_util::stream::{Stream, try_unfold};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
};

/// Where the audit log is. `format` is `csv`, or JSON lines.
pub const AUDIT: &str = "/{account}/admin/audit/export";
/// Where the list of tokens is, as CSV.
pub const TOKENS: &str = "/{account}/admin/expiring/export";

const CSV: &str = "text/csv; charset=utf-8";

/// Answers at [`AUDIT`], part by part, so that the log may be of any length.
pub async fn audit_log(
    services: Services,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    Extension(CurrentSession(session)): Extension<CurrentSession>,
) -> Response {
    let query = PageQuery::read(&query.unwrap_or_default());
    let (format, kind, ending) = match query.get("format") {
        "csv" => (Format::Csv, CSV, "csv"),
        _ => (Format::JsonLines, "application/x-ndjson", "jsonl"),
    };
    let file = async {
        let member = services.access.member(session.as_ref(), &account).await?;
        Ok(services.audit.file(&member, audit::choice(&query), format)?)
    };
    let parts = |mut file: AuditFile| async { Ok(file.next().await.inspect_err(broken)?.map(|part| (part, file))) };
    let name = format!("audit-{account}.{ending}");
    answer(file.await.map(|file| try_unfold(file, parts)), &name, kind)
}

/// Answers at [`TOKENS`], in the same way.
pub async fn tokens(
    services: Services,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    Extension(CurrentSession(session)): Extension<CurrentSession>,
) -> Response {
    let query = PageQuery::read(&query.unwrap_or_default());
    let file = async {
        let member = services.access.member(session.as_ref(), &account).await?;
        Ok(services.expiring.file(&member, expiring::choice(&query))?)
    };
    let parts = |mut file: TokenFile| async { Ok(file.next().await.inspect_err(broken)?.map(|part| (part, file))) };
    answer(
        file.await.map(|file| try_unfold(file, parts)),
        &format!("tokens-{account}.csv"),
        CSV,
    )
}

fn broken(fault: &Fault) {
    tracing::error!(%fault, "a file could not be read to its end");
}

/// A file as it is made, or why there is none.
fn answer(
    parts: Result<impl Stream<Item = Result<String, Fault>> + Send + 'static, AppError>,
    name: &str,
    kind: &'static str,
) -> Response {
    let parts = match parts {
        Ok(parts) => parts,
        Err(error) => return refused(&error),
    };
    let mut response = Body::from_stream(parts).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // An account's part of the address is letters, digits and dashes.
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    response
}

fn refused(error: &AppError) -> Response {
    let words = match error {
        AppError::NotSignedIn => return Redirect::to("/sign-in").into_response(),
        AppError::NotAdmin => "This file is for the admins of the account.\n",
        AppError::NotFound => "There is no such account, or you do not belong to it.\n",
        _ => "The file could not be read. Try again in a moment.\n",
    };
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, words).into_response()
}
