//! The test of an OAuth application: what can be told of it without a person who authorises.

use super::{
    NoPair,
    applications::{OAuthApplicationError, OAuthApplications},
    client::Client,
};
use crate::{
    access::Member,
    audit::Action,
    egress::Request,
    random,
    store::{GitProviderRow, OAuthApplicationRow},
};
use domain::{
    OAuthApplicationId, Scope, Timestamp,
    doctor::{Finding, Verdict},
    guide::{pieces_of, plain},
    scope::{self, Standing},
};
use http::StatusCode;
use std::time::Duration;

/// How long before its end a client secret is worth a look.
const SOON: Duration = Duration::from_hours(30 * 24);

fn finding(about: &str, verdict: Verdict, words: impl Into<String>) -> Finding {
    Finding {
        about: about.to_owned(),
        verdict,
        words: words.into(),
    }
}

impl OAuthApplications {
    /// Tests an application, and notes what was found.
    pub async fn test(&self, member: &Member, id: OAuthApplicationId) -> Result<Vec<Finding>, OAuthApplicationError> {
        member.require_admin()?;
        let account = member.account();
        let application = self.application(member, id).await?;
        let provider = self.provider(member, application.git_provider).await?;
        let client = self
            .shared
            .client(account, &provider, &application)
            .await?
            .ok_or(OAuthApplicationError::NotFound)?;
        let required = self.required(&provider).await?;
        let now = self.shared.now();
        let findings = vec![
            self.callback(&client),
            self.reachable(&client).await,
            self.credentials(&client).await,
            pkce(&client),
            scopes(&provider, &application, &required),
            secret_end(&application, now),
        ];
        let event = self.event(member, Action::OAuthApplicationTested, &application, &provider);
        let noted = self.shared.store.note_oauth_test(account, id, now, &findings, event);
        if !noted.await? {
            return Err(OAuthApplicationError::NotFound);
        }
        tracing::info!(%account, user = %member.user(), application = %id, "tested an OAuth application");
        Ok(findings)
    }

    fn callback(&self, client: &Client<'_>) -> Finding {
        let url = &self.shared.public_url;
        let local = url
            .host_str()
            .is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
        let about = "Callback URL";
        let address = plain(&client.redirect_uri);
        let name = client.kind.name();
        if url.scheme() == "https" {
            finding(
                about,
                Verdict::Told,
                format!("Enter exactly this at {name}, which sends people back to it: |${address}|"),
            )
        } else if local {
            finding(
                about,
                Verdict::Unsure,
                format!("{name} sends people back to an address that only this machine can open: |${address}|"),
            )
        } else {
            finding(
                about,
                Verdict::Bad,
                format!(
                    "People would come back without encryption. Serve Patchbay by https, and set its public URL to that; now it is |${address}|"
                ),
            )
        }
    }

    async fn reachable(&self, client: &Client<'_>) -> Finding {
        let about = "Authorization page";
        let state = random::secret(self.shared.random.as_ref());
        let address = plain(&client.authorize_url);
        let Ok(url) = client.authorize_address(&state, None) else {
            return finding(
                about,
                Verdict::Bad,
                format!("|${address}| is no address. Edit the application."),
            );
        };
        match client.egress.get(Request::new(url)).await {
            Ok(answer) if answer.status == StatusCode::NOT_FOUND || answer.status == StatusCode::GONE => finding(
                about,
                Verdict::Bad,
                format!(
                    "|${address}| is not there. Check the Git provider's base URL, or the addresses under |*Advanced|; GitHub answers \
                     so to a client id that it does not know."
                ),
            ),
            Ok(answer) if answer.status.is_server_error() => finding(
                about,
                Verdict::Unsure,
                format!(
                    "|${address}| answered with {}. Try again later.",
                    answer.status.as_u16()
                ),
            ),
            Ok(_) => finding(about, Verdict::Good, format!("It answers: |${address}|")),
            Err(trouble) => finding(
                about,
                Verdict::Bad,
                format!("|${address}| could not be reached: {}.", trouble.words()),
            ),
        }
    }

    /// A code that was never given out: whoever refuses that, and not the application, has taken its id and secret.
    async fn credentials(&self, client: &Client<'_>) -> Finding {
        let about = "Client id and secret";
        let name = client.kind.name();
        let code = random::secret(self.shared.random.as_ref());
        let verifier = client.server.pkce.then(|| random::secret(self.shared.random.as_ref()));
        match client.exchange(&code, verifier.as_ref()).await {
            Err(NoPair::Otherwise { code, .. }) if code == "redirect_uri_mismatch" => finding(
                "Callback URL",
                Verdict::Bad,
                format!("{name} knows another callback URL. Copy it from here and save it there."),
            ),
            // It looks at the code only once it knows whose it is.
            Err(NoPair::Refused { .. }) => finding(about, Verdict::Good, format!("{name} accepts them.")),
            Err(NoPair::Client { code }) => finding(
                about,
                Verdict::Bad,
                format!(
                    "{name} does not accept them ({}). Copy both again, or generate a new secret there.",
                    plain(&code)
                ),
            ),
            Err(why @ (NoPair::Otherwise { .. } | NoPair::NotAsked { .. } | NoPair::Unknown { .. })) => finding(
                about,
                Verdict::Unsure,
                format!("They could not be tried: {}.", plain(&why.why())),
            ),
            Ok(_) => finding(
                about,
                Verdict::Unsure,
                format!("{name} gave out a token for a code that it never gave out. Do not use this installation."),
            ),
        }
    }
}

fn pkce(client: &Client<'_>) -> Finding {
    let name = client.kind.name();
    let words = if client.server.pkce {
        format!("Authorizations at {name} are protected by PKCE (S256).")
    } else {
        format!("{name} knows no PKCE: its authorizations are protected by the client secret and the state alone.")
    };
    finding("PKCE", Verdict::Told, words)
}

fn scopes(provider: &GitProviderRow, application: &OAuthApplicationRow, required: &[Scope]) -> Finding {
    let about = "Scopes";
    let asked = application.scopes.iter().cloned().collect();
    let compared = scope::compare_declared(provider.kind, &asked, required);
    let of = |standing| -> Vec<Scope> {
        compared
            .iter()
            .filter(|finding| finding.standing == standing)
            .map(|finding| finding.scope.clone())
            .collect()
    };
    let (missing, excess) = (of(Standing::Missing), of(Standing::Excess));
    if !missing.is_empty() {
        return finding(
            about,
            Verdict::Bad,
            format!(
                "It does not ask for {}, which tokens need here. Edit the application.",
                pieces_of(&missing)
            ),
        );
    }
    if excess.is_empty() {
        finding(about, Verdict::Good, "It asks for what tokens need here, and no more.")
    } else {
        finding(
            about,
            Verdict::Unsure,
            format!("It asks for {} too, which no token needs here.", pieces_of(&excess)),
        )
    }
}

fn secret_end(application: &OAuthApplicationRow, now: Timestamp) -> Finding {
    let about = "End of the client secret";
    match application.secret_ends {
        None => finding(
            about,
            Verdict::Told,
            "None is noted. Enter one if the provider set one: nobody can authorize, and nothing is refreshed, after it.",
        ),
        Some(end) if end <= now => finding(
            about,
            Verdict::Bad,
            format!(
                "It ended on {}. Generate a new secret at the provider and enter it here.",
                end.date()
            ),
        ),
        Some(end) if end <= now.plus(SOON) => finding(
            about,
            Verdict::Unsure,
            format!(
                "It ends on {} ({}). Generate a new secret at the provider and enter it here before that.",
                end.date(),
                end.relative_to(now)
            ),
        ),
        Some(end) => finding(
            about,
            Verdict::Good,
            format!("It ends on {} ({}).", end.date(), end.relative_to(now)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_is_near_wants_a_look() {
        let now = Timestamp::from_seconds(1_795_000_000);
        let application = |ends: Option<Timestamp>| OAuthApplicationRow {
            id: OAuthApplicationId(uuid::Uuid::nil()),
            git_provider: domain::GitProviderId(uuid::Uuid::nil()),
            name: String::new(),
            client_id: String::new(),
            secret: crate::vault::Sealed::from(Vec::new()),
            scopes: Vec::new(),
            authorize_url: None,
            token_url: None,
            revoke_url: None,
            secret_ends: ends,
            created_at: now,
            test: None,
        };
        let day = Duration::from_hours(24);
        for (ends, verdict) in [
            (None, Verdict::Told),
            (Some(now), Verdict::Bad),
            (Some(now.plus(day * 30)), Verdict::Unsure),
            (Some(now.plus(day * 31)), Verdict::Good),
        ] {
            assert_eq!(secret_end(&application(ends), now).verdict, verdict, "{ends:?}");
        }
    }
}
