//! Set-up, sign-in, sessions.

use crate::support::{PASSWORD, World, on_both_databases};
use backend::access::{ABSOLUTE_LIFETIME, AccessError, IDLE_LIFETIME, NewAdmin, SetUp};
use domain::{Role, SecretInput};
use secrecy::ExposeSecret as _;
use std::net::{IpAddr, Ipv4Addr};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn password(text: &str) -> SecretInput {
    text.to_owned().into()
}

fn set_up_form() -> SetUp {
    SetUp {
        account_name: "Acme".to_owned(),
        name: "Mira Rao".to_owned(),
        email: "mira@acme.dev".to_owned(),
        password: password(PASSWORD),
    }
}

on_both_databases! {
    async fn the_set_up_link_makes_the_first_account_and_works_once(database: TestDatabase) {
        let world = World::empty(database).await;
        let access = &world.services.access;
        assert!(!access.is_set_up().await.unwrap());
        let code = access.issue_set_up_link().await.unwrap().unwrap();
        assert!(access.is_set_up_link(code.expose_secret()).await.unwrap());

        let signed_in = access.set_up(code.expose_secret(), set_up_form(), HERE).await.unwrap();
        assert_eq!(signed_in.account.as_deref(), Some("acme"));
        let member = world.member(signed_in.cookie.expose_secret(), "acme").await;
        let viewer = access.viewer(&member).await.unwrap();
        assert_eq!((viewer.name.as_str(), viewer.role), ("Mira Rao", Role::Admin));

        let again = access.set_up(code.expose_secret(), set_up_form(), HERE).await;
        assert!(matches!(again, Err(AccessError::SetUpLink)));
        assert!(access.issue_set_up_link().await.unwrap().is_none());
    }

    async fn a_later_start_replaces_the_set_up_link(database: TestDatabase) {
        let world = World::empty(database).await;
        let access = &world.services.access;
        let first = access.issue_set_up_link().await.unwrap().unwrap();
        let second = access.issue_set_up_link().await.unwrap().unwrap();
        assert!(!access.is_set_up_link(first.expose_secret()).await.unwrap());
        assert!(access.is_set_up_link(second.expose_secret()).await.unwrap());
    }

    async fn a_set_up_form_with_errors_uses_nothing_up(database: TestDatabase) {
        let world = World::empty(database).await;
        let code = world.services.access.issue_set_up_link().await.unwrap().unwrap();
        let form = SetUp { email: "mira".to_owned(), password: password("short"), ..set_up_form() };
        let Err(AccessError::Invalid(errors)) = world.services.access.set_up(code.expose_secret(), form, HERE).await else {
            panic!("the form was taken");
        };
        assert!(errors.at("email").is_some() && errors.at("password").is_some() && errors.at("name").is_none());
        assert!(world.services.access.is_set_up_link(code.expose_secret()).await.unwrap());
    }

    async fn two_at_once_cannot_both_use_the_set_up_link(database: TestDatabase) {
        let world = World::empty(database).await;
        let code = world.services.access.issue_set_up_link().await.unwrap().unwrap();
        let (a, b) = tokio::join!(
            world.services.access.set_up(code.expose_secret(), set_up_form(), HERE),
            world.services.access.set_up(code.expose_secret(), set_up_form(), HERE),
        );
        assert!(a.is_ok() != b.is_ok(), "exactly one may win");
        assert_eq!(world.store.accounts().await.unwrap().len(), 1);
    }

    async fn signing_in_takes_the_right_password_and_any_spelling_of_the_address(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let access = &world.services.access;
        let signed_in = access.sign_in(" Mira@ACME.dev ", &password(PASSWORD), HERE).await.unwrap();
        assert_eq!(signed_in.account.as_deref(), Some("acme"));
        assert!(access.resume(signed_in.cookie.expose_secret()).await.unwrap().is_some());

        let wrong = access.sign_in("mira@acme.dev", &password("another password here"), HERE).await;
        assert!(matches!(wrong, Err(AccessError::WrongCredentials)));
        let nobody = access.sign_in("nobody@acme.dev", &password(PASSWORD), HERE).await;
        assert!(matches!(nobody, Err(AccessError::WrongCredentials)));
        let long = access.sign_in("mira@acme.dev", &password(&PASSWORD.repeat(20)), HERE).await;
        assert!(matches!(long, Err(AccessError::WrongCredentials)));
    }

    async fn too_many_wrong_passwords_make_the_next_try_wait(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let access = &world.services.access;
        for _ in 0..5 {
            let tried = access.sign_in("mira@acme.dev", &password("another password here"), HERE).await;
            assert!(matches!(tried, Err(AccessError::WrongCredentials)));
        }
        // Now even the right one waits.
        let tried = access.sign_in("mira@acme.dev", &password(PASSWORD), HERE).await;
        assert!(matches!(tried, Err(AccessError::Throttled { .. })));
        world.clock.forward(16);
        assert!(access.sign_in("mira@acme.dev", &password(PASSWORD), HERE).await.is_ok());
        // A success starts the count again.
        let tried = access.sign_in("mira@acme.dev", &password("another password here"), HERE).await;
        assert!(matches!(tried, Err(AccessError::WrongCredentials)));
    }

    async fn many_guesses_at_once_gain_nothing(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let guesses = (0..20).map(|_| {
            let access = world.services.access.clone();
            tokio::spawn(async move { access.sign_in("mira@acme.dev", &password("another password here"), HERE).await })
        });
        let mut wrong = 0;
        for guess in guesses.collect::<Vec<_>>() {
            wrong += u32::from(matches!(guess.await.unwrap(), Err(AccessError::WrongCredentials)));
        }
        // All may have looked before the first was counted; the next one waits in any case.
        let next = world.services.access.sign_in("mira@acme.dev", &password(PASSWORD), HERE).await;
        assert!(matches!(next, Err(AccessError::Throttled { .. })), "{wrong} were verified");
    }

    async fn one_address_cannot_try_many_people(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let access = &world.services.access;
        for n in 0..30 {
            let tried = access.sign_in(&format!("p{n}@acme.dev"), &password("another password here"), HERE).await;
            assert!(matches!(tried, Err(AccessError::WrongCredentials)), "{n}");
        }
        let tried = access.sign_in("p31@acme.dev", &password("another password here"), HERE).await;
        assert!(matches!(tried, Err(AccessError::Throttled { .. })));
        let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        assert!(access.sign_in("mira@acme.dev", &password(PASSWORD), elsewhere).await.is_ok());
    }

    async fn signing_out_ends_the_session_and_no_other(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let access = &world.services.access;
        let one = access.sign_in("mira@acme.dev", &password(PASSWORD), HERE).await.unwrap();
        let two = access.sign_in("mira@acme.dev", &password(PASSWORD), HERE).await.unwrap();
        assert_ne!(one.cookie.expose_secret(), two.cookie.expose_secret());
        let session = access.resume(one.cookie.expose_secret()).await.unwrap().unwrap();
        access.sign_out(&session).await.unwrap();
        assert!(access.resume(one.cookie.expose_secret()).await.unwrap().is_none());
        assert!(access.resume(two.cookie.expose_secret()).await.unwrap().is_some());
    }

    async fn a_session_ends_when_it_is_not_used(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let access = &world.services.access;
        let cookie = access.sign_in("mira@acme.dev", &password(PASSWORD), HERE).await.unwrap().cookie;
        let idle = i64::try_from(IDLE_LIFETIME.as_secs()).unwrap();
        world.clock.forward(idle - 1);
        assert!(access.resume(cookie.expose_secret()).await.unwrap().is_some());
        world.clock.forward(idle - 1);
        assert!(access.resume(cookie.expose_secret()).await.unwrap().is_some(), "its use was noted");
        world.clock.forward(idle);
        assert!(access.resume(cookie.expose_secret()).await.unwrap().is_none());
    }

    async fn a_session_ends_in_the_end_however_much_it_is_used(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let access = &world.services.access;
        let cookie = access.sign_in("mira@acme.dev", &password(PASSWORD), HERE).await.unwrap().cookie;
        let hours = ABSOLUTE_LIFETIME.as_secs() / 3600;
        for _ in 1..hours {
            world.clock.forward(3600);
            assert!(access.resume(cookie.expose_secret()).await.unwrap().is_some());
        }
        world.clock.forward(3600);
        assert!(access.resume(cookie.expose_secret()).await.unwrap().is_none());
    }

    async fn no_cookie_of_another_kind_opens_anything(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        for cookie in ["", "x", "'; DROP TABLE sessions; --", &"a".repeat(10_000)] {
            assert!(world.services.access.resume(cookie).await.unwrap().is_none());
        }
        let nobody = world.services.access.member(None, "acme").await;
        assert!(matches!(nobody, Err(AccessError::NotSignedIn)));
    }

    async fn the_command_line_makes_further_admins(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let access = &world.services.access;
        let admin = |email: &str| NewAdmin {
            name: "Jonas Weber".to_owned(),
            email: email.to_owned(),
            password: password(PASSWORD),
        };
        assert_eq!(access.create_admin(None, admin("jonas@acme.dev")).await.unwrap(), "acme");
        assert!(access.sign_in("jonas@acme.dev", &password(PASSWORD), HERE).await.is_ok());
        let again = access.create_admin(None, admin("jonas@acme.dev")).await.unwrap_err();
        assert!(again.to_string().contains("already"), "{again}");
        let elsewhere = access.create_admin(Some("globex"), admin("x@acme.dev")).await.unwrap_err();
        assert!(elsewhere.to_string().contains("acme"), "{elsewhere}");
    }

    async fn the_command_line_makes_further_accounts(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let access = &world.services.access;
        assert_eq!(access.create_account("Globex Corp", " Mira@acme.dev").await.unwrap(), "globex-corp");
        assert_eq!(access.create_account("Acme", "mira@acme.dev").await.unwrap(), "acme-2", "its address is taken");
        assert_eq!(access.create_account("acme!", "mira@acme.dev").await.unwrap(), "acme-3");
        let session = world.sign_in("mira@acme.dev").await;
        let mira = access.member(Some(&session), "acme-3").await.unwrap();
        let viewer = access.viewer(&mira).await.unwrap();
        assert_eq!((viewer.role, viewer.account_name.as_str()), (Role::Admin, "acme!"));
        let slugs: Vec<&str> = viewer.accounts.iter().map(|(slug, _)| slug.as_str()).collect();
        assert_eq!(slugs, ["acme", "acme-2", "acme-3", "globex-corp"], "in the order of their names");
        let events = world.store.audit_events_after(mira.account(), 0, 10).await.unwrap();
        let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(actions, ["account.created", "session.signed_in"]);
        let runtime = world.runtime(&mira, "prod-eu").await;
        assert!(world.services.tokens.row(&mira, runtime).await.is_ok(), "it has keys of its own");

        let nobody = access.create_account("Initech", "peter@initech.dev").await.unwrap_err();
        assert!(nobody.to_string().contains("peter@initech.dev"), "{nobody}");
        let nothing = access.create_account(" ", "peter").await.unwrap_err();
        assert!(nothing.to_string().contains("name:") && nothing.to_string().contains("admin:"), "{nothing}");
    }

    async fn signing_in_leads_to_the_account_that_was_used_last(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let access = &world.services.access;
        access.create_account("Aardvark", "mira@acme.dev").await.unwrap();
        let session = world.sign_in("mira@acme.dev").await;
        for used in ["aardvark", "acme", "aardvark"] {
            world.clock.forward(1);
            access.member(Some(&session), used).await.unwrap();
            assert_eq!(access.home(&session).await.unwrap().as_deref(), Some(used));
        }
        world.clock.forward(1);
        access.member(Some(&session), "acme").await.unwrap();
        let again = access.sign_in("mira@acme.dev", &password(PASSWORD), HERE).await.unwrap();
        assert_eq!(again.account.as_deref(), Some("acme"));
    }

    async fn before_the_set_up_the_command_line_points_to_the_link(database: TestDatabase) {
        let world = World::empty(database).await;
        let admin = NewAdmin { name: "J".to_owned(), email: "j@acme.dev".to_owned(), password: password(PASSWORD) };
        let error = world.services.access.create_admin(None, admin).await.unwrap_err();
        assert!(error.to_string().contains("set-up link"), "{error}");
    }
}
