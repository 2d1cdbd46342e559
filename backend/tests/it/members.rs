//! Invitations, roles, and what becomes of somebody's tokens who goes.

use crate::{
    oauth::Stage,
    support::{PASSWORD, World, on_both_databases, services},
};
use backend::{
    access::{AccessError, Member},
    members::{Fate, InviteForm, JoinError, LIFETIME, MemberError, NewMember},
    tokens::TokenError,
};
use domain::{ProviderKind, Role, RuntimeId};
use forge::{NewToken, Provider, TokenKind};
use secrecy::ExposeSecret as _;
use std::net::{IpAddr, Ipv4Addr};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn form(role: &str, email: &str) -> InviteForm {
    InviteForm {
        role: role.to_owned(),
        email: email.to_owned(),
    }
}

fn jonas() -> NewMember {
    NewMember {
        name: "Jonas Weber".to_owned(),
        email: "jonas@acme.dev".to_owned(),
        password: PASSWORD.to_owned().into(),
    }
}

/// The code of a new invitation.
async fn invited(world: &World, admin: &Member, role: &str, email: &str) -> String {
    let invited = world.services.members.invite(admin, &form(role, email)).await.unwrap();
    let link = invited.link.expose_secret();
    let code = link.strip_prefix("https://patchbay.example/join/").unwrap();
    assert_eq!(code.len(), 43, "256 bits");
    code.to_owned()
}

/// Jonas, who has joined as a member.
async fn joined(world: &World, admin: &Member) -> Member {
    let code = invited(world, admin, "member", "").await;
    let members = &world.services.members;
    let signed_in = members.join_as_new(&code, jonas(), HERE).await.unwrap();
    world.member(signed_in.cookie.expose_secret(), "acme").await
}

/// A runtime at GitLab and this member's token for it.
async fn with_token(world: &World, admin: &Member, name: &str, member: &Member) -> RuntimeId {
    let runtime = world
        .named_runtime_at(admin, name, ProviderKind::GitLab, Provider::GitLab)
        .await;
    let new = NewToken::of_kind(TokenKind::GitlabPersonal, "mira", ["read_api", "write_repository"]);
    let token = world.forge.create_token(new).unwrap();
    let put = world.services.tokens.put(member, runtime, &token.value.into()).await;
    put.unwrap();
    runtime
}

/// What was done in the account, with what is to be known of it.
async fn audit(world: &World, member: &Member) -> Vec<(String, String)> {
    let events = world.store.audit_events_after(member.account(), 0, 1000).await.unwrap();
    events.into_iter().map(|event| (event.action, event.detail)).collect()
}

fn event(action: &str, detail: &str) -> (String, String) {
    (action.to_owned(), detail.to_owned())
}

async fn roles(world: &World, admin: &Member) -> Vec<(String, Role)> {
    let page = world.services.members.page(admin).await.unwrap();
    page.members
        .into_iter()
        .map(|member| (member.name, member.role))
        .collect()
}

on_both_databases! {
    async fn an_invitation_makes_somebody_a_member_once(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let members = &world.services.members;
        let code = invited(&world, &mira, "member", "").await;
        let seen = members.invitation(None, &code).await.unwrap();
        assert_eq!((seen.account.as_str(), seen.inviter.as_str(), seen.role), ("Acme", "Mira Rao", Role::Member));
        assert_eq!((seen.email, seen.signed_in), (None, None));
        let pending = members.page(&mira).await.unwrap().invitations;
        assert_eq!((pending.len(), pending[0].inviter.as_str()), (1, "Mira Rao"));

        let signed_in = members.join_as_new(&code, jonas(), HERE).await.unwrap();
        assert_eq!(signed_in.account.as_deref(), Some("acme"));
        let jonas = world.member(signed_in.cookie.expose_secret(), "acme").await;
        assert!(jonas.require_admin().is_err());
        assert!(world.services.access.sign_in("jonas@acme.dev", &PASSWORD.to_owned().into(), HERE).await.is_ok());

        let page = members.page(&mira).await.unwrap();
        assert!(page.invitations.is_empty(), "it is used up");
        assert_eq!(page.members.len(), 2);
        let row = page.members.iter().find(|member| member.user == jonas.user()).unwrap();
        assert_eq!((row.email.as_str(), row.role, row.tokens), ("jonas@acme.dev", Role::Member, 0));
        assert_eq!(row.last_seen_at, Some(page.now));
        let other = NewMember { email: "eve@acme.dev".to_owned(), ..self::jonas() };
        assert!(matches!(members.join_as_new(&code, other, HERE).await, Err(JoinError::Used)));
        assert!(matches!(members.invitation(None, &code).await, Err(JoinError::Used)));

        let events = audit(&world, &mira).await;
        assert!(events.contains(&event("member.invited", "anybody as member")), "{events:?}");
        let detail = "as member, invited by Mira Rao";
        assert!(events.contains(&event("member.joined", detail)), "{events:?}");
        assert!(events.iter().all(|(_, detail)| !detail.contains(&code)));
    }

    async fn somebody_who_is_known_joins_a_second_account(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let (access, members) = (&world.services.access, &world.services.members);
        joined(&world, &mira).await;
        access.create_account("Globex", "mira@acme.dev").await.unwrap();
        let boss = access.member(Some(&world.sign_in("mira@acme.dev").await), "globex").await.unwrap();
        let code = invited(&world, &boss, "admin", "Jonas@ACME.dev").await;

        let session = world.sign_in("jonas@acme.dev").await;
        let seen = members.invitation(Some(&session), &code).await.unwrap();
        assert_eq!((seen.account.as_str(), seen.signed_in.as_deref()), ("Globex", Some("Jonas Weber")));
        assert!(matches!(members.join(None, &code).await, Err(JoinError::NotSignedIn)));
        assert_eq!(members.join(Some(&session), &code).await.unwrap(), "globex");
        let jonas = access.member(Some(&session), "globex").await.unwrap();
        assert!(jonas.require_admin().is_ok(), "as what he was invited");
        let viewer = access.viewer(&jonas).await.unwrap();
        let accounts: Vec<&str> = viewer.accounts.iter().map(|(slug, _)| slug.as_str()).collect();
        assert_eq!(accounts, ["acme", "globex"]);
        // Who comes back to the link is not told that it was used.
        let again = members.join(Some(&session), &code).await;
        assert!(matches!(again, Err(JoinError::Already { account }) if account == "Globex"));

        // An invitation is not used up by somebody who has no use for it.
        let further = invited(&world, &boss, "member", "").await;
        assert!(matches!(members.join(Some(&session), &further).await, Err(JoinError::Already { .. })));
        assert!(members.invitation(None, &further).await.is_ok());
    }

    async fn an_invitation_for_an_address_is_for_nobody_else(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let members = &world.services.members;
        joined(&world, &mira).await;
        let boss = {
            let access = &world.services.access;
            access.create_account("Globex", "mira@acme.dev").await.unwrap();
            access.member(Some(&world.sign_in("mira@acme.dev").await), "globex").await.unwrap()
        };
        let code = invited(&world, &boss, "member", "ada@globex.dev").await;
        let session = world.sign_in("jonas@acme.dev").await;
        for result in [
            members.invitation(Some(&session), &code).await.map(|_| ()),
            members.join(Some(&session), &code).await.map(|_| ()),
        ] {
            let Err(JoinError::WrongAddress { invited, own }) = result else { panic!("{result:?}") };
            assert_eq!((invited.as_str(), own.as_str()), ("ada@globex.dev", "jonas@acme.dev"));
        }
        // Whatever a stranger types, the address is the one that was invited.
        let form = NewMember { name: "Ada".to_owned(), ..jonas() };
        let signed_in = members.join_as_new(&code, form, HERE).await.unwrap();
        world.member(signed_in.cookie.expose_secret(), "globex").await;
        let page = members.page(&boss).await.unwrap();
        assert!(page.members.iter().any(|member| member.email == "ada@globex.dev"));
    }

    async fn a_link_that_no_longer_works_says_why(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let members = &world.services.members;
        assert!(matches!(members.invitation(None, "never-made").await, Err(JoinError::NotFound)));
        assert!(matches!(members.join_as_new("", jonas(), HERE).await, Err(JoinError::NotFound)));

        let revoked = invited(&world, &mira, "admin", "").await;
        let id = members.page(&mira).await.unwrap().invitations[0].id;
        members.revoke_invitation(&mira, id).await.unwrap();
        assert!(matches!(members.join_as_new(&revoked, jonas(), HERE).await, Err(JoinError::Revoked)));
        assert!(matches!(members.revoke_invitation(&mira, id).await, Err(MemberError::NotFound)));

        let late = invited(&world, &mira, "member", "").await;
        let week = i64::try_from(LIFETIME.as_secs()).unwrap();
        world.clock.forward(week - 1);
        assert!(members.invitation(None, &late).await.is_ok());
        world.clock.forward(1);
        assert!(matches!(members.invitation(None, &late).await, Err(JoinError::Ended)));
        assert!(matches!(members.join_as_new(&late, jonas(), HERE).await, Err(JoinError::Ended)));
        assert!(members.page(&mira).await.unwrap().invitations.is_empty());
        let events = audit(&world, &mira).await;
        assert!(events.contains(&event("invitation.revoked", "anybody as admin")), "{events:?}");
    }

    async fn inviting_somebody_again_replaces_the_link_that_was_lost(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let members = &world.services.members;
        let lost = invited(&world, &mira, "member", "jonas@acme.dev").await;
        let open = invited(&world, &mira, "member", "").await;
        let new = invited(&world, &mira, "admin", "JONAS@acme.dev").await;
        assert!(matches!(members.invitation(None, &lost).await, Err(JoinError::Revoked)));
        assert!(members.invitation(None, &open).await.is_ok() && members.invitation(None, &new).await.is_ok());

        for (form, field) in [
            (form("owner", ""), "role"),
            (form("member", "jonas"), "email"),
            (form("member", "mira@acme.dev"), "email"),
        ] {
            let Err(MemberError::Invalid(errors)) = members.invite(&mira, &form).await else { panic!("{form:?} was taken") };
            assert!(errors.at(field).is_some(), "{errors:?}");
        }
    }

    async fn a_link_tells_few_addresses_that_are_known(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let members = &world.services.members;
        let code = invited(&world, &mira, "member", "").await;
        let guess = || NewMember { email: "mira@acme.dev".to_owned(), ..jonas() };
        // What is wrong by itself tells nothing, and is not counted.
        for _ in 0..6 {
            let Err(JoinError::Invalid(errors)) = members.join_as_new(&code, NewMember::default(), HERE).await else { panic!() };
            assert!(errors.at("name").is_some() && errors.at("email").is_some() && errors.at("password").is_some());
        }
        for _ in 0..5 {
            let Err(JoinError::Invalid(errors)) = members.join_as_new(&code, guess(), HERE).await else { panic!() };
            assert!(errors.at("email").unwrap().contains("sign in below"));
        }
        let throttled = members.join_as_new(&code, guess(), HERE).await;
        assert!(matches!(throttled, Err(JoinError::Access(AccessError::Throttled { .. }))));
        assert!(world.services.access.sign_in("mira@acme.dev", &PASSWORD.to_owned().into(), HERE).await.is_ok());
        world.clock.forward(16);
        assert!(members.join_as_new(&code, jonas(), HERE).await.is_ok());
    }

    async fn of_two_who_use_one_link_at_once_one_comes_in(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let other = services(world.store.clone(), world.clock.clone(), 2).await;
        for number in 0..4 {
            let code = invited(&world, &mira, "member", "").await;
            let person = |name: &str| NewMember { email: format!("{name}{number}@acme.dev"), ..jonas() };
            let (a, b) = tokio::join!(
                world.services.members.join_as_new(&code, person("a"), HERE),
                other.members.join_as_new(&code, person("b"), HERE),
            );
            assert!(a.is_ok() != b.is_ok(), "exactly one may win");
            let loser = if a.is_ok() { b } else { a };
            assert!(matches!(loser, Err(JoinError::Used)));
        }
        assert_eq!(world.store.member_count(mira.account()).await.unwrap(), 5);

        // The same person by two links: one of them stays unused.
        world.services.access.create_account("Globex", "mira@acme.dev").await.unwrap();
        let boss = world.services.access.member(Some(&world.sign_in("mira@acme.dev").await), "globex").await.unwrap();
        let (one, two) = (invited(&world, &boss, "member", "").await, invited(&world, &boss, "member", "").await);
        let email = email_of_a_member(&world, &mira).await;
        let session = world.sign_in(&email).await;
        let (a, b) = tokio::join!(
            world.services.members.join(Some(&session), &one),
            other.members.join(Some(&session), &two),
        );
        assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
        assert_eq!(world.services.members.page(&boss).await.unwrap().invitations.len(), 1);
    }

    async fn an_account_keeps_its_last_admin(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let members = &world.services.members;
        let jonas = joined(&world, &mira).await;
        let last = [
            members.change_role(&mira, mira.user(), Role::Member).await,
            members.remove(&mira, mira.user(), Fate::Keep).await,
        ];
        assert!(last.iter().all(|result| matches!(result, Err(MemberError::LastAdmin))), "{last:?}");
        assert!(members.departure(&mira, mira.user()).await.unwrap().last_admin);

        members.change_role(&mira, jonas.user(), Role::Admin).await.unwrap();
        assert!(!members.departure(&mira, mira.user()).await.unwrap().last_admin);
        let jonas = world.member_by("jonas@acme.dev").await;
        members.change_role(&jonas, mira.user(), Role::Member).await.unwrap();
        assert_eq!(
            roles(&world, &jonas).await,
            [("Jonas Weber".to_owned(), Role::Admin), ("Mira Rao".to_owned(), Role::Member)]
        );
        // Her proof is from before, and no longer true.
        let stale = members.change_role(&mira, jonas.user(), Role::Member).await;
        assert!(matches!(stale, Err(MemberError::Access(AccessError::NotAdmin))), "{stale:?}");
        let stale = members.remove(&mira, jonas.user(), Fate::Keep).await;
        assert!(matches!(stale, Err(MemberError::Access(AccessError::NotAdmin))), "{stale:?}");
        let events = audit(&world, &mira).await;
        let detail = "Mira Rao <mira@acme.dev>: member instead of admin";
        assert!(events.contains(&event("member.role_changed", detail)), "{events:?}");
    }

    async fn two_admins_who_go_for_each_other_at_once_leave_one(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let other = services(world.store.clone(), world.clock.clone(), 2).await;
        let (here, there) = (&world.services.members, &other.members);
        for round in 0..6 {
            let account = mira.account();
            let admins = |rows: Vec<backend::store::MemberRow>| rows.into_iter().filter(|row| row.role == Role::Admin).collect::<Vec<_>>();
            let left = admins(world.store.members(account).await.unwrap());
            assert_eq!(left.len(), 1, "round {round}");
            let a = world.member_by(&left[0].email).await;
            let b = world.admin("Ada", &format!("ada{round}@acme.dev")).await;
            let (one, two) = match round % 3 {
                0 => tokio::join!(
                    here.change_role(&a, b.user(), Role::Member),
                    there.change_role(&b, a.user(), Role::Member),
                ),
                1 => tokio::join!(here.remove(&a, b.user(), Fate::Keep), there.remove(&b, a.user(), Fate::Keep)),
                _ => tokio::join!(here.remove(&a, a.user(), Fate::Keep), there.remove(&b, b.user(), Fate::Keep)),
            };
            assert!(one.is_ok() != two.is_ok(), "round {round}: {one:?} {two:?}");
        }
    }

    async fn a_member_has_no_say_in_who_belongs(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let members = &world.services.members;
        let jonas = joined(&world, &mira).await;
        let code = invited(&world, &mira, "member", "").await;
        let invitation = members.page(&mira).await.unwrap().invitations[0].id;
        for result in [
            members.page(&jonas).await.map(drop),
            members.invite(&jonas, &form("admin", "")).await.map(drop),
            members.revoke_invitation(&jonas, invitation).await,
            members.change_role(&jonas, jonas.user(), Role::Admin).await,
            members.remove(&jonas, mira.user(), Fate::Keep).await,
            members.departure(&jonas, mira.user()).await.map(drop),
        ] {
            assert!(matches!(result, Err(MemberError::Access(AccessError::NotAdmin))), "{result:?}");
        }
        // But everybody may go.
        members.remove(&jonas, jonas.user(), Fate::Keep).await.unwrap();
        let gone = members.remove(&mira, jonas.user(), Fate::Keep).await;
        assert!(matches!(gone, Err(MemberError::NotFound)), "{gone:?}");
        assert!(members.invitation(None, &code).await.is_ok());
        let events = audit(&world, &mira).await;
        let detail = "Jonas Weber <jonas@acme.dev>, tokens kept";
        assert!(events.contains(&event("member.left", detail)), "{events:?}");
    }

    async fn who_may_not_invite_any_more_leaves_no_link_behind(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let members = &world.services.members;
        let ada = world.admin("Ada", "ada@acme.dev").await;
        let (of_ada, of_mira) = (invited(&world, &ada, "admin", "").await, invited(&world, &mira, "member", "").await);
        members.change_role(&mira, ada.user(), Role::Member).await.unwrap();
        assert!(matches!(members.invitation(None, &of_ada).await, Err(JoinError::Revoked)));
        assert!(members.invitation(None, &of_mira).await.is_ok());
        let late = members.invite(&ada, &form("admin", "")).await;
        assert!(matches!(late, Err(MemberError::Access(AccessError::NotAdmin))), "{late:?}");

        members.change_role(&mira, ada.user(), Role::Admin).await.unwrap();
        let again = invited(&world, &ada, "admin", "eve@acme.dev").await;
        members.remove(&mira, ada.user(), Fate::Keep).await.unwrap();
        assert!(matches!(members.join_as_new(&again, jonas(), HERE).await, Err(JoinError::Revoked)));
        let events = audit(&world, &mira).await;
        let detail = "eve@acme.dev as admin, of Ada <ada@acme.dev>, who may not invite any more";
        assert!(events.contains(&event("invitation.revoked", detail)), "{events:?}");
    }

    async fn tokens_that_are_kept_serve_on_and_come_back(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let members = &world.services.members;
        let jonas = joined(&world, &mira).await;
        let session = world.sign_in("jonas@acme.dev").await;
        let runtime = with_token(&world, &mira, "prod-eu", &jonas).await;
        let departure = members.departure(&mira, jonas.user()).await.unwrap();
        assert_eq!((departure.name.as_str(), departure.runtimes), ("Jonas Weber", vec!["prod-eu".to_owned()]));
        assert!(departure.keys.is_empty());
        world.services.access_keys.issue(&mira, runtime, "argocd").await.unwrap();
        let of_mira = members.departure(&mira, mira.user()).await.unwrap();
        assert_eq!(of_mira.keys, [("argocd".to_owned(), "prod-eu".to_owned())]);
        let row = |page: backend::members::MembersPage| page.members.into_iter().find(|member| member.user == jonas.user());
        assert_eq!(row(members.page(&mira).await.unwrap()).unwrap().tokens, 1);

        members.remove(&mira, jonas.user(), Fate::Keep).await.unwrap();
        members.finish().await;
        assert!(world.forge.writes().is_empty());
        // At once, also with the session that he has.
        let access = &world.services.access;
        assert!(matches!(access.member(Some(&session), "acme").await, Err(AccessError::NotFound)));
        assert_eq!(access.home(&session).await.unwrap(), None);

        // The pages of those who stay show what is there.
        assert!(row(members.page(&mira).await.unwrap()).is_none());
        let runtimes = world.services.runtimes.page(&mira).await.unwrap().runtimes;
        assert_eq!((runtimes[0].tokens, runtimes[0].left, runtimes[0].members), (1, 1, 1));
        let mine = world.services.tokens.page(&mira).await.unwrap();
        assert!(mine.rows[0].token.is_none());
        assert_eq!(world.store.git_tokens_of(mira.account(), jonas.user()).await.unwrap().len(), 1);
        let token = world.forge.create_token(NewToken::of_kind(TokenKind::GitlabPersonal, "mira", ["read_api", "write_repository"]));
        let foreign = world.services.tokens.put(&mira, runtime, &token.unwrap().value.into()).await;
        let Err(TokenError::Foreign(foreign)) = foreign else { panic!("{foreign:?}") };
        assert!(foreign.why.words().contains("Jonas Weber"), "names still resolve");

        let code = invited(&world, &mira, "member", "jonas@acme.dev").await;
        members.join(Some(&session), &code).await.unwrap();
        let jonas = access.member(Some(&session), "acme").await.unwrap();
        assert!(world.services.tokens.row(&jonas, runtime).await.unwrap().token.is_some());
        assert_eq!(world.services.runtimes.page(&mira).await.unwrap().runtimes[0].left, 0);
    }

    async fn tokens_that_are_deleted_go_with_their_holder(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let members = &world.services.members;
        let jonas = joined(&world, &mira).await;
        let runtime = with_token(&world, &mira, "prod-eu", &jonas).await;
        members.remove(&mira, jonas.user(), Fate::Delete).await.unwrap();
        members.finish().await;
        assert!(world.forge.writes().is_empty() && !world.forge.tokens()[0].revoked);
        assert!(world.store.git_tokens_of(mira.account(), jonas.user()).await.unwrap().is_empty());
        let events = audit(&world, &mira).await;
        assert!(events.contains(&event("member.removed", "Jonas Weber <jonas@acme.dev>, tokens deleted")), "{events:?}");
        let deleted = events.iter().find(|(action, _)| action == "token.deleted").unwrap();
        assert!(deleted.1.ends_with("with Jonas Weber <jonas@acme.dev>"), "{deleted:?}");

        // A token that he was just adding comes too late.
        let new = NewToken::of_kind(TokenKind::GitlabPersonal, "mira", ["read_api", "write_repository"]);
        let token = world.forge.create_token(new).unwrap();
        let late = world.services.tokens.put(&jonas, runtime, &token.value.into()).await;
        assert!(matches!(late, Err(TokenError::NotFound)), "{late:?}");
        assert!(world.store.git_tokens_of(mira.account(), jonas.user()).await.unwrap().is_empty());
    }

    async fn tokens_that_are_revoked_die_at_their_providers(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let (world, mira) = (&stage.world, &stage.mira);
        assert!(stage.authorize().await.is_ok());
        // One token that serves two runtimes, and one that came by OAuth.
        let first = with_token(world, mira, "prod-eu", mira).await;
        let second = world.named_runtime_at(mira, "prod-us", ProviderKind::GitLab, Provider::GitLab).await;
        world.services.tokens.share(mira, first, &[second]).await.unwrap();
        let ada = world.admin("Ada", "ada@acme.dev").await;
        let departure = world.services.members.departure(&ada, mira.user()).await.unwrap();
        assert_eq!(departure.runtimes, ["gitlab", "prod-eu", "prod-us"]);

        world.services.members.remove(&ada, mira.user(), Fate::Revoke).await.unwrap();
        assert!(world.store.git_tokens_of(ada.account(), mira.user()).await.unwrap().is_empty());
        world.services.members.finish().await;
        assert!(world.forge.tokens().iter().all(|token| token.revoked), "{:?}", world.forge.tokens());
        assert_eq!(stage.living(), 0);
        let events = audit(world, &ada).await;
        let count = |action: &str| events.iter().filter(|(done, _)| done == action).count();
        assert_eq!((count("token.deleted"), count("token.revoking"), count("token.revoked")), (3, 2, 2));
    }

    async fn what_a_provider_does_not_take_back_is_recorded_so(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let jonas = joined(&world, &mira).await;
        let runtime = world.runtime_at(&mira, ProviderKind::Gitea, Provider::Gitea).await;
        let new = NewToken::of_kind(TokenKind::Gitea, "mira", ["write:repository", "read:user", "read:organization"]);
        let token = world.forge.create_token(new).unwrap();
        world.services.tokens.put(&jonas, runtime, &token.value.into()).await.unwrap();
        world.services.members.remove(&mira, jonas.user(), Fate::Revoke).await.unwrap();
        world.services.members.finish().await;
        assert!(world.store.git_tokens_of(mira.account(), jonas.user()).await.unwrap().is_empty());
        let events = audit(&world, &mira).await;
        let asked = events.iter().find(|(action, _)| action == "token.not_revoked").unwrap();
        assert!(asked.1.ends_with("the provider has no way to do that"), "{asked:?}");
    }

    async fn who_is_removed_asks_for_no_application_any_more(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let jonas = joined(&world, &mira).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        world.services.oauth.request_application(&jonas, runtime).await.unwrap();
        assert_eq!(world.services.access.viewer(&mira).await.unwrap().requests, 1);
        world.services.members.remove(&mira, jonas.user(), Fate::Keep).await.unwrap();
        assert_eq!(world.services.access.viewer(&mira).await.unwrap().requests, 0);
    }
}

/// The e-mail address of somebody of the account who is no admin.
async fn email_of_a_member(world: &World, admin: &Member) -> String {
    let page = world.services.members.page(admin).await.unwrap();
    let member = page.members.into_iter().find(|member| member.role == Role::Member);
    member.unwrap().email
}
