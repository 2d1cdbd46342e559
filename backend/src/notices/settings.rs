//! What an admin chooses: when people are told, and over which channels.

use super::{
    NoticeError, Notices, found,
    mail::{self, Protection, Smtp},
    outbox::{Refused, place},
    webhook,
};
use crate::{
    Fault,
    access::Member,
    audit::Action,
    store::{self, ChannelKind, ChannelRow, DeadMessage, NoticeSettings},
};
use domain::{
    FieldErrors, NoticeChannelId, NoticeMessageId, SecretInput, Timestamp, field,
    notice::{LONGEST_ESCALATION, LeadTimes},
};
use secrecy::SecretString;
use tokio::time::Instant;
use url::Url;

/// How many messages that were given up are shown at most.
const SHOWN: u64 = 100;
/// How many channels an account may have.
const MOST_CHANNELS: usize = 20;
/// The name of the one channel for mail.
const MAIL: &str = "E-mail";
/// The longest address and password that is taken.
const MAX_SECRET: usize = 1024;

/// The fields of the form about times.
#[derive(Clone, Debug, Default)]
pub struct SettingsForm {
    /// How many days before an end it is told, with commas between them (field `leads`).
    pub leads: String,
    /// After how many days in which nothing happened others are told (field `escalate_days`).
    pub escalate_days: String,
    /// At which hour, in UTC, daily mails go out (field `digest_hour`).
    pub digest_hour: String,
}

/// The fields of the form about the mail server.
#[derive(Clone, Debug, Default)]
pub struct MailForm {
    /// Its name (field `host`).
    pub host: String,
    /// Its port (field `port`; empty: the usual one).
    pub port: String,
    /// How the connection is protected: `start_tls`, `tls` or `none` (field `protection`).
    pub protection: String,
    /// Who signs in there; empty: nobody (field `username`).
    pub username: String,
    /// The password (field `password`; empty when editing: the stored one stays).
    pub password: SecretInput,
    /// From which address mails come (field `from`).
    pub from: String,
}

/// The fields of the form about a webhook.
#[derive(Clone, Debug, Default)]
pub struct WebhookForm {
    /// Its name (field `name`).
    pub name: String,
    /// Where it leads (field `address`).
    pub address: String,
}

/// The fields of the form about a Slack-compatible address.
#[derive(Clone, Debug, Default)]
pub struct SlackForm {
    /// Its name (field `name`).
    pub name: String,
    /// Where it leads: whoever knows this may write there (field `secret`).
    pub address: SecretInput,
}

/// A webhook that was just made.
#[derive(Debug)]
pub struct WebhookMade {
    /// Which.
    pub id: NoticeChannelId,
    /// Its signing secret, which is never shown again.
    pub secret: SecretString,
}

/// What a test came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestAnswer {
    /// Whether the message was taken.
    pub taken: bool,
    /// What the other side said, as a sentence.
    pub words: String,
    /// After how many milliseconds.
    pub elapsed_ms: u64,
}

/// A channel as an admin sees it: everything but its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelView {
    /// Which.
    pub id: NoticeChannelId,
    /// What it is.
    pub kind: ChannelKind,
    /// Its name.
    pub name: String,
    /// Where it leads; of an address that is a secret, only its host.
    pub address: String,
    /// Since when it is switched off.
    pub disabled_at: Option<Timestamp>,
}

/// Everything the page *Settings* shows of notices.
#[derive(Clone, Debug)]
pub struct NoticeSettingsPage {
    /// The moment for which this is true.
    pub now: Timestamp,
    /// When people are told.
    pub settings: NoticeSettings,
    /// The mail server, as its form shows it, without the password.
    pub mail: Option<MailForm>,
    /// The channels, by name.
    pub channels: Vec<ChannelView>,
    /// What was given up.
    pub dead: Vec<DeadMessage>,
}

impl Notices {
    /// Everything the page *Settings* shows of notices.
    pub async fn settings(&self, member: &Member) -> Result<NoticeSettingsPage, NoticeError> {
        member.require_admin()?;
        let store = &self.shared.store;
        let channels = store.notice_channels(member.account()).await?;
        let mail = channels.iter().find(|channel| channel.kind == ChannelKind::Email);
        Ok(NoticeSettingsPage {
            now: self.shared.now(),
            settings: store.notice_settings(member.account()).await?,
            mail: mail.map(Smtp::of).transpose()?.map(mail_form),
            channels: channels.into_iter().map(view).collect(),
            dead: store.dead_messages(member.account(), SHOWN).await?,
        })
    }

    /// Keeps when people are told.
    pub async fn put_settings(&self, member: &Member, form: &SettingsForm) -> Result<(), NoticeError> {
        member.require_admin()?;
        let mut errors = FieldErrors::default();
        let number = |text: &str, most: u16, least: u16, what: &str| {
            let number = text.trim().parse::<u16>().ok();
            number
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| format!("Enter {what} from {least} to {most}."))
        };
        let settings = NoticeSettings {
            leads: errors.take("leads", LeadTimes::parse(&form.leads)),
            escalate_days: errors.take(
                "escalate_days",
                number(&form.escalate_days, LONGEST_ESCALATION, 1, "a number of days"),
            ),
            digest_hour: u8::try_from(errors.take("digest_hour", number(&form.digest_hour, 23, 0, "an hour")))
                .unwrap_or_default(),
        };
        errors.into_result().map_err(NoticeError::Invalid)?;
        let detail = format!(
            "told {} days before, others after {} days, mail at {}:00 UTC",
            settings.leads, settings.escalate_days, settings.digest_hour
        );
        let event = self.event(member, Action::NoticeTimesChosen, detail);
        self.shared
            .store
            .put_notice_settings(member.account(), &settings, event)
            .await?;
        tracing::info!(account = %member.account(), user = %member.user(), "changed when people are told");
        Ok(())
    }

    /// Sets up the mail server, or changes it. An empty password leaves the stored one as it is, unless it would go elsewhere.
    pub async fn put_mail(&self, member: &Member, form: MailForm) -> Result<(), NoticeError> {
        member.require_admin()?;
        let old = self.mail_channel(member).await?;
        let smtp = read_mail(&form)?;
        let old_smtp = old.as_ref().map(Smtp::of).transpose()?;
        let moved =
            old_smtp.is_some_and(|old| (&old.host, old.port, &old.username) != (&smtp.host, smtp.port, &smtp.username));
        let id = old
            .as_ref()
            .map_or_else(|| NoticeChannelId(self.uuid()), |channel| channel.id);
        let kept = old.as_ref().and_then(|channel| channel.sealed.clone());
        if moved && kept.is_some() && form.password.is_blank() && !smtp.username.is_empty() {
            return Err(NoticeError::Invalid(FieldErrors::one(
                "password",
                "Enter the password again: it would be sent to another server, or as another one's.",
            )));
        }
        let mut channel = ChannelRow {
            id,
            account: member.account(),
            kind: ChannelKind::Email,
            name: MAIL.to_owned(),
            address: format!("{}:{}", smtp.host, smtp.port),
            settings: Some(serde_json::to_string(&smtp).map_err(|error| Fault::Stored(error.to_string()))?),
            sealed: kept.filter(|_| !smtp.username.is_empty()),
            disabled_at: None,
            created_at: self.shared.now(),
        };
        if !form.password.is_blank() {
            let password = SecretString::from(form.password.expose());
            channel.sealed = Some(self.shared.keys.seal(&place(&channel), &password).await?);
        }
        self.put(member, channel).await
    }

    /// Adds a webhook and gives its signing secret, this once.
    pub async fn add_webhook(&self, member: &Member, form: &WebhookForm) -> Result<WebhookMade, NoticeError> {
        member.require_admin()?;
        let mut errors = FieldErrors::default();
        let name = errors.take("name", channel_name(&form.name));
        let address = errors.take("address", field::web_address(&form.address));
        errors.into_result().map_err(NoticeError::Invalid)?;
        self.refuse_plain(&address, "address").await?;
        let secret = webhook::new_secret(self.shared.random.as_ref());
        let mut channel = self.new_channel(member, ChannelKind::Webhook, name).await?;
        channel.address = address;
        channel.sealed = Some(self.shared.keys.seal(&place(&channel), &secret).await?);
        let id = channel.id;
        self.put(member, channel).await?;
        Ok(WebhookMade { id, secret })
    }

    /// Adds an address that takes messages as Slack does.
    pub async fn add_slack(&self, member: &Member, form: &SlackForm) -> Result<NoticeChannelId, NoticeError> {
        member.require_admin()?;
        let mut errors = FieldErrors::default();
        let name = errors.take("name", channel_name(&form.name));
        let host = errors.take("secret", secret_address(form.address.expose()));
        errors.into_result().map_err(NoticeError::Invalid)?;
        let address = form.address.expose().trim();
        self.refuse_plain(address, "secret").await?;
        let mut channel = self.new_channel(member, ChannelKind::Slack, name).await?;
        channel.address = format!("{host}/…");
        channel.sealed = Some(self.shared.keys.seal(&place(&channel), &address.into()).await?);
        let id = channel.id;
        self.put(member, channel).await?;
        Ok(id)
    }

    /// Deletes a channel, with what waits for it.
    pub async fn delete_channel(&self, member: &Member, id: NoticeChannelId) -> Result<(), NoticeError> {
        member.require_admin()?;
        let channel = self.channel(member, id).await?;
        let event = self.event(member, Action::NoticeChannelDeleted, channel.name);
        let store = &self.shared.store;
        found(store.delete_notice_channel(member.account(), id, event).await?)
    }

    /// Switches a channel on again that answered that it is gone.
    pub async fn enable_channel(&self, member: &Member, id: NoticeChannelId) -> Result<(), NoticeError> {
        member.require_admin()?;
        let channel = self.channel(member, id).await?;
        self.put(
            member,
            ChannelRow {
                disabled_at: None,
                ..channel
            },
        )
        .await
    }

    /// Sends a message over a channel at once: a mail to the admin who asks, or an event of type `test`.
    pub async fn test_channel(&self, member: &Member, id: NoticeChannelId) -> Result<TestAnswer, NoticeError> {
        member.require_admin()?;
        let channel = self.channel(member, id).await?;
        let secret = self.secret_of(&channel).await?;
        let now = self.shared.now();
        let egress = &self.shared.egress;
        let id = NoticeMessageId(self.uuid());
        let started = Instant::now();
        let outcome = match channel.kind {
            ChannelKind::Email => {
                let person = self
                    .shared
                    .store
                    .user(member.user())
                    .await?
                    .ok_or(NoticeError::NotFound)?;
                let to = (person.name, person.email);
                let letter = mail::test(id.0.simple().to_string(), now, to, &self.shared.public_url);
                Smtp::of(&channel)?.send(egress, secret.as_ref(), &letter).await
            }
            ChannelKind::Webhook => {
                let body = webhook::test_body(member.slug(), now);
                let id = webhook::id(id);
                webhook::send(egress, &channel.address, secret.as_ref(), (&id, now), body).await
            }
            ChannelKind::Slack => webhook::send_slack(egress, secret.as_ref(), "This is a test from Patchbay.").await,
        };
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let taken = outcome.is_ok();
        let words = match outcome {
            Ok(status) => format!("It took the message and answered with {status}."),
            Err(Refused::Now(why) | Refused::Ever(why) | Refused::Gone(why)) => why,
        };
        tracing::info!(account = %member.account(), user = %member.user(), channel = %channel.id, taken, "tested a channel");
        Ok(TestAnswer {
            taken,
            words,
            elapsed_ms,
        })
    }

    /// Sends again what was given up: one message, or all. Gives how many.
    pub async fn send_again(&self, member: &Member, id: Option<NoticeMessageId>) -> Result<u64, NoticeError> {
        member.require_admin()?;
        let now = self.shared.now();
        let event = self.event(member, Action::NoticesSentAgain, String::new());
        Ok(self.shared.store.send_again(member.account(), id, now, event).await?)
    }

    async fn put(&self, member: &Member, channel: ChannelRow) -> Result<(), NoticeError> {
        let detail = format!("{} ({}) to {}", channel.name, channel.kind.words(), channel.address);
        let event = self.event(member, Action::NoticeChannelStored, detail);
        self.shared
            .store
            .put_notice_channel(channel, event)
            .await
            .map_err(|fault| {
                if store::is_taken(&fault) {
                    NoticeError::Invalid(FieldErrors::one(
                        "name",
                        "Another channel has this name. Choose another one.",
                    ))
                } else {
                    fault.into()
                }
            })?;
        tracing::info!(account = %member.account(), user = %member.user(), "stored a channel for notices");
        Ok(())
    }

    async fn new_channel(&self, member: &Member, kind: ChannelKind, name: String) -> Result<ChannelRow, NoticeError> {
        let there = self.shared.store.notice_channels(member.account()).await?.len();
        if there >= MOST_CHANNELS {
            let message = format!("There are {MOST_CHANNELS} channels already. Delete one first.");
            return Err(NoticeError::Invalid(FieldErrors::one("name", message)));
        }
        Ok(ChannelRow {
            id: NoticeChannelId(self.uuid()),
            account: member.account(),
            kind,
            name,
            address: String::new(),
            settings: None,
            sealed: None,
            disabled_at: None,
            created_at: self.shared.now(),
        })
    }

    async fn channel(&self, member: &Member, id: NoticeChannelId) -> Result<ChannelRow, NoticeError> {
        let channel = self.shared.store.notice_channel(member.account(), id).await?;
        channel.ok_or(NoticeError::NotFound)
    }

    async fn mail_channel(&self, member: &Member) -> Result<Option<ChannelRow>, NoticeError> {
        let channels = self.shared.store.notice_channels(member.account()).await?;
        Ok(channels.into_iter().find(|channel| channel.kind == ChannelKind::Email))
    }

    /// Who has which token is told over a public network only encrypted.
    async fn refuse_plain(&self, address: &str, field: &str) -> Result<(), NoticeError> {
        let Ok(url) = address.parse::<Url>() else {
            return Ok(());
        };
        if url.scheme() == "https" {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        let reached = self
            .shared
            .egress
            .resolve(host, url.port_or_known_default().unwrap_or(80))
            .await;
        match reached {
            Ok(reached) if !reached.is_public => Ok(()),
            Ok(_) | Err(_) => Err(NoticeError::Invalid(FieldErrors::one(
                field,
                "Enter an address that starts with https://. Without encryption only servers in a network of your own are reached.",
            ))),
        }
    }
}

fn view(channel: ChannelRow) -> ChannelView {
    ChannelView {
        id: channel.id,
        kind: channel.kind,
        name: channel.name,
        address: channel.address,
        disabled_at: channel.disabled_at,
    }
}

fn mail_form(smtp: Smtp) -> MailForm {
    let protection = Protection::ALL
        .into_iter()
        .find(|(_, protection, _)| *protection == smtp.protection);
    MailForm {
        host: smtp.host,
        port: smtp.port.to_string(),
        protection: protection.map_or("", |(word, ..)| word).to_owned(),
        username: smtp.username,
        password: SecretInput::default(),
        from: smtp.from,
    }
}

fn read_mail(form: &MailForm) -> Result<Smtp, NoticeError> {
    let mut errors = FieldErrors::default();
    let protection = Protection::ALL
        .into_iter()
        .find(|(word, ..)| *word == form.protection)
        .map(|(_, protection, port)| (Some(protection), port))
        .ok_or_else(|| "Choose how the connection is protected.".to_owned());
    let host = errors.take("host", host_name(&form.host));
    let (protection, usual) = errors.take("protection", protection);
    let port = match form.port.trim() {
        "" => Ok(usual),
        port => port
            .parse::<u16>()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| "Enter a port, as in 587.".to_owned()),
    };
    let port = errors.take("port", port);
    let username = match form.username.trim() {
        "" => Ok(String::new()),
        username => field::name(username, "the username"),
    };
    let username = errors.take("username", username);
    if form.password.expose().len() > MAX_SECRET {
        errors.take::<()>("password", Err(format!("Use at most {MAX_SECRET} characters.")));
    }
    let from = errors.take("from", field::email(&form.from));
    errors.into_result().map_err(NoticeError::Invalid)?;
    Ok(Smtp {
        host,
        port,
        protection: protection.unwrap_or(Protection::StartTls),
        username,
        from,
    })
}

fn host_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    match url::Host::parse(text) {
        Ok(url::Host::Domain(_)) if !text.contains('*') && text.len() <= field::MAX_LEN => {
            Ok(text.to_ascii_lowercase())
        }
        Ok(url::Host::Ipv4(address)) => Ok(address.to_string()),
        Ok(url::Host::Ipv6(address)) => Ok(address.to_string()),
        Ok(url::Host::Domain(_)) | Err(_) => {
            Err("Enter the name of the mail server, as in smtp.example.com.".to_owned())
        }
    }
}

fn channel_name(text: &str) -> Result<String, String> {
    let name = field::name(text, "a name")?;
    if name == MAIL {
        return Err("That is the name of the daily mail. Choose another one.".to_owned());
    }
    Ok(name)
}

/// The host of an address that is itself a secret: all of it that is ever shown.
fn secret_address(text: &str) -> Result<String, String> {
    let advice = || "Enter the address that Slack, or what is like it, gave you. It starts with https://.".to_owned();
    let text = text.trim();
    if text.len() > MAX_SECRET {
        return Err(advice());
    }
    let url = Url::parse(text).map_err(|_| advice())?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err(advice());
    }
    url.host_str().map(ToOwned::to_owned).ok_or_else(advice)
}
