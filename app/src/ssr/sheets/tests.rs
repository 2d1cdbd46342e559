//! Who gets which sheet.

use super::open;
use crate::AppError;
use backend::{
    Services,
    access::{Member, SetUp},
    audit::{Action, Actor, AuditEvent},
    clock::SystemClock,
    egress::{Egress, EgressPolicy, EgressSettings},
    git_providers::GitProviderForm,
    random::SystemRandom,
    runtimes::RuntimeForm,
    store::{NewPerson, Store},
    vault::MasterKeys,
};
use domain::{Role, Timestamp, UserId, sheet::Sheet};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

const PASSWORD: &str = "correct horse battery staple";
const MASTER: &str = "patchbay-master-1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

/// The account `acme` with an admin, a member, a Git provider whose name looks like markup, and a runtime that uses it.
struct World {
    services: Services,
    admin: Member,
    member: Member,
    provider: String,
    runtime: String,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.sqlite").display());
        let store = Store::connect(SecretString::from(url)).await.unwrap();
        store.migrate().await.unwrap();
        let random = Arc::new(SystemRandom);
        let egress = Egress::new(EgressPolicy::new(Vec::new()), EgressSettings::default(), random.clone()).unwrap();
        let master = Arc::new(MasterKeys::parse(MASTER).unwrap());
        let services = Services::new(
            store.clone(),
            master,
            egress,
            Arc::new(SystemClock),
            random,
            "https://patchbay.example/".parse().unwrap(),
        )
        .await
        .unwrap();
        let code = services.access.issue_set_up_link().await.unwrap().unwrap();
        let form = SetUp {
            account_name: "Acme".to_owned(),
            name: "Mira".to_owned(),
            email: "mira@acme.dev".to_owned(),
            password: PASSWORD.to_owned().into(),
        };
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        services.access.set_up(code.expose_secret(), form, here).await.unwrap();
        let admin = sign_in(&services, "mira@acme.dev").await;
        let noor = NewPerson {
            id: UserId(uuid::Uuid::from_u128(1)),
            name: "Noor".to_owned(),
            email: "noor@acme.dev".to_owned(),
            password_hash: store
                .user_by_email("mira@acme.dev")
                .await
                .unwrap()
                .unwrap()
                .password_hash,
        };
        let now = Timestamp::from_millis(0);
        let event = AuditEvent::new(Actor::CommandLine, Action::MemberCreated, now);
        store
            .create_member(admin.account(), noor, Role::Member, now, event)
            .await
            .unwrap();
        let member = sign_in(&services, "noor@acme.dev").await;
        let form = GitProviderForm {
            kind: "github".to_owned(),
            name: "|@javascript:alert(1) click|".to_owned(),
            base_url: "https://github.com".to_owned(),
            api_url: String::new(),
            allow_unverified: false,
        };
        let provider = services.git_providers.register(&admin, form).await.unwrap().to_string();
        let form = RuntimeForm {
            name: "prod-eu".to_owned(),
            provider: provider.clone(),
            ..RuntimeForm::default()
        };
        let runtime = services.runtimes.register(&admin, form).await.unwrap().to_string();
        Self {
            services,
            admin,
            member,
            provider,
            runtime,
            _folder: folder,
        }
    }

    async fn open(&self, member: &Member, page: &str, query: &str) -> Result<Option<Sheet>, AppError> {
        open(&self.services, member, "acme", page, query).await
    }

    async fn title(&self, page: &str, query: &str) -> Option<String> {
        self.open(&self.admin, page, query)
            .await
            .unwrap()
            .map(|sheet| sheet.title)
    }
}

async fn sign_in(services: &Services, email: &str) -> Member {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let password = PASSWORD.to_owned().into();
    let signed_in = services.access.sign_in(email, &password, here).await.unwrap();
    let session = services.access.resume(signed_in.cookie.expose_secret()).await.unwrap();
    services.access.member(session.as_ref(), "acme").await.unwrap()
}

#[tokio::test]
async fn a_member_gets_no_sheet_over_a_page_of_the_admins() {
    let world = World::new().await;
    let own = world
        .open(&world.member, "tokens", &format!("add={}", world.runtime))
        .await;
    assert!(own.is_ok_and(|sheet| sheet.is_some()));
    for (page, thing) in [
        ("admin/runtimes", &world.runtime),
        ("admin/git-authentication", &world.provider),
        ("admin/settings", &"times".to_owned()),
    ] {
        for query in [
            "register=",
            &format!("edit={thing}"),
            &format!("delete={thing}"),
            "edit=x",
            &format!("keys={}", world.runtime),
        ] {
            // Keys are runtimes' alone.
            if query.starts_with("keys") && page != "admin/runtimes" {
                continue;
            }
            let answer = world.open(&world.member, page, query).await;
            assert_eq!(answer, Err(AppError::NotAdmin), "{page} {query}");
        }
    }
    let (mira, own) = (world.admin.user(), world.member.user());
    for query in ["invite=", "role=x", &format!("remove={mira}"), &format!("remove={own}")] {
        let answer = world.open(&world.member, "admin/members", query).await;
        assert_eq!(answer, Err(AppError::NotAdmin), "{query}");
    }
    // But everybody may leave.
    let leave = world.open(&world.member, "tokens", "leave=").await.unwrap().unwrap();
    assert!(leave.submit.is_some(), "{leave:?}");
    let last = world.open(&world.admin, "tokens", "leave=").await.unwrap().unwrap();
    assert!(last.submit.is_none(), "the only admin cannot: {last:?}");
}

#[tokio::test]
async fn a_query_gets_its_sheet() {
    let world = World::new().await;
    let (provider, runtime) = (&world.provider, &world.runtime);
    let (mira, noor) = (world.admin.user(), world.member.user());
    for (page, query, title) in [
        ("tokens", "leave=".to_owned(), "Leave this account?"),
        ("admin/members", "invite=".to_owned(), "Invite somebody"),
        ("admin/members", format!("role={noor}"), "Make Noor an admin?"),
        ("admin/members", format!("role={mira}"), "Make Mira a member?"),
        ("admin/members", format!("remove={noor}"), "Remove Noor?"),
        ("admin/members", format!("remove={mira}"), "Leave this account?"),
        ("tokens", format!("add={runtime}"), "Add token for prod-eu"),
        ("admin/runtimes", "register".to_owned(), "Register runtime"),
        ("admin/runtimes", format!("edit={runtime}"), "Edit prod-eu"),
        ("admin/runtimes", format!("delete={runtime}"), "Delete prod-eu?"),
        ("admin/runtimes", format!("keys={runtime}"), "Access keys of prod-eu"),
        (
            "admin/git-authentication",
            format!("edit={provider}"),
            "Edit |@javascript:alert(1) click|",
        ),
        ("admin/settings", "edit=times".to_owned(), "When people are told"),
        ("admin/settings", "register=email".to_owned(), "Mail server"),
        ("admin/settings", "register=webhook".to_owned(), "Add webhook"),
        ("admin/settings", "register=slack".to_owned(), "Add chat"),
    ] {
        assert_eq!(
            world.title(page, &query).await.as_deref(),
            Some(title),
            "{page} {query}"
        );
    }
}

#[tokio::test]
async fn a_query_that_names_nothing_gets_none() {
    let world = World::new().await;
    let (provider, runtime) = (&world.provider, &world.runtime);
    for (page, query) in [
        ("tokens", String::new()),
        ("tokens", "add=".to_owned()),
        ("tokens", format!("add={provider}")),
        ("tokens", format!("delete={runtime}")),
        ("tokens", format!("edit={runtime}")),
        ("admin/runtimes", format!("edit={provider}")),
        ("admin/members", format!("remove={runtime}")),
        ("admin/members", "role=".to_owned()),
        ("admin/members", format!("revoke={runtime}")),
        ("admin/settings", format!("edit={provider}")),
        ("admin/settings", "register=".to_owned()),
        ("notifications", format!("snooze={provider}")),
        ("admin", format!("add={runtime}")),
        ("", format!("add={runtime}")),
    ] {
        assert_eq!(world.title(page, &query).await, None, "{page} {query}");
    }
}

#[tokio::test]
async fn a_name_is_no_markup() {
    use domain::{
        guide::{Piece, pieces, shown},
        sheet::Part,
    };
    let world = World::new().await;
    let query = format!("delete={}", world.provider);
    world
        .services
        .runtimes
        .delete(&world.admin, world.runtime.parse().unwrap())
        .await
        .unwrap();
    let sheet = world
        .open(&world.admin, "admin/git-authentication", &query)
        .await
        .unwrap()
        .unwrap();
    let Some(Part::Text(text)) = sheet.parts.last() else {
        panic!("no text: {sheet:?}");
    };
    assert_eq!(pieces(text).collect::<Vec<_>>(), [Piece::Text(text)]);
    assert!(shown(text).contains("with |@javascript:alert(1) click|."));
}

#[tokio::test]
async fn a_channel_has_a_sheet_that_asks_whether_it_may_go() {
    let world = World::new().await;
    let form = backend::notices::WebhookForm {
        name: "|*ops*|".to_owned(),
        address: "https://hooks.acme.dev/patchbay".to_owned(),
    };
    let made = world.services.notices.add_webhook(&world.admin, &form).await.unwrap();
    let title = world.title("admin/settings", &format!("delete={}", made.id)).await;
    assert_eq!(title.as_deref(), Some("Delete |*ops*|?"));
    let edit = world.title("admin/settings", &format!("edit={}", made.id)).await;
    assert_eq!(edit, None, "a webhook is added anew");
}
