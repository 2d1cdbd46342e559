//! One account's people see and touch nothing of another's.

use crate::support::{PASSWORD, World, on_both_databases};
use backend::{
    access::{AccessError, Member, NewAdmin},
    access_keys::AccessKeyError,
    expiring::{Choice, Rows, Turn},
    git_providers::GitProviderError,
    members::{Fate, InviteForm, MemberError},
    rotation::RotationError,
    runtimes::{RuntimeError, RuntimeForm},
    tokens::TokenError,
};
use domain::{Role, expiring::Segment};
use forge::NewToken;
use secrecy::ExposeSecret as _;
use std::net::{IpAddr, Ipv4Addr};

/// An admin of a second account, `globex`.
async fn stranger(world: &World) -> Member {
    let access = &world.services.access;
    assert_eq!(
        access.create_account("Globex", "mira@acme.dev").await.unwrap(),
        "globex"
    );
    let admin = NewAdmin {
        name: "Hank".to_owned(),
        email: "hank@globex.dev".to_owned(),
        password: PASSWORD.to_owned().into(),
    };
    access.create_admin(Some("globex"), admin).await.unwrap();
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let signed_in = access
        .sign_in("hank@globex.dev", &PASSWORD.to_owned().into(), here)
        .await
        .unwrap();
    let session = access.resume(signed_in.cookie.expose_secret()).await.unwrap();
    let other = access.member(session.as_ref(), "acme").await;
    assert!(
        matches!(other, Err(AccessError::NotFound)),
        "an account that is not one's own looks like none"
    );
    world.member(signed_in.cookie.expose_secret(), "globex").await
}

on_both_databases! {
    async fn a_stranger_finds_none_of_an_accounts_rows(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        world.services.tokens.put(&mira, runtime, &token.value.into()).await.unwrap();
        let provider = world.services.git_providers.page(&mira).await.unwrap().providers[0].id;

        let hank = stranger(&world).await;
        assert!(world.services.git_providers.page(&hank).await.unwrap().providers.is_empty());
        assert!(world.services.runtimes.page(&hank).await.unwrap().runtimes.is_empty());
        assert!(world.services.tokens.page(&hank).await.unwrap().rows.is_empty());

        let tokens = &world.services.tokens;
        let other = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        assert!(matches!(tokens.put(&hank, runtime, &other.value.into()).await, Err(TokenError::NotFound)));
        assert!(matches!(tokens.check(&hank, runtime).await, Err(TokenError::NotFound)));
        assert!(matches!(tokens.delete(&hank, runtime, false).await, Err(TokenError::NotFound)));
        assert!(matches!(tokens.delete(&hank, runtime, true).await, Err(TokenError::NotFound)));
        assert!(matches!(tokens.row(&hank, runtime).await, Err(TokenError::NotFound)));
        assert!(matches!(tokens.share(&hank, runtime, &[]).await, Err(TokenError::NotFound)));
        assert!(matches!(tokens.enter_expiry(&hank, runtime, "").await, Err(TokenError::NotFound)));
        let rotation = &world.services.rotation;
        assert!(matches!(rotation.rotate(&hank, runtime).await, Err(RotationError::NotFound)));
        assert!(world.forge.writes().is_empty());

        let runtimes = &world.services.runtimes;
        let form = RuntimeForm { name: "mine".to_owned(), provider: provider.to_string(), ..RuntimeForm::default() };
        assert!(matches!(runtimes.register(&hank, form.clone()).await, Err(RuntimeError::Invalid(_))));
        assert!(matches!(runtimes.edit(&hank, runtime, form).await, Err(RuntimeError::NotFound)));
        assert!(matches!(runtimes.delete(&hank, runtime).await, Err(RuntimeError::NotFound)));

        let keys = &world.services.access_keys;
        let key = keys.issue(&mira, runtime, "argocd").await.unwrap();
        let id = keys.page(&mira, runtime).await.unwrap().keys[0].id;
        assert!(matches!(keys.page(&hank, runtime).await, Err(AccessKeyError::NotFound)));
        assert!(matches!(keys.page_of(&hank, id).await, Err(AccessKeyError::NotFound)));
        assert!(matches!(keys.issue(&hank, runtime, "mine").await, Err(AccessKeyError::NotFound)));
        assert!(matches!(keys.revoke(&hank, id).await, Err(AccessKeyError::NotFound)));
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert!(world.services.hand_out.credentials(&key, |_| false, here).await.is_ok());

        // Nor in which order another account's tokens stand.
        let at_start = Some(Turn { back: false, row: format!("0.{}", uuid::Uuid::nil()) });
        for segment in [None, Some(Segment::Missing), Some(Segment::RefreshEnds), Some(Segment::NoExpiry)] {
            for (runtime, provider) in [(Some(runtime), None), (None, Some(provider)), (Some(runtime), Some(provider))] {
                for turn in [None, at_start.clone()] {
                    let choice = Choice { segment, runtime, provider, turn, ..Choice::default() };
                    let page = world.services.expiring.page(&hank, &choice).await.unwrap();
                    let rows = match page.rows {
                        Rows::Tokens(lines) => lines.len(),
                        Rows::Missing(lines) => lines.len(),
                    };
                    assert_eq!((rows, page.turns, page.broken.0.len()), (0, (None, None), 0), "{choice:?}");
                }
            }
        }

        let providers = &world.services.git_providers;
        let edited = providers.edit(&hank, provider, world.provider_form()).await;
        assert!(matches!(edited, Err(GitProviderError::NotFound)));
        assert!(matches!(providers.delete(&hank, provider).await, Err(GitProviderError::NotFound)));

        let members = &world.services.members;
        let form = InviteForm { role: "admin".to_owned(), ..InviteForm::default() };
        members.invite(&mira, &form).await.unwrap();
        let invitation = members.page(&mira).await.unwrap().invitations[0].id;
        let seen = members.page(&hank).await.unwrap();
        assert!(seen.invitations.is_empty() && seen.runtimes == 0);
        assert!(seen.members.iter().all(|member| member.tokens == 0), "what Mira has elsewhere is not to be seen here");
        assert!(matches!(members.revoke_invitation(&hank, invitation).await, Err(MemberError::NotFound)));
        let jonas = world.admin("Jonas", "jonas@acme.dev").await;
        assert!(matches!(members.change_role(&hank, jonas.user(), Role::Member).await, Err(MemberError::NotFound)));
        assert!(matches!(members.departure(&hank, jonas.user()).await, Err(MemberError::NotFound)));
        assert!(matches!(members.remove(&hank, jonas.user(), Fate::Revoke).await, Err(MemberError::NotFound)));
        // She goes from globex, and what she has in acme stays.
        members.remove(&hank, mira.user(), Fate::Revoke).await.unwrap();
        members.finish().await;
        assert!(world.forge.writes().is_empty());

        assert_eq!(world.services.tokens.page(&mira).await.unwrap().rows.len(), 1);
        assert!(world.services.tokens.page(&mira).await.unwrap().rows[0].token.is_some());
    }
}
