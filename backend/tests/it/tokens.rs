//! The way of one token: added, shown, checked again, replaced, deleted.

use crate::support::{World, on_both_databases};
use backend::tokens::TokenError;
use domain::{CheckOutcome, Expiry, Refusal, Setback, TokenStatus, check::Trouble, scope::Standing};
use forge::{Fault, FaultRule, NewToken};

on_both_databases! {
    async fn a_good_token_is_listed_with_identity_scopes_and_expiry(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let end = time::macros::datetime!(2027-01-20 00:00 UTC);
        world.forge.set_clock(Some(time::macros::datetime!(2026-11-22 12:00 UTC)));
        let token = world.forge.create_token(NewToken::classic("mira", ["repo", "gist"]).expires_at(end)).unwrap();
        let pasted = format!("  {}\n", token.value);
        world.services.tokens.put(&mira, runtime, &pasted.into()).await.unwrap();

        let page = world.services.tokens.page(&mira).await.unwrap();
        let view = page.rows[0].token.as_ref().unwrap();
        assert_eq!(view.identity.login, "mira");
        assert_eq!(view.hint, token.hint);
        assert_eq!(view.status, TokenStatus::ExcessScopes);
        let scopes: Vec<_> = view.scopes.iter().map(|f| (f.scope.as_str(), f.standing)).collect();
        assert_eq!(scopes, [("repo", Standing::Granted), ("gist", Standing::Excess)]);
        assert_eq!(view.expiry, Expiry::At(domain::Timestamp::from_seconds(end.unix_timestamp())));
        assert!(world.forge.writes().is_empty(), "a check only reads");
    }

    async fn a_refused_token_leaves_nothing_behind(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let unknown = "ghp_000000000000000000000000000000000000".to_owned();
        let refused = world.services.tokens.put(&mira, runtime, &unknown.into()).await;
        assert!(matches!(
            refused,
            Err(TokenError::Refused { outcome: CheckOutcome::Refused(Refusal::BadCredentials), .. })
        ));
        let short = world.forge.create_token(NewToken::classic("mira", ["gist"])).unwrap();
        let refused = world.services.tokens.put(&mira, runtime, &short.value.into()).await;
        assert!(matches!(refused, Err(TokenError::Refused { outcome: CheckOutcome::Accepted(_), .. })));
        assert!(world.services.tokens.page(&mira).await.unwrap().rows[0].token.is_none());
    }

    async fn what_cannot_be_a_token_is_not_sent_anywhere(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        for text in ["", "  ", "two words", "glpat-xxxxxxxxxxxxxxxxxxxx", "ghr_refresh", "ghp_ü", &"a".repeat(9000)] {
            let refused = world.services.tokens.put(&mira, runtime, &text.to_owned().into()).await;
            let Err(TokenError::Invalid(errors)) = refused else { panic!("{text:?} was taken") };
            assert!(errors.at("token").is_some(), "{text:?}");
        }
        assert!(world.forge.requests().is_empty());
    }

    async fn replacing_keeps_the_old_token_when_the_new_one_is_refused(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let tokens = &world.services.tokens;
        let old = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        let id = tokens.put(&mira, runtime, &old.value.into()).await.unwrap();
        let revoked = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        world.forge.revoke_token(revoked.id).unwrap();
        assert!(tokens.put(&mira, runtime, &revoked.value.into()).await.is_err());
        let rows = tokens.page(&mira).await.unwrap().rows;
        assert_eq!(rows[0].token.as_ref().map(|token| token.id), Some(id.id));

        let new = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        let replaced = tokens.put(&mira, runtime, &new.value.into()).await.unwrap();
        let rows = tokens.page(&mira).await.unwrap().rows;
        assert_eq!(rows[0].token.as_ref().map(|token| token.hint.clone()), Some(new.hint));
        assert_ne!(replaced.id, id.id);
    }

    async fn two_at_once_leave_one_token(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let token = || world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        let tokens = &world.services.tokens;
        for round in 0..20 {
            let (one, two) = (token().value.into(), token().value.into());
            let (a, b) = tokio::join!(tokens.put(&mira, runtime, &one), tokens.put(&mira, runtime, &two));
            assert!(a.is_ok() && b.is_ok(), "round {round}: {a:?} {b:?}");
        }
        assert!(tokens.check(&mira, runtime).await.is_ok());
    }

    async fn a_check_and_a_deletion_at_once_do_not_stand_in_each_others_way(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap().value.into();
        let tokens = &world.services.tokens;
        for round in 0..20 {
            tokens.put(&mira, runtime, &token).await.unwrap();
            let (checked, deleted) = tokio::join!(tokens.check(&mira, runtime), tokens.delete(&mira, runtime, false));
            assert!(
                matches!(checked, Ok(_) | Err(TokenError::NotFound)) && deleted.is_ok(),
                "round {round}: {checked:?} {deleted:?}"
            );
        }
    }

    async fn a_token_that_dies_is_found_out_and_one_that_comes_back_is_valid_again(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let tokens = &world.services.tokens;
        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        tokens.put(&mira, runtime, &token.value.clone().into()).await.unwrap();

        world.forge.add_fault(FaultRule::new(Fault::Status { status: 401 }).once());
        world.clock.forward(60);
        let outcome = tokens.check(&mira, runtime).await.unwrap();
        assert_eq!(outcome, CheckOutcome::Refused(Refusal::BadCredentials));
        let view = tokens.page(&mira).await.unwrap().rows.remove(0).token.unwrap();
        assert_eq!(view.status, TokenStatus::Invalid);
        assert_eq!(view.identity.login, "mira", "what was known is kept");

        tokens.check(&mira, runtime).await.unwrap();
        assert_eq!(tokens.page(&mira).await.unwrap().rows[0].token.as_ref().unwrap().status, TokenStatus::Valid);
    }

    async fn an_outage_changes_no_status_and_is_noted(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let tokens = &world.services.tokens;
        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        tokens.put(&mira, runtime, &token.value.into()).await.unwrap();
        world.forge.add_fault(FaultRule::new(Fault::Status { status: 500 }));
        let outcome = tokens.check(&mira, runtime).await.unwrap();
        assert_eq!(outcome, CheckOutcome::Unchanged(Setback::Unreachable(Trouble::ServerError(500))));
        let view = tokens.page(&mira).await.unwrap().rows.remove(0).token.unwrap();
        assert_eq!(view.status, TokenStatus::Valid);
        assert_eq!(view.setback.as_deref(), Some("GitHub could not be asked, it answered with the error 500"));
    }

    async fn deleting_takes_the_token_away_and_leaves_the_runtime(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let tokens = &world.services.tokens;
        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        tokens.put(&mira, runtime, &token.value.into()).await.unwrap();
        tokens.delete(&mira, runtime, false).await.unwrap();
        assert!(matches!(tokens.delete(&mira, runtime, false).await, Err(TokenError::NotFound)));
        assert!(matches!(tokens.check(&mira, runtime).await, Err(TokenError::NotFound)));
        let rows = tokens.page(&mira).await.unwrap().rows;
        assert!(rows.len() == 1 && rows[0].token.is_none());
    }

    async fn an_expiring_token_asks_for_attention(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        world.forge.set_clock(Some(time::macros::datetime!(2026-11-22 12:00 UTC)));
        let end = time::macros::datetime!(2027-03-01 00:00 UTC);
        let token = world.forge.create_token(NewToken::classic("mira", ["repo"]).expires_at(end)).unwrap();
        world.services.tokens.put(&mira, runtime, &token.value.into()).await.unwrap();
        assert_eq!(world.services.access.viewer(&mira).await.unwrap().attention, 0);
        world.clock.forward(75 * 86_400);
        assert_eq!(world.services.access.viewer(&mira).await.unwrap().attention, 1);
    }
}
