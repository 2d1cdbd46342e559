//! A year by the clock: every notice is told once over every channel, nobody gets two mails a day, and others hear of what nobody
//! minded when it is time.

use crate::{
    notice_channels::{mail_form, slack, webhook},
    notices::{DAY, Seeds, person, remove, run},
    oauth::{form, sign_in},
    support::{HttpSink, MailRules, MailServer, World, on_both_databases},
};
use backend::{clock::Clock as _, oauth::ApplicationForm};
use domain::Expiry;
use forge::{NewOAuthApplication, Provider};
use std::{collections::BTreeMap, time::Duration};

/// The look is made four times a day, at midnight, six, noon and six.
const STEP: i64 = DAY / 4;

/// At one in the night, so many days from the first noon.
fn night(world: &World, days: u64) -> Expiry {
    Expiry::At(world.clock.now().plus(Duration::from_hours(days * 24 + 13)))
}

on_both_databases! {
    async fn a_year_tells_everything_once(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let [r1, r2, r3] = [
            world.runtime(&mira, "r1").await,
            world.runtime(&mira, "r2").await,
            world.runtime(&mira, "r3").await,
        ];
        let ana = person(&world, "Ana", false).await;
        let ben = person(&world, "Ben", false).await;
        let carl = person(&world, "Carl", false).await;
        person(&world, "Jonas", true).await;
        let sink = HttpSink::start().await;
        webhook(&world, &mira, &sink.url("/hook")).await;
        slack(&world, &mira, &sink.url("/chat")).await;
        let server = MailServer::start(world.clock.clone(), MailRules::default()).await;
        world.services.notices.put_mail(&mira, mail_form(server.port)).await.unwrap();

        let seeds = Seeds::new(50);
        seeds.token(&world, &mira, (r1, Some(ana.user())), night(&world, 200)).await;
        seeds.token(&world, &mira, (r2, Some(ana.user())), night(&world, 5)).await;
        seeds.token(&world, &mira, (r3, Some(ana.user())), Expiry::Never).await;
        seeds.token(&world, &mira, (r1, Some(ben.user())), night(&world, 90)).await;
        seeds.token(&world, &mira, (r3, None), night(&world, 100)).await;
        seeds.token(&world, &mira, (r1, Some(carl.user())), night(&world, 120)).await;
        // An OAuth application whose secret ends in forty days.
        let page = world.services.oauth_applications.page(&mira).await.unwrap();
        let next = page[0].next.as_ref().unwrap();
        let registered = NewOAuthApplication::new(Provider::GitHub, &next.callback_url);
        let registered = world.forge.create_oauth_application(registered);
        let application = ApplicationForm {
            name: "Argo".to_owned(),
            secret_ends_on: "2027-01-01".to_owned(),
            ..form(&registered, "repo")
        };
        world.services.oauth_applications.register(&mira, page[0].id, next.id, &application).await.unwrap();

        for step in 0..365 * 4 {
            if step == 50 * 4 {
                remove(&world, "Carl").await;
            }
            if step == 80 * 4 {
                seeds.token(&world, &mira, (r1, Some(ben.user())), night(&world, 300)).await;
            }
            let run = run(&world).await;
            assert_eq!(run.failed, 0);
            world.clock.forward(STEP);
        }

        // By the webhook: each notice has an id of its own and comes once.
        let received = sink.received("/hook");
        let mut ids: Vec<&str> = received.iter().map(|request| request.header("webhook-id")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), received.len());
        let mut told: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for request in &received {
            let body = request.json();
            let message = body["data"]["message"].as_str().unwrap();
            let about = message.split(" at forge").next().unwrap().to_owned();
            told.entry(about).or_default().push(body["data"]["lead_days"].as_u64().unwrap_or(0));
        }
        let all = vec![60, 30, 14, 7, 3, 1, 0];
        let expected: BTreeMap<String, Vec<u64>> = [
            ("Ana's token for r1", all.clone()),
            ("Ana's token for r2", vec![7, 3, 1, 0]),
            // Replaced on day 80, by one that ends after the year.
            ("Ben's token for r1", vec![60, 30, 14, 60, 30]),
            ("Carl's token for r1", all.clone()),
            ("The runtime token of r3", all.clone()),
            ("The client secret of the OAuth application Argo", all.clone()),
        ]
        .into_iter()
        .map(|(about, leads)| (about.to_owned(), leads))
        .collect();
        assert_eq!(told, expected);
        let count: usize = expected.values().map(Vec::len).sum();

        // In the chat: the same, each once.
        let chats = sink.received("/chat");
        let lines = chats.iter().map(|request| {
            let text = request.json()["text"].as_str().unwrap().to_owned();
            text.lines().filter(|line| line.starts_with('•')).count()
        });
        assert_eq!(lines.sum::<usize>(), count);

        // By mail: at most one a day to each, with each notice once to everybody who was to hear of it.
        let mut days: BTreeMap<(String, i64), usize> = BTreeMap::new();
        let mut mailed: BTreeMap<String, usize> = BTreeMap::new();
        for mail in server.mails() {
            *days.entry((mail.to[0].clone(), mail.at.days())).or_default() += 1;
            *mailed.entry(mail.to[0].clone()).or_default() += mail.named().len();
            assert!(!mail.named().is_empty());
        }
        assert!(days.values().all(|count| *count == 1), "{days:?}");
        let expected = [
            ("ana@acme.dev", 7 + 4),
            ("ben@acme.dev", 5),
            // To those who are not the holder from the third and the sixth day on; of Carl's, who was gone, and of the secret at once.
            ("jonas@acme.dev", 7 + 1 + 5 + 7 + 7 + 7),
            ("mira@acme.dev", 7 + 3 + 5 + 7 + 7 + 7),
        ];
        let expected: BTreeMap<String, usize> =
            expected.into_iter().map(|(person, count)| (person.to_owned(), count)).collect();
        assert_eq!(mailed, expected);

        // What is left is what is open: expired tokens, and Ben's, which ends after the year.
        let (_, mira) = sign_in(&world, "mira@acme.dev").await;
        let open = world.services.notices.open(&mira).await.unwrap();
        assert_eq!(open.len(), 6);
    }
}
