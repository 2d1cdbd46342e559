//! Over which channels notices go out: a daily mail by a real mail server, signed webhooks, and chats. Each notice once over each.

use crate::{
    notices::{DAY, Seeds, in_days, person, run},
    support::{HttpSink, MailRules, MailServer, TestDatabase, World, on_both_databases},
};
use backend::{
    access::{AccessError, Member},
    clock::Clock as _,
    notices::{MailForm, NoticeError, SlackForm, TestAnswer, WebhookForm},
    store::ChannelKind,
};
use domain::{NoticeChannelId, SecretInput};
use mail_parser::MimeHeaders as _;
use secrecy::{ExposeSecret as _, SecretString};
use std::{process::Stdio, sync::Arc};
use tokio::process::Command;
use tokio_rustls::rustls;

/// Adds a webhook and gives its secret.
pub(crate) async fn webhook(world: &World, admin: &Member, address: &str) -> SecretString {
    let form = WebhookForm {
        name: "ops".to_owned(),
        address: address.to_owned(),
    };
    world.services.notices.add_webhook(admin, &form).await.unwrap().secret
}

pub(crate) async fn slack(world: &World, admin: &Member, address: &str) -> NoticeChannelId {
    let form = SlackForm {
        name: "chat".to_owned(),
        address: address.to_owned().into(),
    };
    world.services.notices.add_slack(admin, &form).await.unwrap()
}

/// The form for a mail server on this machine.
pub(crate) fn mail_form(port: u16) -> MailForm {
    MailForm {
        host: "127.0.0.1".to_owned(),
        port: port.to_string(),
        protection: "none".to_owned(),
        username: String::new(),
        password: SecretInput::default(),
        from: "patchbay@acme.dev".to_owned(),
    }
}

async fn channel(world: &World, admin: &Member, kind: ChannelKind) -> NoticeChannelId {
    let channels = world.services.notices.settings(admin).await.unwrap().channels;
    channels.into_iter().find(|channel| channel.kind == kind).unwrap().id
}

async fn tested(world: &World, admin: &Member, kind: ChannelKind) -> TestAnswer {
    let id = channel(world, admin, kind).await;
    world.services.notices.test_channel(admin, id).await.unwrap()
}

fn message_of(error: NoticeError, field: &str) -> String {
    match error {
        NoticeError::Invalid(errors) => errors.at(field).unwrap().to_owned(),
        error => panic!("{error}"),
    }
}

on_both_databases! {
    async fn a_webhook_is_signed_and_tried_again_until_it_is_taken(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let sink = HttpSink::start().await;
        let secret = webhook(&world, &mira, &sink.url("/hook")).await;
        let seeds = Seeds::new(50);
        let token = seeds.token(&world, &mira, (runtime, Some(mira.user())), in_days(&world, 5)).await;
        sink.answer(503);
        assert_eq!(run(&world).await.failed, 1);
        assert_eq!(run(&world).await.failed, 0, "not yet");
        world.clock.forward(60);
        sink.answer(200);
        assert_eq!(run(&world).await.sent, 1);
        world.clock.forward(600);
        assert_eq!(run(&world).await.sent, 0, "once");

        let received = sink.received("/hook");
        assert_eq!(received.len(), 2);
        assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
        assert_eq!(received[0].body, received[1].body);
        assert_ne!(received[0].header("webhook-timestamp"), received[1].header("webhook-timestamp"));
        // By another's implementation of the specification.
        let theirs = standardwebhooks::Webhook::new(secret.expose_secret()).unwrap();
        for request in &received {
            let (id, at) = (request.header("webhook-id"), request.header("webhook-timestamp"));
            let signature = theirs.sign(id, at.parse().unwrap(), &request.body).unwrap();
            assert_eq!(request.header("webhook-signature"), signature);
            assert_eq!(request.header("content-type"), "application/json");
        }
        let body = received[0].json();
        assert_eq!(body["type"], "notice.expiring");
        assert_eq!(body["timestamp"], "2026-11-22T12:00:00Z");
        let data = &body["data"];
        assert_eq!(data["token"], token.to_string());
        assert_eq!(data["runtime"], runtime.to_string());
        assert_eq!((data["lead_days"].as_u64(), data["ends_at"].as_str()), (Some(7), Some("2026-11-27T12:00:00Z")));
        assert_eq!(data["message"], "Mira Rao's token for prod-eu at forge expires on 27 Nov 2026.");
        assert_eq!(data["link"], "https://patchbay.example/acme/notifications");
    }

    async fn what_is_not_taken_is_given_up_and_can_be_sent_again(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let sink = HttpSink::start().await;
        webhook(&world, &mira, &sink.url("/hook")).await;
        Seeds::new(50).token(&world, &mira, (runtime, Some(mira.user())), in_days(&world, 50)).await;
        sink.answer(500);
        for _ in 0..20 {
            run(&world).await;
            world.clock.forward(6 * 3600);
        }
        let notices = &world.services.notices;
        assert_eq!(sink.received("/hook").len(), usize::try_from(domain::notice::MOST_TRIES).unwrap());
        let dead = notices.settings(&mira).await.unwrap().dead;
        assert_eq!((dead.len(), dead[0].channel.as_str()), (1, "ops"));
        assert_eq!(dead[0].failure, "It answered with 500 Internal Server Error.");

        sink.answer(204);
        assert_eq!(run(&world).await.sent, 0, "unless an admin says so");
        assert_eq!(notices.send_again(&mira, Some(dead[0].id)).await.unwrap(), 1);
        assert_eq!(run(&world).await.sent, 1);
        assert!(notices.settings(&mira).await.unwrap().dead.is_empty());
        assert_eq!(notices.send_again(&mira, None).await.unwrap(), 0);
        let ids: Vec<String> = sink.received("/hook").iter().map(|request| request.header("webhook-id").to_owned()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]));
    }

    async fn a_webhook_that_is_gone_is_switched_off(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let sink = HttpSink::start().await;
        webhook(&world, &mira, &sink.url("/hook")).await;
        let seeds = Seeds::new(50);
        seeds.token(&world, &mira, (runtime, Some(mira.user())), in_days(&world, 50)).await;
        sink.answer(410);
        assert_eq!(run(&world).await.failed, 1);
        let notices = &world.services.notices;
        let page = notices.settings(&mira).await.unwrap();
        assert_eq!(page.channels[0].disabled_at, Some(world.clock.now()));
        assert_eq!(page.dead.len(), 1);
        seeds.token(&world, &mira, (runtime, None), in_days(&world, 50)).await;
        run(&world).await;
        assert_eq!(sink.received("/hook").len(), 1);
        assert_eq!(notices.send_again(&mira, None).await.unwrap(), 0, "it is off");
        sink.answer(200);
        notices.enable_channel(&mira, page.channels[0].id).await.unwrap();
        assert_eq!(notices.send_again(&mira, None).await.unwrap(), 1);
        assert_eq!(run(&world).await.sent, 1);
        let answer = tested(&world, &mira, ChannelKind::Webhook).await;
        assert!(answer.taken, "{}", answer.words);
        assert_eq!(answer.words, "It took the message and answered with 200.");
        assert_eq!(sink.received("/hook").last().unwrap().json()["type"], "test");
    }

    async fn a_chat_is_told_of_many_at_once(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let sink = HttpSink::start().await;
        let id = slack(&world, &mira, &sink.url("/services/T0/B0/hidden")).await;
        let seeds = Seeds::new(50);
        for number in 0..13 {
            let runtime = world.runtime(&mira, &format!("r{number}")).await;
            seeds.token(&world, &mira, (runtime, Some(mira.user())), in_days(&world, 50)).await;
        }
        run(&world).await;
        run(&world).await;
        let received = sink.received("/services/T0/B0/hidden");
        assert_eq!(received.len(), 1);
        let text = received[0].json()["text"].as_str().unwrap().to_owned();
        assert!(text.starts_with("Patchbay, Acme: 13 notices\n• Mira Rao's token for r"), "{text}");
        assert!(text.ends_with("and 3 more\n<https://patchbay.example/acme/notifications|Open in Patchbay>"), "{text}");

        let page = world.services.notices.settings(&mira).await.unwrap();
        assert_eq!(page.channels[0].address, "127.0.0.1/…");
        assert!(!format!("{page:?}").contains("hidden"));
        let events = world.store.audit_events_after(mira.account(), 0, 1000).await.unwrap();
        assert!(!format!("{events:?}").contains("hidden"));
        assert!(world.services.notices.test_channel(&mira, id).await.unwrap().taken);
        world.services.notices.delete_channel(&mira, id).await.unwrap();
        let gone = world.services.notices.test_channel(&mira, id).await;
        assert!(matches!(gone, Err(NoticeError::NotFound)));
    }

    async fn a_mail_a_day_tells_what_is_new(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let ana = person(&world, "Ana", false).await;
        let rules = MailRules { login: Some(("mailer", "a secret of the mail server")), ..MailRules::default() };
        let server = MailServer::start(world.clock.clone(), rules).await;
        let form = MailForm {
            username: "mailer".to_owned(),
            password: "a secret of the mail server".to_owned().into(),
            ..mail_form(server.port)
        };
        let notices = &world.services.notices;
        notices.put_mail(&mira, form).await.unwrap();
        let seeds = Seeds::new(50);
        for name in ["prod-eu", "prod-us"] {
            let runtime = world.runtime(&mira, name).await;
            seeds.token(&world, &mira, (runtime, Some(ana.user())), in_days(&world, 5)).await;
        }
        run(&world).await;
        world.clock.forward(20 * 3600 - 1);
        run(&world).await;
        assert!(server.mails().is_empty(), "not before eight");
        world.clock.forward(1);
        for _ in 0..3 {
            run(&world).await;
            world.clock.forward(60);
        }
        let mails = server.mails();
        assert_eq!(mails.len(), 1);
        let mail = &mails[0];
        assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("patchbay@acme.dev", &["ana@acme.dev".to_owned()][..]));
        assert_eq!((mail.as_user.as_deref(), mail.encrypted), (Some("mailer"), false));
        let parsed = mail.parsed();
        assert_eq!(parsed.subject(), Some("Patchbay: 2 notices in Acme"));
        let id = parsed.message_id().unwrap();
        assert!(id.ends_with("@patchbay.example") && id.len() == 32 + 17, "{id}");
        assert_eq!(parsed.date().unwrap().to_rfc3339(), "2026-11-23T08:00:00Z");
        assert_eq!(parsed.header("Auto-Submitted").unwrap().as_text(), Some("auto-generated"));
        assert!(parsed.content_type().unwrap().subtype() == Some("alternative"));
        assert_eq!(mail.named().len(), 2);
        let sentence = "Ana's token for prod-eu at forge expires on 27 Nov 2026.";
        assert!(mail.named().iter().any(|named| named == sentence), "{}", mail.text());
        assert!(mail.text().contains("https://patchbay.example/acme/notifications"));
        let html = parsed.body_html(0).unwrap();
        assert!(html.contains("<li>Ana&#39;s token for prod-us at forge expires on 27 Nov 2026.</li>"), "{html}");
        assert!(html.contains("<a href=\"https://patchbay.example/acme/notifications\">"), "{html}");

        world.clock.forward(DAY / 2);
        run(&world).await;
        world.clock.forward(DAY / 2);
        run(&world).await;
        assert_eq!(server.mails().len(), 1, "nothing new, no mail");
        // The next lead time, of one of them: the other's runtime is muted.
        let muted = notices.page(&ana).await.unwrap().notices[0].told.runtime.unwrap();
        notices.mute(&ana, muted).await.unwrap();
        world.clock.forward(DAY);
        run(&world).await;
        world.clock.forward(DAY);
        run(&world).await;
        let last = server.mails().into_iter().rfind(|mail| mail.to[0] == "ana@acme.dev").unwrap();
        assert_eq!((server.mails().iter().filter(|mail| mail.to[0] == "ana@acme.dev").count(), last.named().len()), (2, 1));
    }

    async fn a_name_cannot_smuggle_anything_into_a_mail(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let server = MailServer::start(world.clock.clone(), MailRules::default()).await;
        world.services.notices.put_mail(&mira, mail_form(server.port)).await.unwrap();
        let ana = person(&world, "Ana", false).await;
        let name = "<img src=x onerror=alert(1)> \"A\" & Ünal";
        crate::notices::sql(&world, &format!("UPDATE users SET name = '{name}' WHERE email = 'ana@acme.dev'")).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        Seeds::new(50).token(&world, &mira, (runtime, Some(ana.user())), in_days(&world, 5)).await;
        run(&world).await;
        world.clock.forward(DAY);
        run(&world).await;
        let mails = server.mails();
        let parsed = mails[0].parsed();
        let html = parsed.body_html(0).unwrap();
        assert!(!html.contains("<img"), "{html}");
        assert!(html.contains("&lt;img src=x onerror=alert(1)&gt; &quot;A&quot; &amp; Ünal"), "{html}");
        assert!(mails[0].text().contains(name));
        assert_eq!(parsed.to().unwrap().first().unwrap().name(), Some(name));
    }

    async fn a_mail_server_that_says_no_is_quoted(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let notices = &world.services.notices;
        let rules = MailRules { login: Some(("mailer", "right")), ..MailRules::default() };
        let server = MailServer::start(world.clock.clone(), rules).await;
        let form = |password: &str| MailForm {
            username: "mailer".to_owned(),
            password: password.to_owned().into(),
            ..mail_form(server.port)
        };
        notices.put_mail(&mira, form("wrong")).await.unwrap();
        let answer = tested(&world, &mira, ChannelKind::Email).await;
        assert!(!answer.taken);
        assert!(answer.words.starts_with("The mail server answered 535: "), "{}", answer.words);
        notices.put_mail(&mira, form("right")).await.unwrap();
        let answer = tested(&world, &mira, ChannelKind::Email).await;
        assert!(answer.taken, "{}", answer.words);
        assert_eq!(answer.words, "It took the message and answered with 250.");
        assert_eq!(server.mails()[0].to, ["mira@acme.dev"]);

        // The password stays where it was entered for.
        notices.put_mail(&mira, form("")).await.unwrap();
        assert!(tested(&world, &mira, ChannelKind::Email).await.taken);
        let moved = MailForm { host: "localhost".to_owned(), ..form("") };
        let error = notices.put_mail(&mira, moved).await.unwrap_err();
        assert!(message_of(error, "password").starts_with("Enter the password again"));
        let page = notices.settings(&mira).await.unwrap();
        let events = world.store.audit_events_after(mira.account(), 0, 1000).await.unwrap();
        assert!(!format!("{page:?}{events:?}").contains("right"));

        let refusing = MailServer::start(world.clock.clone(), MailRules { refuses: true, ..MailRules::default() }).await;
        notices.put_mail(&mira, mail_form(refusing.port)).await.unwrap();
        let answer = tested(&world, &mira, ChannelKind::Email).await;
        assert!(answer.words.starts_with("The mail server answered 550: "), "{}", answer.words);
        let encrypted = MailForm { protection: "start_tls".to_owned(), ..mail_form(refusing.port) };
        notices.put_mail(&mira, encrypted).await.unwrap();
        assert!(!tested(&world, &mira, ChannelKind::Email).await.taken, "it offers no encryption");
    }

    async fn a_channel_leads_nowhere_that_the_server_may_not_reach(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let notices = &world.services.notices;
        let private = MailForm { host: "10.0.0.1".to_owned(), ..mail_form(25) };
        notices.put_mail(&mira, private).await.unwrap();
        let answer = tested(&world, &mira, ChannelKind::Email).await;
        assert!(!answer.taken && answer.words.contains("private network"), "{}", answer.words);
        let public = MailForm { host: "192.0.1.1".to_owned(), ..mail_form(25) };
        notices.put_mail(&mira, public).await.unwrap();
        let answer = tested(&world, &mira, ChannelKind::Email).await;
        assert!(answer.words.starts_with("Without encryption"), "{}", answer.words);

        let hook = |address: &str| WebhookForm { name: "x".to_owned(), address: address.to_owned() };
        for (address, why) in [
            ("http://192.0.1.1/hook", "https://"),
            ("http://10.0.0.1/hook", "https://"),
            ("ftp://127.0.0.1/", "https://"),
            ("", "https://"),
        ] {
            let error = notices.add_webhook(&mira, &hook(address)).await.unwrap_err();
            assert!(message_of(error, "address").contains(why), "{address}");
        }
        notices.add_webhook(&mira, &hook("https://10.0.0.1/hook")).await.unwrap();
        let answer = tested(&world, &mira, ChannelKind::Webhook).await;
        assert!(!answer.taken && answer.words.contains("private network"), "{}", answer.words);
        let error = notices.add_webhook(&mira, &hook("https://10.0.0.2/hook")).await.unwrap_err();
        assert!(message_of(error, "name").starts_with("Another channel"));

        let ana = person(&world, "Ana", false).await;
        let refused = [
            notices.settings(&ana).await.err(),
            notices.put_mail(&ana, mail_form(25)).await.err(),
            notices.add_webhook(&ana, &hook("https://hooks.acme.dev")).await.err(),
            notices.send_again(&ana, None).await.err(),
        ];
        for error in refused {
            assert!(matches!(error, Some(NoticeError::Access(AccessError::NotAdmin))));
        }
    }
}

/// What the process that trusts the test's own authority is told: the database and the time.
const TOLD: [&str; 2] = ["MAIL_DATABASE", "MAIL_TIME"];

/// Not a test of its own: sends what is due, in a process that was told by `SSL_CERT_FILE` whom to trust.
#[tokio::test]
async fn send_what_is_due() {
    let [Ok(database), Ok(time)] = TOLD.map(std::env::var) else {
        return;
    };
    let store = backend::store::Store::connect(database.into()).await.unwrap();
    let clock = Arc::new(crate::support::ManualClock::at(time.parse().unwrap()));
    let services = crate::support::services(store, clock.clone(), 77).await;
    services.notices.run_once(clock.now()).await.unwrap();
}

/// The system's list of authorities is the process's, so another process is given another one.
#[tokio::test]
async fn a_mail_goes_encrypted_to_the_server_whose_name_its_certificate_has() {
    let (world, mira) = World::set_up(TestDatabase::sqlite()).await;
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(authority, authority_key).unwrap();
    let certificate = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        Some(Arc::new(config))
    };
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("authority.pem");
    std::fs::write(&trusted, authority.pem()).unwrap();
    let runtime = world.runtime(&mira, "prod-eu").await;
    Seeds::new(50)
        .token(&world, &mira, (runtime, Some(mira.user())), in_days(&world, 50))
        .await;
    let notices = &world.services.notices;
    let rules = |name| MailRules {
        login: Some(("mailer", "pass")),
        certificate: certificate(name),
        refuses: false,
    };
    let servers = [
        MailServer::start(world.clock.clone(), rules("elsewhere.test")).await,
        MailServer::start(world.clock.clone(), rules("127.0.0.1")).await,
    ];
    for server in &servers {
        let form = MailForm {
            protection: "start_tls".to_owned(),
            username: "mailer".to_owned(),
            password: "pass".to_owned().into(),
            ..mail_form(server.port)
        };
        notices.put_mail(&mira, form).await.unwrap();
        // The first time there is something to tell, then the same again.
        world.services.notices.run_once(world.clock.now()).await.unwrap();
        world.clock.forward(DAY);
        let time = world.clock.now().as_millis().to_string();
        let told = TOLD
            .into_iter()
            .zip([world.database_url().expose_secret().to_owned(), time]);
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "notice_channels::send_what_is_due", "--nocapture"])
            .envs(told)
            .env("SSL_CERT_FILE", &trusted)
            .stdout(Stdio::null())
            .status();
        assert!(child.await.unwrap().success());
    }
    assert!(servers[0].mails().is_empty(), "a certificate for another name");
    let mails = servers[1].mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].encrypted);
    assert_eq!(mails[0].as_user.as_deref(), Some("mailer"));
    assert_eq!(mails[0].named().len(), 1);
    world.services.close().await.unwrap();
}
