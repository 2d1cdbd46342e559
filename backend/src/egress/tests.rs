//! Requests over real sockets, to servers of the test's own on this machine.

use super::{Answer, Egress, EgressPolicy, EgressSettings, Request, WriteFailure};
use crate::vault::testing::Counting;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::check::Trouble;
use http::{HeaderName, HeaderValue, StatusCode};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// 64 KiB of zeros as one member of a gzip file. Members may follow on one another.
const ZEROS: &str = "H4sIAAAAAAACA+3BAQEAAACAkP6v7ggKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
                     AAAAAAAAAAAAAAAAAAAAauuOl9cAAAEA";

/// What a server does with one connection after it read the request.
enum Reply {
    /// Writes this and closes.
    Send(Vec<u8>),
    /// Writes this and keeps the connection without another word.
    Stall(Vec<u8>),
}

fn head(status: u16, headers: &[&str]) -> String {
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    format!("HTTP/1.1 {status} x\r\nConnection: close\r\n{headers}\r\n")
}

fn send(status: u16, headers: &[&str], body: &[u8]) -> Reply {
    let length = format!("Content-Length: {}", body.len());
    let headers: Vec<&str> = headers.iter().copied().chain([&*length]).collect();
    Reply::Send([head(status, &headers).as_bytes(), body].concat())
}

fn ok() -> Reply {
    send(200, &["Content-Type: application/json"], b"[1]")
}

fn redirect(to: &str) -> Reply {
    send(302, &[&format!("Location: {to}")], b"")
}

/// A server that gives one reply per connection, in order, and then listens no more.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut stalled = Vec::new();
            for reply in replies {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let request = read_head(&mut stream).await;
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                let (Reply::Send(bytes) | Reply::Stall(bytes)) = &reply;
                // The client may have hung up already, as it does when a body is too large.
                let _ = stream.write_all(bytes).await;
                if matches!(reply, Reply::Stall(_)) {
                    stalled.push(stream);
                }
            }
            drop(listener);
            std::future::pending::<()>().await;
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its address under the name `localhost`.
    fn by_name(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// Its address as a number.
    fn by_number(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    let length = String::from_utf8_lossy(&head).to_lowercase();
    let length = length
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next());
    let mut body = vec![0; length.and_then(|length| length.parse().ok()).unwrap_or_default()];
    if stream.read_exact(&mut body).await.is_ok() {
        head.extend_from_slice(&body);
    }
    String::from_utf8_lossy(&head).to_lowercase()
}

fn egress_within(settings: EgressSettings, rules: &[&str]) -> Egress {
    let policy = EgressPolicy::new(rules.iter().map(|rule| rule.parse().expect("a rule")).collect());
    // Counting from zero makes every pause before a retry one of next to nothing.
    Egress::new(policy, settings, Arc::new(Counting::default())).expect("a client")
}

fn egress(rules: &[&str]) -> Egress {
    egress_within(EgressSettings::default(), rules)
}

fn request(url: &str) -> Request {
    Request::new(url.parse().expect("a URL"))
}

async fn get(egress: &Egress, url: &str) -> Result<Answer, Trouble> {
    egress.get(request(url)).await
}

async fn status(egress: &Egress, url: &str) -> Result<u16, Trouble> {
    get(egress, url).await.map(|answer| answer.status.as_u16())
}

#[tokio::test]
async fn a_private_address_is_refused_by_number_and_by_name() {
    let server = Server::start(vec![ok()]).await;
    let port = server.address.port();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost"] {
        let url = format!("http://{host}:{port}/");
        assert_eq!(status(&egress(&[]), &url).await, Err(Trouble::EgressDenied), "{url}");
        assert_eq!(
            status(&egress(&["git.acme.dev", "10.0.0.0/8"]), &url).await,
            Err(Trouble::EgressDenied),
            "{url}"
        );
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn a_private_address_is_reached_when_the_host_the_address_or_the_network_is_allowed() {
    for rule in ["localhost", "127.0.0.1", "127.0.0.0/8"] {
        let server = Server::start(vec![ok()]).await;
        assert_eq!(status(&egress(&[rule]), &server.by_name()).await, Ok(200), "{rule}");
    }
    for rule in ["127.0.0.1", "127.0.0.0/8"] {
        let server = Server::start(vec![ok()]).await;
        assert_eq!(status(&egress(&[rule]), &server.by_number()).await, Ok(200), "{rule}");
    }
}

#[tokio::test]
async fn an_allowed_name_does_not_allow_its_address() {
    let server = Server::start(vec![ok()]).await;
    assert_eq!(
        status(&egress(&["localhost"]), &server.by_number()).await,
        Err(Trouble::EgressDenied)
    );
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused() {
    let hidden = Server::start(vec![ok()]).await;
    let metadata = "http://169.254.169.254/latest/meta-data/".to_owned();
    for target in [hidden.by_number(), metadata] {
        let server = Server::start(vec![redirect(&target)]).await;
        assert_eq!(
            status(&egress(&["localhost"]), &server.by_name()).await,
            Err(Trouble::EgressDenied),
            "{target}"
        );
    }
    assert_eq!(hidden.requests(), [""; 0]);
}

/// A request with a bearer token, a provider's own token header, and a header that is no secret.
fn with_secrets(url: &str) -> Request {
    let mut secret = HeaderValue::from_static("glpat-secret");
    secret.set_sensitive(true);
    request(url)
        .bearer(&"ghp_secret".into())
        .expect("a header")
        .header(HeaderName::from_static("private-token"), secret)
        .header(http::header::ACCEPT, HeaderValue::from_static("application/json"))
}

#[tokio::test]
async fn a_redirect_to_another_origin_does_not_take_secrets_along() {
    let other = Server::start(vec![ok()]).await;
    let server = Server::start(vec![redirect(&format!("{}/there?x=1", other.by_name()))]).await;
    let answer = egress(&["localhost"])
        .get(with_secrets(&server.by_name()))
        .await
        .expect("an answer");
    assert_eq!(answer.final_url.as_str(), format!("{}/there?x=1", other.by_name()));

    let [first, second] = [server.requests().concat(), other.requests().concat()];
    assert!(first.contains("authorization: bearer ghp_secret") && first.contains("private-token: glpat-secret"));
    assert!(
        second.starts_with("get /there?x=1 ") && second.contains("accept: application/json"),
        "{second}"
    );
    assert!(
        !second.contains("secret") && !second.contains("authorization") && !second.contains("referer"),
        "{second}"
    );
}

#[tokio::test]
async fn a_redirect_within_an_origin_keeps_the_token() {
    let server = Server::start(vec![redirect("/there"), ok()]).await;
    let answer = egress(&["localhost"])
        .get(with_secrets(&server.by_name()))
        .await
        .expect("an answer");
    assert_eq!(answer.body_json::<Vec<u8>>(), Ok(vec![1]));
    assert!(server.requests()[1].contains("authorization: bearer ghp_secret"));
}

#[tokio::test]
async fn a_redirect_is_followed_five_times_and_no_more() {
    let loops = |count| (0..count).map(|_| redirect("/again"));
    let server = Server::start(loops(5).chain([ok()]).collect()).await;
    assert_eq!(status(&egress(&["localhost"]), &server.by_name()).await, Ok(200));
    let server = Server::start(loops(6).chain([ok()]).collect()).await;
    assert_eq!(
        status(&egress(&["localhost"]), &server.by_name()).await,
        Err(Trouble::UnexpectedAnswer)
    );
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn a_request_names_patchbay() {
    let server = Server::start(vec![ok()]).await;
    assert_eq!(status(&egress(&["localhost"]), &server.by_name()).await, Ok(200));
    let user_agent = format!("user-agent: patchbay/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(server.requests()[0].contains(&user_agent), "{:?}", server.requests());
}

#[tokio::test]
async fn a_body_is_taken_up_to_its_limit() {
    let egress = egress_within(
        EgressSettings {
            max_body: 1000,
            ..EgressSettings::default()
        },
        &["localhost"],
    );
    let server = Server::start(vec![send(200, &[], &[b'x'; 1000])]).await;
    assert_eq!(
        get(&egress, &server.by_name()).await.map(|answer| answer.body.len()),
        Ok(1000)
    );
    let server = Server::start(vec![send(200, &[], &[b'x'; 1001])]).await;
    assert_eq!(status(&egress, &server.by_name()).await, Err(Trouble::UnexpectedAnswer));
    // Without a length that would tell beforehand.
    let endless = [head(200, &[]).as_bytes(), &[b'x'; 10_000]].concat();
    let server = Server::start(vec![Reply::Stall(endless)]).await;
    assert_eq!(status(&egress, &server.by_name()).await, Err(Trouble::UnexpectedAnswer));
}

#[tokio::test]
async fn a_body_is_measured_decompressed() {
    let zeros = BASE64_STANDARD.decode(ZEROS).expect("base64");
    let gzip = &["Content-Encoding: gzip"];
    let server = Server::start(vec![send(200, gzip, &zeros)]).await;
    assert_eq!(
        get(&egress(&["localhost"]), &server.by_name())
            .await
            .map(|answer| answer.body.len()),
        Ok(65_536)
    );
    let bomb = zeros.repeat(1000);
    assert!(bomb.len() < 200_000, "small on the wire");
    let server = Server::start(vec![send(200, gzip, &bomb)]).await;
    assert_eq!(
        status(&egress(&["localhost"]), &server.by_name()).await,
        Err(Trouble::UnexpectedAnswer)
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_unexpected() {
    let cut = [head(200, &["Content-Length: 100"]).as_bytes(), b"[1"].concat();
    let server = Server::start(vec![Reply::Send(cut)]).await;
    assert_eq!(
        status(&egress(&["localhost"]), &server.by_name()).await,
        Err(Trouble::UnexpectedAnswer)
    );
}

#[tokio::test]
async fn slow_headers_and_a_slow_body_time_out() {
    let settings = EgressSettings {
        // Long enough for the request to be there, however busy the machine is.
        total_timeout: Duration::from_secs(1),
        ..EgressSettings::default()
    };
    let egress = egress_within(settings, &["localhost"]);
    for start in [
        String::new(),
        "HTTP/1.1 200 ".to_owned(),
        head(200, &["Content-Length: 100"]) + "[1",
    ] {
        let server = Server::start(vec![Reply::Stall(start.into_bytes())]).await;
        assert_eq!(status(&egress, &server.by_name()).await, Err(Trouble::TimedOut));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn where_nothing_listens_there_is_no_connection() {
    let server = Server::start(vec![ok()]).await;
    let egress = egress(&["localhost"]);
    assert_eq!(status(&egress, &server.by_name()).await, Ok(200));
    assert_eq!(status(&egress, &server.by_name()).await, Err(Trouble::NoConnection));
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_tried_three_times() {
    let closed = || Reply::Send(Vec::new());
    let server = Server::start(vec![closed(), closed(), ok()]).await;
    assert_eq!(status(&egress(&["localhost"]), &server.by_name()).await, Ok(200));
    let server = Server::start(vec![closed(), closed(), closed(), ok()]).await;
    assert_eq!(
        status(&egress(&["localhost"]), &server.by_name()).await,
        Err(Trouble::UnexpectedAnswer)
    );
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_gateways_passing_failure_is_tried_again() {
    let server = Server::start(vec![send(503, &[], b""), send(502, &[], b""), ok()]).await;
    assert_eq!(status(&egress(&["localhost"]), &server.by_name()).await, Ok(200));
    let server = Server::start((0..4).map(|_| send(504, &[], b"why")).collect()).await;
    let answer = get(&egress(&["localhost"]), &server.by_name())
        .await
        .expect("the last answer");
    assert_eq!(
        (answer.status, &*answer.body),
        (StatusCode::GATEWAY_TIMEOUT, &b"why"[..])
    );
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn an_answer_that_would_be_the_same_again_is_not_asked_for_again() {
    for (code, headers) in [(503, &["Retry-After: 60"][..]), (500, &[]), (429, &[]), (401, &[])] {
        let server = Server::start(vec![send(code, headers, b""), ok()]).await;
        assert_eq!(status(&egress(&["localhost"]), &server.by_name()).await, Ok(code));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn there_is_no_pause_beyond_the_time_for_the_whole_request() {
    /// Makes every pause the longest.
    struct Longest;
    impl crate::random::Random for Longest {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }
    let settings = EgressSettings {
        total_timeout: Duration::from_millis(190),
        ..EgressSettings::default()
    };
    let policy = EgressPolicy::new(vec!["localhost".parse().expect("a rule")]);
    let egress = Egress::new(policy, settings, Arc::new(Longest)).expect("a client");
    let server = Server::start(vec![send(503, &[], b""), ok()]).await;
    assert_eq!(status(&egress, &server.by_name()).await, Ok(503));
}

#[tokio::test]
async fn a_failed_handshake_is_not_tried_again() {
    // A server that does not speak TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let connections = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        // Whoever closes with bytes unread resets the connection, which is another failure.
        let _hello = stream.read(&mut [0; 4096]).await.expect("the client's hello");
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .expect("written");
        stream.shutdown().await.expect("closed");
        listener
    });
    assert_eq!(
        status(&egress(&["localhost"]), &format!("https://localhost:{port}")).await,
        Err(Trouble::Tls)
    );
    let listener = connections.await.expect("the listener");
    let another = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(another.is_err(), "a second connection");
}

#[tokio::test]
async fn an_address_of_another_scheme_is_refused() {
    assert_eq!(
        status(&egress(&[]), "ftp://github.com/").await,
        Err(Trouble::UnexpectedAnswer)
    );
}

/// What a write came to: its status, or whether it may have been sent.
async fn post(egress: &Egress, url: &str) -> Result<u16, WriteFailure> {
    let request = with_secrets(url).json(&serde_json::json!({ "x": 1 })).expect("JSON");
    egress.post(request).await.map(|answer| answer.status.as_u16())
}

fn sent(trouble: Trouble) -> Result<u16, WriteFailure> {
    Err(WriteFailure { trouble, sent: true })
}

fn not_sent(trouble: Trouble) -> Result<u16, WriteFailure> {
    Err(WriteFailure { trouble, sent: false })
}

#[tokio::test]
async fn a_write_carries_its_body_and_its_token() {
    let server = Server::start(vec![send(202, &[], b""), send(204, &[], b"")]).await;
    assert_eq!(post(&egress(&["localhost"]), &server.by_name()).await, Ok(202));
    let deleted = egress(&["localhost"]).delete(with_secrets(&server.by_name())).await;
    assert_eq!(deleted.map(|answer| answer.status.as_u16()), Ok(204));
    let [posted, deleted] = &server.requests()[..] else {
        panic!("two requests")
    };
    assert!(
        posted.starts_with("post / ") && posted.ends_with("\r\n\r\n{\"x\":1}"),
        "{posted}"
    );
    assert!(posted.contains("content-type: application/json") && posted.contains("bearer ghp_secret"));
    assert!(
        deleted.starts_with("delete / ") && deleted.contains("bearer ghp_secret"),
        "{deleted}"
    );
}

#[tokio::test]
async fn a_write_that_was_sent_is_never_sent_again() {
    let closed = || Reply::Send(Vec::new());
    let cut = [head(200, &["Content-Length: 100"]).as_bytes(), b"[1"].concat();
    for (reply, outcome) in [
        (closed(), sent(Trouble::UnexpectedAnswer)),
        (Reply::Send(cut), sent(Trouble::UnexpectedAnswer)),
        (send(502, &[], b""), Ok(502)),
        (send(503, &[], b""), Ok(503)),
        (send(504, &[], b""), Ok(504)),
    ] {
        let server = Server::start(vec![reply, ok()]).await;
        assert_eq!(post(&egress(&["localhost"]), &server.by_name()).await, outcome);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_write_follows_no_redirect() {
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(vec![send(status, &["Location: /there"], b""), ok()]).await;
        assert_eq!(post(&egress(&["localhost"]), &server.by_name()).await, Ok(status));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_write_without_an_answer_may_have_been_sent() {
    let settings = EgressSettings {
        total_timeout: Duration::from_secs(1),
        ..EgressSettings::default()
    };
    let server = Server::start(vec![Reply::Stall(Vec::new())]).await;
    let egress = egress_within(settings, &["localhost"]);
    assert_eq!(post(&egress, &server.by_name()).await, sent(Trouble::TimedOut));
}

#[tokio::test]
async fn a_write_for_which_there_is_no_connection_was_not_sent() {
    let server = Server::start(vec![ok()]).await;
    let denied = post(&egress(&[]), &server.by_name()).await;
    assert_eq!(denied, not_sent(Trouble::EgressDenied));
    let denied = post(&egress(&[]), &server.by_number()).await;
    assert_eq!(denied, not_sent(Trouble::EgressDenied));
    assert_eq!(server.requests(), [""; 0]);
    let egress = egress(&["localhost"]);
    assert_eq!(status(&egress, &server.by_name()).await, Ok(200));
    assert_eq!(post(&egress, &server.by_name()).await, not_sent(Trouble::NoConnection));
}

#[tokio::test]
async fn the_answer_to_a_write_is_bounded() {
    let settings = EgressSettings {
        max_body: 1000,
        ..EgressSettings::default()
    };
    let server = Server::start(vec![send(200, &[], &[b'x'; 1001])]).await;
    let egress = egress_within(settings, &["localhost"]);
    assert_eq!(post(&egress, &server.by_name()).await, sent(Trouble::UnexpectedAnswer));
}
