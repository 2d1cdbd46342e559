//! Tokens that a person authorised by OAuth 2.

use super::{Foreign, ForeignWhy, Slot, TokenError, Tokens, form};
use crate::{
    access::Member,
    audit::Action,
    oauth::{Pair, check_new, refresh_place},
    providers::{Allowance, Granted, Inquiry},
    revocation::Revoked,
    store::{GitTokenRow, GrantRow, NewGrant, OAuthApplicationRow},
};
use domain::{CheckOutcome, GitTokenId, OAuthApplicationId, RuntimeId, TokenStatus, token_format::TokenFormat};
use secrecy::ExposeSecret as _;

/// What an authorisation brought.
pub(crate) struct Authorized<'a> {
    /// By which application.
    pub(crate) application: &'a OAuthApplicationRow,
    /// The tokens.
    pub(crate) pair: &'a Pair,
    /// The id of the unexpected identity that is meant to be; may be empty.
    pub(crate) confirmed: &'a str,
}

impl Tokens {
    /// Checks a token that was authorised and stores it, in place of the one that was there. Gives whose it is, and what became of
    /// the one that was there.
    pub(crate) async fn put_authorized(
        &self,
        member: &Member,
        runtime: RuntimeId,
        authorized: Authorized<'_>,
    ) -> Result<(String, Option<Revoked>), TokenError> {
        let slot = self.slot(member, runtime.into()).await?;
        let Authorized {
            application,
            pair,
            confirmed,
        } = authorized;
        let fingerprint = self.keys.fingerprint(slot.account, &pair.access).await?;
        self.refuse_misplaced(&slot, &fingerprint).await?;
        // What is not named was granted as it was asked for (RFC 6749, section 5.1).
        let granted = pair.scopes.as_ref().unwrap_or(&application.scopes);
        let inquiry = Inquiry {
            egress: &self.egress,
            base_url: &slot.provider.base_url,
            api_url: &slot.provider.api(),
            token: &pair.access,
            format: TokenFormat::of(pair.access.expose_secret()),
            username: None,
            profile: &slot.profile,
            now: self.clock.now(),
            allowance: &Allowance::default(),
            oauth: Some(Granted {
                scopes: Some(granted),
                ends: pair.access_ends,
            }),
        };
        let findings = match check_new(slot.provider.kind, inquiry, true).await {
            CheckOutcome::Accepted(findings) if slot.suffices(findings.status()) => findings,
            outcome => {
                return Err(TokenError::Refused {
                    kind: slot.provider.kind,
                    format: None,
                    outcome,
                });
            }
        };
        self.refuse_foreign(&slot, &findings.identity, confirmed).await?;
        let before = self.stored(&slot).await?;
        if let Some(before) = &before
            && !before.identity.id.is_empty()
            && before.identity.id != findings.identity.id
            && findings.identity.id != confirmed
        {
            return Err(TokenError::Foreign(Foreign {
                identity: findings.identity,
                why: ForeignWhy::OtherThanBefore(before.identity.login.clone()),
            }));
        }
        // A provider may give out the same token again: that one is not to be taken back.
        let replaced = self.replaced_grant(&slot).await?;
        let replaced = replaced.filter(|grant| grant.fingerprint != fingerprint);
        let login = findings.identity.login.clone();
        let new = form::NewToken {
            secret: pair.access.clone(),
            username: None,
            ends: None,
            copy_of: None,
        };
        let grant = Some((application.id, pair, granted.as_slice()));
        self.keep(&slot, new, fingerprint, findings, Action::TokenAuthorized, grant)
            .await?;
        Ok((login, self.take_back(&slot, replaced).await))
    }

    /// What there is to be taken back once another token has come in place of an OAuth token.
    pub(super) async fn replaced_grant(&self, slot: &Slot) -> Result<Option<GrantRow>, TokenError> {
        Ok(self.store.grant_of(slot.account, slot.user, slot.runtime.id).await?)
    }

    /// Has the provider take an OAuth token back that nothing here needs any more.
    pub(super) async fn take_back(&self, slot: &Slot, grant: Option<GrantRow>) -> Option<Revoked> {
        let taken = self.authorizations.take_back(&grant?, &slot.by).await;
        Some(taken.unwrap_or_else(|fault| Revoked::unrecorded(&fault)))
    }

    /// Deletes an OAuth token. Its provider is asked to take it back, since nobody else has a use for it; it is gone from here
    /// whatever comes of that.
    pub(super) async fn delete_authorized(
        &self,
        slot: &Slot,
        token: &GitTokenRow,
    ) -> Result<Option<Revoked>, TokenError> {
        let grant = self.replaced_grant(slot).await?.ok_or(TokenError::NotFound)?;
        // Its successor may be on the way: to take this one back would leave that alive.
        if grant.lease_until > self.clock.now() {
            return Err(TokenError::Rotating);
        }
        let revoked = self.authorizations.take_back(&grant, &slot.by).await?;
        let detail = format!("{}, revocation: {:?}", token.hint, revoked.outcome);
        let event = self.event(slot, Action::TokenDeleted, token.id).detail(detail);
        let seen = (token.id, token.fingerprint.as_slice());
        if !self.store.delete_git_token(slot.account, seen, event).await? {
            return Err(TokenError::Rotating);
        }
        tracing::info!(account = %slot.account, user = %slot.actor, runtime = %slot.runtime.id, "deleted an OAuth token");
        Ok(Some(revoked))
    }

    /// The part of a new OAuth token that refreshes it, sealed.
    pub(super) async fn sealed_grant(
        &self,
        slot: &Slot,
        id: GitTokenId,
        (application, pair, granted): (OAuthApplicationId, &Pair, &[domain::Scope]),
    ) -> Result<(OAuthApplicationId, NewGrant), TokenError> {
        let refresh = match &pair.refresh {
            Some(refresh) => {
                let place = refresh_place(slot.account, id, slot.user);
                Some(self.keys.seal(&place, refresh).await?)
            }
            None => None,
        };
        let grant = NewGrant {
            refreshes: refresh.is_some(),
            refresh,
            granted: Some(granted.to_vec()),
            access_ends: pair.access_ends,
            refresh_ends: pair.refresh_ends,
            received: pair.received,
            redirect_uri: self.authorizations.callback_url(application),
        };
        Ok((application, grant))
    }

    /// Checks a stored OAuth token: refreshed first, if that is due.
    pub(super) async fn check_authorized(&self, slot: &Slot, token: GitTokenId) -> Result<CheckOutcome, TokenError> {
        self.refresh.try_again(slot.account, token).await?;
        // Whatever keeps it from being refreshed is noted in its row, and shown beside what the check says of it.
        self.refresh.live(slot.account, token).await?;
        self.refresh
            .check(slot.account, token)
            .await
            .ok_or(TokenError::NotFound)
    }
}

impl Slot {
    /// Whether a token with this status is stored.
    pub(super) fn suffices(&self, status: TokenStatus) -> bool {
        match status {
            TokenStatus::MissingScopes => false,
            TokenStatus::Unverified => self.provider.allow_unverified,
            _ => true,
        }
    }
}
