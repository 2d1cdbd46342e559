//! The audit log as a file, at an address of its own.

use super::{CurrentSession, PageQuery, pages::audit::choice};
use axum::{
    Extension,
    body::Body,
    extract::{Path, RawQuery},
    response::{IntoResponse as _, Redirect, Response},
};
use backend::{
    Services,
    access::AccessError,
    audit::{AuditError, AuditFile, Format},
};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE},
};

/// Where the file is, for the choice that its query makes. `format` is `csv`, or JSON lines.
pub const EXPORT: &str = "/{account}/admin/audit/export";

/// Answers at [`EXPORT`], part by part, so that the log may be of any length.
pub async fn export(
    services: Services,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    Extension(CurrentSession(session)): Extension<CurrentSession>,
) -> Response {
    let query = PageQuery::read(&query.unwrap_or_default());
    let (format, kind, ending) = match query.get("format") {
        "csv" => (Format::Csv, "text/csv; charset=utf-8", "csv"),
        _ => (Format::JsonLines, "application/x-ndjson", "jsonl"),
    };
    let file = async {
        let member = services.access.member(session.as_ref(), &account).await?;
        services.audit.file(&member, choice(&query), format)
    };
    let file = match file.await {
        Ok(file) => file,
        Err(error) => return refused(&error),
    };
    let parts = futures_util::stream::try_unfold(file, |mut file: AuditFile| async {
        let part = file.next().await.inspect_err(|fault| {
            tracing::error!(%fault, "the audit log could not be read to its end");
        })?;
        Ok::<_, backend::Fault>(part.map(|part| (part, file)))
    });
    let mut response = Body::from_stream(parts).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // An account's part of the address is letters, digits and dashes.
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"audit-{account}.{ending}\"")) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    response
}

fn refused(error: &AuditError) -> Response {
    match error {
        AuditError::Access(AccessError::NotSignedIn) => Redirect::to("/sign-in").into_response(),
        AuditError::Access(AccessError::NotAdmin) => (
            StatusCode::FORBIDDEN,
            "The audit log is for the admins of the account.\n",
        )
            .into_response(),
        AuditError::NotFound | AuditError::Access(AccessError::NotFound) => (
            StatusCode::NOT_FOUND,
            "There is no such account, or you do not belong to it.\n",
        )
            .into_response(),
        AuditError::Access(_) | AuditError::Fault(_) => {
            tracing::error!(%error, "the audit log could not be read");
            let words = "The audit log could not be read. Try again in a moment.\n";
            (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
        }
    }
}
