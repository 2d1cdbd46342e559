//! A plain HTTP client over a socket: it follows nothing, retries nothing, and tells what it got even if it was cut off.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request to be sent.
#[derive(Debug)]
pub(crate) struct Request {
    head: String,
    body: String,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            head: format!("{method} {path} HTTP/1.1\r\nhost: forge\r\nconnection: close\r\n"),
            body: String::new(),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path).header("user-agent", "patchbay-test")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&[name, ": ", value, "\r\n"].concat());
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn basic(self, username: &str, password: &str) -> Self {
        let encoded = STANDARD.encode(format!("{username}:{password}"));
        self.header("authorization", &format!("Basic {encoded}"))
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string();
        self.header("content-type", "application/json")
    }

    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.body = pairs.join("&");
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    pub(crate) async fn send(self, to: SocketAddr) -> Answer {
        let mut socket = TcpStream::connect(to).await.expect("the forge listens");
        let request = format!("{}content-length: {}\r\n\r\n{}", self.head, self.body.len(), self.body);
        socket.write_all(request.as_bytes()).await.expect("the forge reads");
        let mut bytes = Vec::new();
        // A connection that is reset after a part of the answer leaves that part in `bytes`.
        let end = socket.read_to_end(&mut bytes).await;
        Answer::parse(&bytes, end.is_ok())
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body ended where the answer said that it would.
    pub(crate) complete: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a text body")
    }

    pub(crate) fn cookie(&self) -> String {
        let cookie = self.header("set-cookie").expect("a cookie");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    fn parse(bytes: &[u8], clean_end: bool) -> Self {
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a complete head");
        let head = std::str::from_utf8(&bytes[..end]).expect("an ASCII head");
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|code| code.parse().ok());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let raw = &bytes[end + 4..];
        let find = |name| {
            headers
                .iter()
                .find(|(header, _)| header == name)
                .map(|(_, value)| value.as_str())
        };
        let (body, complete) = if find("transfer-encoding") == Some("chunked") {
            unchunk(raw)
        } else {
            let length = find("content-length").and_then(|length| length.parse().ok());
            (raw.to_vec(), length.is_none_or(|length: usize| raw.len() == length))
        };
        Self {
            status: status.expect("a status"),
            headers,
            body,
            complete: complete && clean_end,
        }
    }
}

/// The chunks put together, and whether the last one came.
fn unchunk(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = raw.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&raw[..line])
            .ok()
            .and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let size = size.expect("a chunk's size");
        let rest = &raw[line + 2..];
        if size == 0 {
            return (body, true);
        }
        if rest.len() < size + 2 {
            body.extend_from_slice(rest);
            return (body, false);
        }
        body.extend_from_slice(&rest[..size]);
        raw = &rest[size + 2..];
    }
    (body, false)
}
