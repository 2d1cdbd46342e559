//! What stands before every provider: the record, then the faults.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::provider::Provider;
use crate::state::Shared;
use crate::{credential, faults, recording};

/// Writes the request down, and lets a fault have it if one wants it.
pub(crate) async fn layer(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let provider = Provider::of_path(parts.uri.path());
    let (number, token, fault) = {
        let mut state = shared.lock();
        let presented = credential::presented(&parts.headers);
        let token = presented.and_then(|presented| state.token_by_value(&presented.secret).map(|token| token.id));
        let fault = state.faults.take(provider, &parts.method, parts.uri.path(), token);
        (
            recording::record(&mut state, &parts, fault.as_ref().map(|(id, _)| *id)),
            token,
            fault,
        )
    };
    let usual = next.run(Request::from_parts(parts, body));
    let response = match fault {
        Some((_, fault)) => faults::answer(fault, &shared, provider, token, usual).await,
        None => usual.await,
    };
    recording::complete(&shared, number, response.status().as_u16());
    response
}

#[cfg(test)]
mod tests {
    //! Slowness is tested without sockets: tokio's clock stands still and jumps to the next timer, so nothing waits.

    use std::time::Duration;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tokio::time::Instant;
    use tower::ServiceExt;

    use crate::faults::{Fault, FaultRule};
    use crate::model::{Account, NewToken};
    use crate::router;
    use crate::state::Shared;

    fn meta() -> Request<Body> {
        let request = Request::get("/api/v3/meta").header("user-agent", "test");
        request.body(Body::empty()).expect("a fixed request")
    }

    #[tokio::test(start_paused = true)]
    async fn a_delayed_answer_sends_nothing_before_its_time() {
        let shared = Shared::new("http://forge.example");
        shared
            .lock()
            .faults
            .add(FaultRule::new(Fault::Delay { millis: 45_000 }));
        let start = Instant::now();
        let response = router(shared).oneshot(meta()).await.expect("infallible");
        assert_eq!(start.elapsed(), Duration::from_secs(45));
        assert_eq!(response.status(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_is_late_after_what_was_asked_is_done() {
        let shared = Shared::new("http://forge.example");
        shared.lock().put_account("ada", Account::with_password("pw"));
        let token = shared
            .lock()
            .create_token(NewToken::classic("ada", ["repo"]))
            .expect("the account is there");
        let late = FaultRule::new(Fault::LateAnswer { millis: 45_000 });
        shared.lock().faults.add(late.on_method("POST"));
        let revoke = Request::post("/api/v3/credentials/revoke").header("user-agent", "test");
        let revoke = revoke.body(Body::from(format!(r#"{{"credentials":["{}"]}}"#, token.value)));
        let asked = router(shared.clone()).oneshot(revoke.expect("a fixed request"));
        let given_up = tokio::time::timeout(Duration::from_secs(10), asked).await;
        assert!(given_up.is_err());
        assert!(shared.lock().token(token.id).is_some_and(|token| token.revoked));
        let start = Instant::now();
        let other = router(shared).oneshot(meta()).await.expect("infallible");
        assert_eq!(
            (other.status().as_u16(), start.elapsed()),
            (200, Duration::ZERO),
            "another method"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_dripping_body_has_its_headers_at_once_and_every_byte_late() {
        let shared = Shared::new("http://forge.example");
        shared
            .lock()
            .faults
            .add(FaultRule::new(Fault::Drip { chunk: 1, millis: 100 }));
        let start = Instant::now();
        let response = router(shared).oneshot(meta()).await.expect("infallible");
        assert_eq!(start.elapsed(), Duration::ZERO);
        let body = to_bytes(response.into_body(), usize::MAX)
            .await
            .expect("it ends in the end");
        let length = u32::try_from(body.len()).expect("a small body");
        assert_eq!(start.elapsed(), Duration::from_millis(100) * length);
        assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_gives_up_is_in_the_record_without_a_status() {
        let shared = Shared::new("http://forge.example");
        shared
            .lock()
            .faults
            .add(FaultRule::new(Fault::Delay { millis: 45_000 }));
        let given_up = tokio::time::timeout(Duration::from_secs(10), router(shared.clone()).oneshot(meta())).await;
        assert!(given_up.is_err());
        let state = shared.lock();
        assert_eq!(state.record.entries().len(), 1);
        assert_eq!(state.record.entries()[0].status, None);
    }
}
