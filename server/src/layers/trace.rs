//! One span and one line for each request, with its route and never its path: the set-up link's code is in one.

use axum::{
    body::Body,
    extract::MatchedPath,
    http::{Request, Response},
};
use std::time::Duration;
use tower_http::{
    classify::{ServerErrorsAsFailures, SharedClassifier},
    trace::{MakeSpan, OnResponse, TraceLayer},
};
use tracing::Span;

/// Names the span of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route;

/// Writes the line of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line;

/// The layer. It stands around the router's routes, inside of which the matched route is known.
pub(crate) fn layer()
-> TraceLayer<SharedClassifier<ServerErrorsAsFailures>, Route, tower_http::trace::DefaultOnRequest, Line> {
    TraceLayer::new_for_http().make_span_with(Route).on_response(Line)
}

impl MakeSpan<Body> for Route {
    fn make_span(&mut self, request: &Request<Body>) -> Span {
        let route = request
            .extensions()
            .get::<MatchedPath>()
            .map_or("(none)", MatchedPath::as_str);
        tracing::info_span!("request", method = %request.method(), route)
    }
}

impl OnResponse<Body> for Line {
    fn on_response(self, response: &Response<Body>, latency: Duration, _: &Span) {
        tracing::debug!(
            status = response.status().as_u16(),
            ms = latency.as_millis(),
            "answered"
        );
    }
}
