//! Mail by SMTP: what a daily mail says, and how it gets to the server.

use super::{outbox::Refused, webhook};
use crate::{
    Fault,
    egress::Egress,
    store::{ChannelRow, OutgoingMessage, ToldNotice},
};
use domain::{NoticeKind, Timestamp};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::{
    fmt::Write as _,
    time::{Duration, UNIX_EPOCH},
};
use tokio::time::timeout;
use url::Url;

/// How long a mail may take from the first look for the server's address to its last answer.
const PATIENCE: Duration = Duration::from_secs(40);
/// How much of a server's own words is shown.
const WORDS: usize = 200;

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Protection {
    /// It begins in the clear and must be encrypted before anything else.
    StartTls,
    /// It is encrypted from the beginning.
    Tls,
    /// Not at all: only for a server in the network of our own.
    None,
}

impl Protection {
    pub(super) const ALL: [(&'static str, Self, u16); 3] = [
        ("start_tls", Self::StartTls, 587),
        ("tls", Self::Tls, 465),
        ("none", Self::None, 25),
    ];
}

/// How a mail server is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Smtp {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) protection: Protection,
    pub(super) username: String,
    pub(super) from: String,
}

/// A mail to one person.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// The `Message-ID` before the `@`: the same however often it is sent.
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) to: (String, String),
    /// The host of our own address.
    pub(super) host: String,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// What there is to do, by kind, the gravest first.
const ORDER: [NoticeKind; 10] = [
    NoticeKind::Expired,
    NoticeKind::Invalid,
    NoticeKind::RefreshFailed,
    NoticeKind::MissingScopes,
    NoticeKind::SsoRequired,
    NoticeKind::Expiring,
    NoticeKind::RefreshEnding,
    NoticeKind::SecretEnding,
    NoticeKind::NoToken,
    NoticeKind::Reminder,
];

/// The daily mail to a person. The same at every try.
pub(super) fn digest(message: &OutgoingMessage, person: &(String, String), public_url: &Url) -> Letter {
    let link = webhook::link(public_url, &message.slug);
    let account = &message.account_name;
    let count = message.count;
    let unnamed = count.saturating_sub(message.notices.len() as u64);
    let counted = if count == 1 {
        "1 notice".to_owned()
    } else {
        format!("{count} notices")
    };
    let mut told: Vec<&ToldNotice> = message.notices.iter().collect();
    told.sort_by_key(|told| ORDER.iter().position(|kind| *kind == told.condition.kind));
    let mut text = format!("Hello {},\n\nnew in {account} since the last mail:\n", person.0);
    let mut html = format!(
        "<p>Hello {},</p><p>new in {} since the last mail:</p>",
        escaped(&person.0),
        escaped(account)
    );
    for group in told.chunk_by(|a, b| a.condition.kind == b.condition.kind) {
        let words = group.first().map_or("", |told| told.condition.kind.words());
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{words}\n");
        let _ = write!(html, "<h2 style=\"font-size:1em\">{}</h2><ul>", escaped(words));
        for told in group {
            let _ = writeln!(text, "  - {}", told.sentence);
            let _ = write!(html, "<li>{}</li>", escaped(&told.sentence));
        }
        html.push_str("</ul>");
    }
    if unnamed > 0 {
        let _ = write!(text, "\nand {unnamed} more\n");
        let _ = write!(html, "<p>and {unnamed} more</p>");
    }
    let _ = write!(
        text,
        "\nAcknowledge them, put them off or mute a runtime here:\n{link}\n\nThis is the one mail that Patchbay sends you today.\n"
    );
    let _ = write!(
        html,
        "<p><a href=\"{}\">Acknowledge them, put them off or mute a runtime</a></p>\
         <p>This is the one mail that Patchbay sends you today.</p>",
        escaped(&link)
    );
    Letter {
        id: message.id.0.simple().to_string(),
        at: message.created_at,
        to: person.clone(),
        host: public_url.host_str().unwrap_or("localhost").to_owned(),
        subject: format!("Patchbay: {counted} in {account}"),
        text,
        html: page(&html),
    }
}

/// What the button *Test* sends.
pub(super) fn test(id: String, at: Timestamp, to: (String, String), public_url: &Url) -> Letter {
    let text = "This is a test from Patchbay: the mail server takes its mails.";
    Letter {
        id,
        at,
        to,
        host: public_url.host_str().unwrap_or("localhost").to_owned(),
        subject: "Patchbay: a test".to_owned(),
        text: format!("{text}\n"),
        html: page(&format!("<p>{text}</p>")),
    }
}

fn page(body: &str) -> String {
    format!("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><body>{body}</body></html>")
}

/// Text as it may stand in HTML, in an attribute too.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

impl Smtp {
    /// As it is stored.
    pub(super) fn of(channel: &ChannelRow) -> Result<Self, Fault> {
        let settings = channel.settings.as_deref().unwrap_or_default();
        serde_json::from_str(settings).map_err(|error| Fault::Stored(format!("a channel's settings: {error}")))
    }

    /// Brings a letter to the server, whose answer it gives in words when that is no.
    pub(super) async fn send(
        &self,
        egress: &Egress,
        password: Option<&SecretString>,
        letter: &Letter,
    ) -> Result<u16, Refused> {
        match timeout(PATIENCE, self.send_slowly(egress, password, letter)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Refused::Now("The mail server did not answer in time.".to_owned())),
        }
    }

    async fn send_slowly(
        &self,
        egress: &Egress,
        password: Option<&SecretString>,
        letter: &Letter,
    ) -> Result<u16, Refused> {
        let later = |why: &str| Refused::Now(why.to_owned());
        let mail = self.mail(letter)?;
        // The address that was judged is the one that is connected to; the certificate is that of the name.
        let reached = egress
            .resolve(&self.host, self.port)
            .await
            .map_err(|trouble| Refused::Now(format!("The mail server was not reached: {}.", trouble.words())))?;
        let name = || {
            TlsParameters::new(self.host.clone()).map_err(|_| later("The mail server's name fits in no certificate."))
        };
        let tls = match self.protection {
            Protection::StartTls => Tls::Required(name()?),
            Protection::Tls => Tls::Wrapper(name()?),
            Protection::None if reached.is_public => {
                return Err(later(
                    "Without encryption a mail server is used only in a network of your own. Choose STARTTLS or TLS.",
                ));
            }
            Protection::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(reached.address.ip().to_string())
            .port(self.port)
            .tls(tls)
            .hello_name(ClientId::Domain(letter.host.clone()))
            .timeout(Some(Duration::from_secs(10)));
        if !self.username.is_empty() {
            let password = password.map(|password| password.expose_secret().to_owned());
            transport = transport.credentials(Credentials::new(self.username.clone(), password.unwrap_or_default()));
        }
        let started = tokio::time::Instant::now();
        let outcome = transport.build::<Tokio1Executor>().send(mail).await;
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match outcome {
            Ok(response) => {
                tracing::info!(host = self.host, elapsed_ms, "mail");
                Ok(u16::from(response.code()))
            }
            Err(error) => {
                let why = answer(&error);
                tracing::warn!(host = self.host, why, elapsed_ms, "mail failed");
                Err(Refused::Now(why))
            }
        }
    }

    fn mail(&self, letter: &Letter) -> Result<Message, Refused> {
        let broken = |what: &str| Refused::Ever(format!("{what} is no address that mail can be sent to."));
        let address = |text: &str| text.parse::<Address>();
        let from = address(&self.from).map_err(|_| broken("The sender's address"))?;
        let to = address(&letter.to.1).map_err(|_| broken("The person's address"))?;
        let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(letter.at.as_millis()).unwrap_or_default());
        Message::builder()
            .from(Mailbox::new(Some("Patchbay".to_owned()), from))
            .to(Mailbox::new(Some(letter.to.0.clone()), to))
            .subject(letter.subject.clone())
            .date(at)
            .message_id(Some(format!("<{}@{}>", letter.id, letter.host)))
            // No out-of-office reply, please (RFC 3834).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .multipart(
                MultiPart::alternative()
                    .boundary(format!("patchbay-{}", letter.id))
                    .singlepart(SinglePart::plain(letter.text.clone()))
                    .singlepart(SinglePart::html(letter.html.clone())),
            )
            .map_err(|_| broken("That"))
    }
}

/// What went wrong, with the server's own words where it had some.
fn answer(error: &lettre::transport::smtp::Error) -> String {
    let chain = std::iter::successors(std::error::Error::source(error), |&error| error.source());
    let cause = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let cause: String = cause.chars().filter(|c| !c.is_control()).take(WORDS).collect();
    match error.status() {
        Some(code) => format!("The mail server answered {code}: {cause}"),
        None if error.is_tls() => format!("No encrypted connection to the mail server: {cause}"),
        None if error.is_timeout() => "The mail server did not answer in time.".to_owned(),
        None => format!("The mail server was not reached: {cause}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_kind_of_notice_has_its_place() {
        let mut order = ORDER.to_vec();
        order.sort_unstable();
        order.dedup();
        assert_eq!(order.len(), NoticeKind::ALL.len());
    }

    proptest! {
        #[test]
        fn nothing_escaped_is_markup(text in "\\PC{0,80}") {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
            prop_assert_eq!(back.replace("&amp;", "&"), text);
        }
    }
}
