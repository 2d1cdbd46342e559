//! One check of a stored token without a person asking.

use crate::{
    Fault,
    clock::Clock,
    credentials,
    egress::Egress,
    keys::AccountKeys,
    providers::{self, Allowance, Granted, Inquiry, Told},
    random::{self, Random},
    store::{BackgroundCheck, DueProvider, DueToken},
};
use domain::{
    CheckId, CheckOutcome, Setback,
    pace::{Sign, TokenMark},
    schedule,
    token_format::TokenFormat,
};
use secrecy::ExposeSecret as _;
use std::sync::Arc;

/// Opens a token and asks its provider about it.
pub(super) struct Checker {
    pub(super) keys: AccountKeys,
    pub(super) egress: Egress,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

impl Checker {
    /// Checks a token that was taken. Nothing is stored: what came of it, and what it showed of the provider's host.
    pub(super) async fn check(&self, of: &DueProvider, token: &DueToken) -> Result<(BackgroundCheck, Sign), Fault> {
        let place = credentials::place(token.account, token.id, token.user);
        let secret = self.keys.unseal(&place, &token.sealed).await?;
        let allowance = Allowance::default();
        let [of_people, of_runtimes] = &of.profiles;
        let inquiry = Inquiry {
            egress: &self.egress,
            base_url: &of.provider.base_url,
            api_url: &of.provider.api(),
            token: &secret,
            format: TokenFormat::of(secret.expose_secret()),
            username: token.username.as_deref(),
            profile: if token.user.is_some() { of_people } else { of_runtimes },
            now: self.clock.now(),
            allowance: &allowance,
            oauth: token.oauth.as_ref().map(|(scopes, ends)| Granted {
                scopes: scopes.as_deref(),
                ends: *ends,
            }),
        };
        let outcome = providers::check(of.provider.kind, inquiry).await;
        let at = self.clock.now();
        let sign = sign(&outcome, allowance.told(), TokenMark::of(&token.fingerprint));
        let check = BackgroundCheck {
            id: CheckId(random::uuid(self.random.as_ref(), self.clock.as_ref())),
            at,
            account: token.account,
            token: token.id,
            lease: token.lease,
            next: schedule::after(&outcome, at, random::chance(self.random.as_ref())),
            outcome,
        };
        Ok((check, sign))
    }
}

/// What a check showed of the host.
fn sign(outcome: &CheckOutcome, told: Told, token: TokenMark) -> Sign {
    let spent = told.spent_until.map(|until| Sign::Spent { token, until });
    match (outcome, told.retry_after) {
        (CheckOutcome::Unchanged(Setback::RateLimited { .. } | Setback::Unreachable(_)), until @ Some(_)) => {
            Sign::Limited { until }
        }
        (CheckOutcome::Unchanged(Setback::RateLimited { .. }), None) => spent.unwrap_or(Sign::Limited { until: None }),
        (CheckOutcome::Unchanged(Setback::Unreachable(_)), None) => Sign::Failed,
        (CheckOutcome::Accepted(_) | CheckOutcome::Refused(_) | CheckOutcome::Unchanged(Setback::Forbidden), _) => {
            spent.unwrap_or(Sign::Answered)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Refusal, Timestamp, check::Trouble};

    #[test]
    fn what_a_provider_says_of_its_limits_is_read_before_what_came_of_the_check() {
        let at = Some(Timestamp::from_seconds(1));
        let nothing = Told::default();
        let pause = Told {
            retry_after: at,
            ..nothing
        };
        let spent = Told {
            spent_until: at,
            ..nothing
        };
        let limited = CheckOutcome::Unchanged(Setback::RateLimited { retry_at: None });
        let down = CheckOutcome::Unchanged(Setback::Unreachable(Trouble::ServerError(503)));
        let refused = CheckOutcome::Refused(Refusal::BadCredentials);
        let until = Timestamp::from_seconds(1);
        let token = TokenMark::of(&[7; 32]);
        for (outcome, told, expected) in [
            (&limited, pause, Sign::Limited { until: at }),
            (&limited, spent, Sign::Spent { token, until }),
            (&limited, nothing, Sign::Limited { until: None }),
            (&down, pause, Sign::Limited { until: at }),
            (&down, nothing, Sign::Failed),
            (&refused, nothing, Sign::Answered),
            (&refused, spent, Sign::Spent { token, until }),
        ] {
            assert_eq!(sign(outcome, told, token), expected, "{outcome:?} {told:?}");
        }
    }
}
