//! Where notices go: an HTTP server that keeps what it is sent, and a mail server whose protocol is not ours (`mailin`).

use super::ManualClock;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};
use backend::clock::Clock as _;
use domain::Timestamp;
use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder, response};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    sync::Notify,
};
use tokio_rustls::{TlsAcceptor, rustls};

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Hook {
    received: Mutex<Vec<Received>>,
    status: Mutex<Option<u16>>,
    /// After so many requests, it answers no more.
    silent_after: Mutex<Option<usize>>,
    arrived: Notify,
}

/// An HTTP server that keeps what it is sent.
#[derive(Clone)]
pub(crate) struct HttpSink {
    address: SocketAddr,
    hook: Arc<Hook>,
}

impl HttpSink {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hook = Arc::new(Hook::default());
        let app = Router::new().fallback(take).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, hook }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it answers from now on.
    pub(crate) fn answer(&self, status: u16) {
        *self.hook.status.lock().unwrap() = Some(status);
    }

    /// It takes so many more requests and answers all but the last of them, and none after.
    pub(crate) fn fall_silent_after(&self, more: Option<usize>) {
        let there = self.hook.received.lock().unwrap().len();
        *self.hook.silent_after.lock().unwrap() = more.map(|more| there + more);
    }

    /// Waits until so many requests have arrived.
    pub(crate) async fn has(&self, count: usize) {
        loop {
            let arrived = self.hook.arrived.notified();
            if self.hook.received.lock().unwrap().len() >= count {
                return;
            }
            arrived.await;
        }
    }

    pub(crate) fn received(&self, path: &str) -> Vec<Received> {
        let received = self.hook.received.lock().unwrap();
        received
            .iter()
            .filter(|request| request.path == path)
            .cloned()
            .collect()
    }
}

async fn take(State(hook): State<Arc<Hook>>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let count = {
        let mut received = hook.received.lock().unwrap();
        received.push(Received {
            path: uri.path().to_owned(),
            headers,
            body: body.to_vec(),
        });
        received.len()
    };
    hook.arrived.notify_waiters();
    let silent = hook.silent_after.lock().unwrap().is_some_and(|last| count >= last);
    if silent {
        std::future::pending::<()>().await;
    }
    let status = hook.status.lock().unwrap().unwrap_or(204);
    StatusCode::from_u16(status).unwrap()
}

/// A mail that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// By the test's clock.
    pub(crate) at: Timestamp,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) encrypted: bool,
    /// Who signed in.
    pub(crate) as_user: Option<String>,
    pub(crate) raw: Vec<u8>,
}

impl Mail {
    pub(crate) fn parsed(&self) -> mail_parser::Message<'_> {
        mail_parser::MessageParser::default().parse(&self.raw).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        self.parsed().body_text(0).unwrap().into_owned()
    }

    /// The notices that it names.
    pub(crate) fn named(&self) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("- "));
        lines.map(ToOwned::to_owned).collect()
    }
}

/// How a mail server of a test is set up.
#[derive(Clone, Default)]
pub(crate) struct MailRules {
    /// Who may sign in, by name and password; without, anybody may send.
    pub(crate) login: Option<(&'static str, &'static str)>,
    /// With a certificate for `localhost` it offers STARTTLS, and without it no sign-in.
    pub(crate) certificate: Option<Arc<rustls::ServerConfig>>,
    /// Whether it refuses every recipient.
    pub(crate) refuses: bool,
}

/// A mail server on this machine.
#[derive(Clone)]
pub(crate) struct MailServer {
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

struct Session {
    rules: MailRules,
    clock: Arc<ManualClock>,
    mails: Arc<Mutex<Vec<Mail>>>,
    encrypted: Arc<AtomicBool>,
    now: Mail,
}

impl Session {
    fn sign_in(&mut self, name: &str, password: &str) -> Response {
        if self.rules.login == Some((name, password)) {
            self.now.as_user = Some(name.to_owned());
            response::AUTH_OK
        } else {
            response::INVALID_CREDENTIALS
        }
    }
}

impl Handler for &mut Session {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        from.clone_into(&mut self.now.from);
        self.now.to.clear();
        self.now.raw.clear();
        if self.rules.login.is_some() && self.now.as_user.is_none() {
            return response::AUTHENTICATION_REQUIRED;
        }
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if self.rules.refuses {
            return response::NO_MAILBOX;
        }
        self.now.to.push(to.to_owned());
        response::OK
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.now.raw.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.now.at = self.clock.now();
        self.now.encrypted = self.encrypted.load(Ordering::Relaxed);
        self.mails.lock().unwrap().push(self.now.clone());
        response::OK
    }

    fn auth_plain(&mut self, _: &str, name: &str, password: &str) -> Response {
        self.sign_in(name, password)
    }

    fn auth_login(&mut self, name: &str, password: &str) -> Response {
        self.sign_in(name, password)
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl MailServer {
    pub(crate) async fn start(clock: Arc<ManualClock>, rules: MailRules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            mails: Arc::default(),
        };
        let mails = server.mails.clone();
        tokio::spawn(async move {
            loop {
                let (stream, from) = listener.accept().await.unwrap();
                let session = Session {
                    rules: rules.clone(),
                    clock: clock.clone(),
                    mails: mails.clone(),
                    encrypted: Arc::default(),
                    now: Mail {
                        at: Timestamp::from_millis(0),
                        from: String::new(),
                        to: Vec::new(),
                        encrypted: false,
                        as_user: None,
                        raw: Vec::new(),
                    },
                };
                // Who goes away in the middle is no trouble of the server's.
                tokio::spawn(async move { serve(Box::new(stream), from.ip(), session).await.ok() });
            }
        });
        server
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

async fn serve(stream: Box<dyn Stream>, from: IpAddr, mut state: Session) -> io::Result<()> {
    let rules = state.rules.clone();
    let mut builder = SessionBuilder::new("mail.test");
    if rules.login.is_some() {
        builder.enable_auth(AuthMechanism::Plain);
    }
    if rules.certificate.is_some() {
        builder.enable_start_tls();
    } else if rules.login.is_some() {
        builder.insecure_enable_plaintext_auth();
    }
    let encrypted = state.encrypted.clone();
    let mut session = builder.build(from, &mut state);
    let mut stream = BufReader::new(stream);
    stream.write_all(&session.greeting().buffer()?).await?;
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let answer = session.process(&line);
        stream.write_all(&answer.buffer()?).await?;
        stream.flush().await?;
        match answer.action {
            Action::Close => return Ok(()),
            Action::UpgradeTls => {
                let acceptor = TlsAcceptor::from(rules.certificate.clone().unwrap());
                let plain: Box<dyn Stream> = stream.into_inner();
                let secured: Box<dyn Stream> = Box::new(acceptor.accept(plain).await?);
                stream = BufReader::new(secured);
                session.tls_active();
                encrypted.store(true, Ordering::Relaxed);
            }
            Action::Reply | Action::NoReply => {}
        }
    }
}
