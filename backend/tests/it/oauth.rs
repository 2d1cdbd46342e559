//! People authorise access by OAuth 2: the way to the provider and back, and everything that must not come of it.

use crate::support::{PASSWORD, World, on_both_databases};
use backend::{
    access::{Member, NewAdmin, Session},
    audit::Record,
    oauth::{ApplicationForm, Callback, Completed, OAuthApplicationError, OAuthError, Returned},
    tokens::TokenError,
};
use domain::{
    CheckOutcome, Expiry, OAuthApplicationId, ProviderKind, Revocation, RuntimeId, TokenStatus,
    doctor::Verdict,
    view::{Method, TokenView},
};
use forge::{Account, NewOAuthApplication, OAuthApplication, OAuthApplicationChange, Provider};
use secrecy::ExposeSecret as _;
use std::net::Ipv4Addr;
use url::Url;

/// Every kind with an authorisation server.
pub(crate) const KINDS: [(ProviderKind, Provider); 6] = [
    (ProviderKind::GitHub, Provider::GitHub),
    (ProviderKind::GitLab, Provider::GitLab),
    (ProviderKind::BitbucketCloud, Provider::BitbucketCloud),
    (ProviderKind::BitbucketDataCenter, Provider::BitbucketDataCenter),
    (ProviderKind::Gitea, Provider::Gitea),
    (ProviderKind::Forgejo, Provider::Forgejo),
];

/// A runtime whose provider has an OAuth application, and Mira, who is signed in.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) mira: Member,
    pub(crate) session: Session,
    pub(crate) runtime: RuntimeId,
    kind: ProviderKind,
    pub(crate) application: OAuthApplicationId,
    pub(crate) at_forge: OAuthApplication,
}

pub(crate) async fn sign_in(world: &World, email: &str) -> (Session, Member) {
    let here = Ipv4Addr::LOCALHOST.into();
    let password = PASSWORD.to_owned().into();
    let signed_in = world.services.access.sign_in(email, &password, here).await.unwrap();
    let cookie = signed_in.cookie.expose_secret().to_owned();
    let session = world.services.access.resume(&cookie).await.unwrap().unwrap();
    (session, world.member(&cookie, "acme").await)
}

/// The form of an application as the stand-in made it.
pub(crate) fn form(application: &OAuthApplication, scopes: &str) -> ApplicationForm {
    ApplicationForm {
        client_id: application.client_id.clone(),
        client_secret: application.client_secret.clone().into(),
        scopes: scopes.to_owned(),
        ..ApplicationForm::default()
    }
}

/// What is registered at the stand-in with this callback URL, before a test changes it.
fn new_at_forge(provider: Provider, callback: &str, scopes: &[String]) -> NewOAuthApplication {
    NewOAuthApplication::new(provider, callback)
        .named("Patchbay")
        .scopes(scopes)
}

impl Stage {
    pub(crate) async fn at(database: crate::support::TestDatabase, kind: ProviderKind, provider: Provider) -> Self {
        let (world, _) = World::set_up(database).await;
        Self::in_world(world, kind, provider, |application| application).await
    }

    pub(crate) async fn with(
        database: crate::support::TestDatabase,
        (kind, provider): (ProviderKind, Provider),
        change: impl FnOnce(NewOAuthApplication) -> NewOAuthApplication,
    ) -> Self {
        let (world, _) = World::set_up(database).await;
        Self::in_world(world, kind, provider, change).await
    }

    pub(crate) async fn in_world(
        world: World,
        kind: ProviderKind,
        provider: Provider,
        change: impl FnOnce(NewOAuthApplication) -> NewOAuthApplication,
    ) -> Self {
        let (session, mira) = sign_in(&world, "mira@acme.dev").await;
        let name = kind.as_str().replace('_', "-");
        let runtime = world.named_runtime_at(&mira, &name, kind, provider).await;
        let applications = &world.services.oauth_applications;
        let page = applications.page(&mira).await.unwrap();
        let of = page.iter().find(|of| of.label.kind == kind).unwrap();
        let next = of.next.clone().unwrap();
        let scopes: Vec<String> = next.scopes.iter().map(ToString::to_string).collect();
        let at_forge = change(new_at_forge(provider, &next.callback_url, &scopes));
        let at_forge = world.forge.create_oauth_application(at_forge);
        let form = ApplicationForm {
            runtimes: vec![runtime.to_string()],
            ..form(&at_forge, &scopes.join(","))
        };
        applications.register(&mira, of.id, next.id, &form).await.unwrap();
        Self {
            world,
            mira,
            session,
            runtime,
            kind,
            application: next.id,
            at_forge,
        }
    }

    pub(crate) async fn begin(&self) -> Url {
        let oauth = &self.world.services.oauth;
        oauth.begin(&self.session, &self.mira, self.runtime).await.unwrap()
    }

    /// What the provider sends back when a person of this name agrees.
    pub(crate) async fn agreed(&self, login: &str) -> Callback {
        callback(&self.world.forge.approve(self.begin().await.as_str(), login).unwrap())
    }

    pub(crate) async fn complete(&self, callback: Callback) -> Returned {
        let oauth = &self.world.services.oauth;
        oauth.complete(Some(&self.session), self.application, callback).await
    }

    /// Authorises access as the stand-in's Mira.
    pub(crate) async fn authorize(&self) -> Result<Completed, OAuthError> {
        let callback = self.agreed("mira").await;
        self.complete(callback).await.result
    }

    pub(crate) async fn view(&self) -> Option<TokenView> {
        self.world
            .services
            .tokens
            .row(&self.mira, self.runtime)
            .await
            .unwrap()
            .token
    }

    /// How many OAuth tokens live at the stand-in.
    pub(crate) fn living(&self) -> usize {
        self.world
            .forge
            .grants()
            .iter()
            .map(|grant| grant.live_tokens.len())
            .sum()
    }

    pub(crate) async fn audit(&self) -> Vec<Record> {
        self.world
            .store
            .audit_events_after(self.mira.account(), 0, 1000)
            .await
            .unwrap()
    }

    /// Nothing was stored, and nothing lives at the provider unseen.
    async fn nothing_came_of_it(&self) {
        assert!(self.view().await.is_none());
        assert_eq!(self.living(), 0);
    }
}

/// What stands in the address that a provider sends people back to.
pub(crate) fn callback(address: &str) -> Callback {
    let address = Url::parse(address).unwrap();
    let field = |name: &str| {
        let mut pairs = address.query_pairs();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    Callback {
        code: field("code").into(),
        state: field("state").into(),
        error: field("error"),
        iss: field("iss"),
    }
}

fn parameter(address: &Url, name: &str) -> Option<String> {
    let mut pairs = address.query_pairs();
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

on_both_databases! {
    async fn access_is_authorized_at_every_kind(database: TestDatabase) {
        let (mut world, _) = World::set_up(database).await;
        for (kind, provider) in KINDS {
            let stage = Stage::in_world(world, kind, provider, |application| application).await;
            let row = stage.world.services.tokens.row(&stage.mira, stage.runtime).await.unwrap();
            assert_eq!(row.method, Method::Application(kind.name().to_owned()), "{kind:?}");

            let address = stage.begin().await;
            assert_eq!(parameter(&address, "response_type").as_deref(), Some("code"), "{kind:?}");
            let pkce = kind.authorization_server().unwrap().pkce;
            assert_eq!(parameter(&address, "code_challenge_method").as_deref(), pkce.then_some("S256"), "{kind:?}");
            assert_eq!(parameter(&address, "code_challenge").is_some(), pkce, "{kind:?}");
            assert!(parameter(&address, "state").unwrap().len() >= 43, "{kind:?}");
            assert!(parameter(&address, "redirect_uri").unwrap().ends_with(&stage.application.to_string()), "{kind:?}");

            let Returned { place, result } = {
                let back = stage.world.forge.approve(address.as_str(), "mira").unwrap();
                stage.complete(callback(&back)).await
            };
            assert_eq!(place, Some(("acme".to_owned(), stage.runtime)), "{kind:?}");
            let completed = result.unwrap();
            assert!(matches!(&completed, Completed::Stored { login, replaced: None } if login == "mira"), "{kind:?}: {completed:?}");

            let token = stage.view().await.unwrap();
            assert!(token.oauth, "{kind:?}");
            assert_eq!((token.status, token.identity.login.as_str()), (TokenStatus::Valid, "mira"), "{kind:?}: {:?}", token.scopes);
            assert_eq!(token.expiry, Expiry::Never, "{kind:?}: it is refreshed, or does not end");
            let check = stage.world.services.tokens.check(&stage.mira, stage.runtime).await.unwrap();
            assert_eq!(check.status(), Some(TokenStatus::Valid), "{kind:?}: {check:?}");
            let seen = stage.audit().await;
            assert!(seen.iter().any(|event| event.action == "token.authorized"), "{kind:?}");
            stage.world.services.tokens.delete(&stage.mira, stage.runtime, true).await.unwrap();
            // Some cannot be revoked by us: the stage is bare for the next.
            for grant in stage.world.forge.grants() {
                stage.world.forge.revoke_grant(grant.id).unwrap();
            }
            stage.world.services.runtimes.delete(&stage.mira, stage.runtime).await.unwrap();
            world = stage.world;
        }
    }

    async fn a_state_works_once(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let back = stage.agreed("mira").await;
        assert!(stage.complete(back.clone()).await.result.is_ok());
        let again = stage.complete(back).await;
        assert!(matches!(again.result, Err(OAuthError::UnknownState)), "{:?}", again.result);
        assert_eq!(stage.view().await.unwrap().status, TokenStatus::Valid);
        assert_eq!(stage.living(), 1, "what is stored was not hurt");
    }

    async fn of_two_callbacks_at_once_one_counts(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let back = stage.agreed("mira").await;
        let (one, other) = tokio::join!(stage.complete(back.clone()), stage.complete(back));
        let stored = [&one.result, &other.result].into_iter().filter(|result| result.is_ok()).count();
        assert_eq!(stored, 1, "{one:?} {other:?}");
        assert_eq!(stage.living(), 1);
    }

    async fn a_state_belongs_to_its_session(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitHub, Provider::GitHub).await;
        let back = stage.agreed("mira").await;
        let (elsewhere, _) = sign_in(&stage.world, "mira@acme.dev").await;
        let oauth = &stage.world.services.oauth;
        let other = oauth.complete(Some(&elsewhere), stage.application, back.clone()).await;
        assert!(matches!(other.result, Err(OAuthError::UnknownState)));
        assert_eq!(other.place, None, "nothing is said of where it began");
        // And it is used up.
        assert!(matches!(stage.complete(back).await.result, Err(OAuthError::UnknownState)));
        stage.nothing_came_of_it().await;
    }

    async fn a_state_belongs_to_its_person(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitHub, Provider::GitHub).await;
        let kim = NewAdmin {
            name: "Kim".to_owned(),
            email: "kim@acme.dev".to_owned(),
            password: PASSWORD.to_owned().into(),
        };
        stage.world.services.access.create_admin(None, kim).await.unwrap();
        let (session, kim) = sign_in(&stage.world, "kim@acme.dev").await;
        let back = stage.agreed("mira").await;
        let oauth = &stage.world.services.oauth;
        let other = oauth.complete(Some(&session), stage.application, back).await;
        assert!(matches!(other.result, Err(OAuthError::UnknownState)));
        assert!(stage.world.services.tokens.row(&kim, stage.runtime).await.unwrap().token.is_none());
        stage.nothing_came_of_it().await;
    }

    async fn a_state_belongs_to_its_application_and_provider(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitHub, Provider::GitHub).await;
        let back = stage.agreed("mira").await;
        let mira = stage.mira.clone();
        let other = Stage::in_world(stage.world, ProviderKind::GitLab, Provider::GitLab, |application| application);
        let mut other = other.await;
        other.session = stage.session;
        // The answer of one provider comes to the callback of another.
        let mixed = other.complete(back).await;
        assert!(matches!(mixed.result, Err(OAuthError::UnknownState)));
        assert!(other.world.services.tokens.row(&mira, stage.runtime).await.unwrap().token.is_none());
        assert_eq!(other.living(), 0);
    }

    async fn a_runtime_that_changed_meanwhile_gets_nothing(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitHub, Provider::GitHub).await;
        let applications = &stage.world.services.oauth_applications;
        let back = stage.agreed("mira").await;
        applications.choose(&stage.mira, stage.runtime, None).await.unwrap();
        let result = stage.complete(back).await.result;
        assert!(matches!(result, Err(OAuthError::NoApplication)), "{result:?}");
        stage.nothing_came_of_it().await;

        applications.choose(&stage.mira, stage.runtime, Some(stage.application)).await.unwrap();
        let back = stage.agreed("mira").await;
        stage.world.services.runtimes.delete(&stage.mira, stage.runtime).await.unwrap();
        let result = stage.complete(back).await.result;
        assert!(matches!(result, Err(OAuthError::UnknownState)), "{result:?}");
        assert_eq!(stage.living(), 0);
    }

    async fn a_code_of_another_runtime_is_worth_nothing(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let other = stage.world.named_runtime_at(&stage.mira, "stage", stage.kind, Provider::GitLab).await;
        let oauth = &stage.world.services.oauth;
        let applications = &stage.world.services.oauth_applications;
        applications.choose(&stage.mira, other, Some(stage.application)).await.unwrap();
        let elsewhere = oauth.begin(&stage.session, &stage.mira, other).await.unwrap();
        let elsewhere = callback(&stage.world.forge.approve(elsewhere.as_str(), "mira").unwrap());
        // The state of one and the code of the other: the verifier does not fit (PKCE).
        let mixed = Callback { code: elsewhere.code, ..stage.agreed("mira").await };
        let result = stage.complete(mixed).await.result;
        assert!(matches!(result, Err(OAuthError::NoToken { .. })), "{result:?}");
        stage.nothing_came_of_it().await;
    }

    async fn a_code_works_once(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let back = stage.agreed("mira").await;
        assert!(stage.complete(back.clone()).await.result.is_ok());
        // With a state of its own, which is waited for.
        let replayed = Callback { code: back.code, ..stage.agreed("mira").await };
        let result = stage.complete(replayed).await.result;
        assert!(matches!(result, Err(OAuthError::NoToken { .. })), "{result:?}");
    }

    async fn another_issuer_is_refused(database: TestDatabase) {
        let issuer = |application: NewOAuthApplication| application.send_iss("https://evil.example");
        let stage = Stage::with(database, (ProviderKind::GitLab, Provider::GitLab), issuer).await;
        let result = stage.authorize().await;
        assert!(matches!(result, Err(OAuthError::WrongIssuer)), "{result:?}");
        stage.nothing_came_of_it().await;
        // The provider's own is taken.
        let own = OAuthApplicationChange { send_iss: Some(Some(stage.world.forge.url())), ..OAuthApplicationChange::default() };
        stage.world.forge.change_oauth_application(stage.at_forge.id, own).unwrap();
        assert!(stage.authorize().await.is_ok());
    }

    async fn pkce_is_not_to_be_had_without(database: TestDatabase) {
        let demanding = |application: NewOAuthApplication| application.require_pkce();
        let stage = Stage::with(database, (ProviderKind::GitHub, Provider::GitHub), demanding).await;
        // Somebody on the way takes the challenge out, or weakens it.
        for (field, value) in [("code_challenge_method", "plain"), ("code_challenge", "")] {
            let mut address = stage.begin().await;
            let kept: Vec<(String, String)> = address
                .query_pairs()
                .map(|(name, was)| (name.clone().into_owned(), if name == field { value.to_owned() } else { was.into_owned() }))
                .filter(|(name, value)| !(name == "code_challenge" && value.is_empty()))
                .collect();
            address.query_pairs_mut().clear().extend_pairs(kept);
            let went = stage.world.forge.approve(address.as_str(), "mira");
            if let Ok(back) = went {
                let result = stage.complete(callback(&back)).await.result;
                assert!(result.is_err(), "{field}: {result:?}");
            }
        }
        stage.nothing_came_of_it().await;
        assert!(stage.authorize().await.is_ok());
    }

    async fn a_provider_that_drops_the_challenge_gives_no_token(database: TestDatabase) {
        // The code was given out without a challenge, as after a downgrade; our verifier then does not fit.
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let mut address = stage.begin().await;
        let kept: Vec<(String, String)> = address
            .query_pairs()
            .into_owned()
            .filter(|(name, _)| !name.starts_with("code_challenge"))
            .collect();
        address.query_pairs_mut().clear().extend_pairs(kept);
        let back = stage.world.forge.approve(address.as_str(), "mira").unwrap();
        let result = stage.complete(callback(&back)).await.result;
        assert!(matches!(result, Err(OAuthError::NoToken { .. })), "{result:?}");
        stage.nothing_came_of_it().await;
    }

    async fn who_signed_out_meanwhile_gets_nothing(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitHub, Provider::GitHub).await;
        let back = stage.agreed("mira").await;
        let oauth = &stage.world.services.oauth;
        let result = oauth.complete(None, stage.application, back.clone()).await.result;
        assert!(matches!(result, Err(OAuthError::SignedOut)), "{result:?}");
        assert!(matches!(stage.complete(back).await.result, Err(OAuthError::UnknownState)), "it is used up");
        stage.nothing_came_of_it().await;
    }

    async fn after_ten_minutes_it_is_too_late(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitHub, Provider::GitHub).await;
        let back = stage.agreed("mira").await;
        stage.world.clock.forward(600);
        let result = stage.complete(back).await.result;
        assert!(matches!(result, Err(OAuthError::TooLate)), "{result:?}");
        stage.nothing_came_of_it().await;
        // The next attempt takes the old ones away.
        stage.world.clock.forward(600);
        assert!(stage.authorize().await.is_ok());
    }

    async fn what_is_denied_is_said(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitHub, Provider::GitHub).await;
        let back = stage.world.forge.deny(stage.begin().await.as_str()).unwrap();
        let returned = stage.complete(callback(&back)).await;
        assert_eq!(returned.place, Some(("acme".to_owned(), stage.runtime)));
        assert!(matches!(&returned.result, Err(OAuthError::Denied { code, .. }) if code == "access_denied"), "{returned:?}");
        stage.nothing_came_of_it().await;
    }

    async fn a_token_that_may_too_little_is_not_stored_and_not_left_alive(database: TestDatabase) {
        let little = |application: NewOAuthApplication| application.grants(["read_user"]);
        let stage = Stage::with(database, (ProviderKind::GitLab, Provider::GitLab), little).await;
        let result = stage.authorize().await;
        let Err(OAuthError::Token(TokenError::Refused { outcome: CheckOutcome::Accepted(findings), .. })) = result else {
            panic!("{result:?}")
        };
        assert_eq!(findings.status(), TokenStatus::MissingScopes);
        stage.nothing_came_of_it().await;
    }

    async fn another_identity_than_before_is_asked_about(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        stage.world.forge.put_account("mira-private", Account::with_password(PASSWORD));
        assert!(stage.authorize().await.is_ok());
        let oauth = &stage.world.services.oauth;
        let other = async || {
            let back = stage.agreed("mira-private").await;
            stage.complete(back).await.result
        };
        assert!(matches!(other().await, Ok(Completed::Asked)));
        let asked = oauth.question(&stage.mira, stage.runtime).await.unwrap().unwrap();
        assert_eq!(asked.login, "mira-private");
        assert!(asked.why.contains("mira"), "{}", asked.why);
        assert_eq!(stage.view().await.unwrap().identity.login, "mira", "nothing is changed until then");
        assert_eq!(stage.living(), 2);

        oauth.decline(&stage.session, &stage.mira, stage.runtime).await.unwrap();
        assert_eq!(stage.living(), 1, "what is not wanted is taken back");
        assert!(oauth.question(&stage.mira, stage.runtime).await.unwrap().is_none());

        assert!(matches!(other().await, Ok(Completed::Asked)));
        let (elsewhere, _) = sign_in(&stage.world, "mira@acme.dev").await;
        let stranger = oauth.confirm(&elsewhere, &stage.mira, stage.runtime).await;
        assert!(matches!(stranger, Err(OAuthError::NotFound)), "{stranger:?}");
        let (login, replaced) = oauth.confirm(&stage.session, &stage.mira, stage.runtime).await.unwrap();
        assert_eq!(login, "mira-private");
        assert_eq!(replaced.map(|replaced| replaced.outcome), Some(Revocation::Done));
        assert_eq!((stage.view().await.unwrap().identity.login, stage.living()), ("mira-private".to_owned(), 1));
        let again = oauth.confirm(&stage.session, &stage.mira, stage.runtime).await;
        assert!(matches!(again, Err(OAuthError::NotFound)), "{again:?}");
    }

    async fn a_question_that_nobody_answers_leaves_no_token_alive(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        stage.world.forge.put_account("mira-private", Account::with_password(PASSWORD));
        assert!(stage.authorize().await.is_ok());
        let back = stage.agreed("mira-private").await;
        assert!(matches!(stage.complete(back).await.result, Ok(Completed::Asked)));
        let oauth = &stage.world.services.oauth;
        let now = backend::clock::Clock::now(&*stage.world.clock);
        assert_eq!(oauth.drop_unanswered(now).await.unwrap(), 0);
        stage.world.clock.forward(600);
        assert!(oauth.question(&stage.mira, stage.runtime).await.unwrap().is_none());
        let late = oauth.confirm(&stage.session, &stage.mira, stage.runtime).await;
        assert!(matches!(late, Err(OAuthError::TooLate)), "{late:?}");
        let now = backend::clock::Clock::now(&*stage.world.clock);
        assert_eq!(oauth.drop_unanswered(now).await.unwrap(), 1);
        assert_eq!(stage.living(), 1);
    }

    async fn a_token_that_goes_is_taken_back(database: TestDatabase) {
        let (mut world, _) = World::set_up(database).await;
        for (kind, provider) in [(ProviderKind::GitHub, Provider::GitHub), (ProviderKind::GitLab, Provider::GitLab)] {
            let stage = Stage::in_world(world, kind, provider, |application| application).await;
            let tokens = &stage.world.services.tokens;
            assert!(stage.authorize().await.is_ok());
            // Replaced by another authorisation.
            let Completed::Stored { replaced: Some(replaced), .. } = stage.authorize().await.unwrap() else {
                panic!("{kind:?}: nothing was replaced")
            };
            assert_eq!((replaced.outcome, stage.living()), (Revocation::Done, 1), "{kind:?}");
            // Deleted.
            let revoked = tokens.delete(&stage.mira, stage.runtime, false).await.unwrap().unwrap();
            assert_eq!((revoked.outcome, stage.living()), (Revocation::Done, 0), "{kind:?}");
            stage.world.services.runtimes.delete(&stage.mira, stage.runtime).await.unwrap();
            world = stage.world;
        }
    }

    async fn what_goes_with_its_runtime_is_taken_back(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        assert!(stage.authorize().await.is_ok());
        stage.world.services.runtimes.delete(&stage.mira, stage.runtime).await.unwrap();
        while stage.living() > 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn a_provider_that_cannot_take_back_is_said(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::Gitea, Provider::Gitea).await;
        assert!(stage.authorize().await.is_ok());
        let revoked = stage.world.services.tokens.delete(&stage.mira, stage.runtime, false).await.unwrap().unwrap();
        assert_eq!(revoked.outcome, Revocation::NotOffered);
        assert!(stage.view().await.is_none(), "gone from here all the same");
    }

    async fn an_application_is_registered_under_the_url_that_was_shown(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        world.runtime_at(&mira, ProviderKind::GitHub, Provider::GitHub).await;
        let applications = &world.services.oauth_applications;
        let next = |page: Vec<backend::oauth::ProviderApplications>| page[0].next.clone().unwrap();
        let shown = next(applications.page(&mira).await.unwrap());
        assert_eq!(next(applications.page(&mira).await.unwrap()).id, shown.id, "the same at every look");
        assert_eq!(shown.callback_url, format!("https://patchbay.example/oauth/callback/{}", shown.id));
        let provider = applications.page(&mira).await.unwrap()[0].id;
        let form = ApplicationForm {
            client_id: " id ".to_owned(),
            client_secret: "secret".to_owned().into(),
            scopes: "repo".to_owned(),
            ..ApplicationForm::default()
        };
        let (one, other) = tokio::join!(
            applications.register(&mira, provider, shown.id, &form),
            applications.register(&mira, provider, shown.id, &form),
        );
        assert_eq!([&one, &other].into_iter().filter(|result| result.is_ok()).count(), 1, "{one:?} {other:?}");
        let after = next(applications.page(&mira).await.unwrap());
        assert_ne!(after.id, shown.id);
        let taken = applications.register(&mira, provider, shown.id, &form).await;
        assert!(matches!(taken, Err(OAuthApplicationError::CallbackTaken)), "{taken:?}");
        let named_alike = applications.register(&mira, provider, after.id, &form).await;
        assert!(matches!(&named_alike, Err(OAuthApplicationError::Invalid(errors)) if errors.at("name").is_some()), "{named_alike:?}");
        let page = applications.page(&mira).await.unwrap();
        assert_eq!(page[0].applications.len(), 1);
        assert_eq!(page[0].applications[0].client_id, "id");
        assert!(page[0].runtimes.iter().all(|runtime| runtime.application.is_none()), "none was ticked");
    }

    async fn what_is_wrong_with_an_application_is_said_at_its_fields(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        world.runtime_at(&mira, ProviderKind::GitHub, Provider::GitHub).await;
        let applications = &world.services.oauth_applications;
        let page = applications.page(&mira).await.unwrap();
        let form = ApplicationForm {
            client_id: "two words".to_owned(),
            scopes: "répo".to_owned(),
            token_url: "javascript:alert(1)".to_owned(),
            secret_ends_on: "2001-01-01".to_owned(),
            ..ApplicationForm::default()
        };
        let next = page[0].next.clone().unwrap();
        let Err(OAuthApplicationError::Invalid(errors)) = applications.register(&mira, page[0].id, next.id, &form).await else {
            panic!("taken")
        };
        for field in ["client_id", "client_secret", "scopes", "token_url", "secret_ends_on"] {
            assert!(errors.at(field).is_some(), "{field}");
        }
    }

    async fn a_member_has_no_say_in_applications(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitHub, Provider::GitHub).await;
        let mira = stage.world.mira_as_member().await;
        let applications = &stage.world.services.oauth_applications;
        let refused = |result: Result<(), OAuthApplicationError>| {
            assert!(matches!(result, Err(OAuthApplicationError::Access(_))), "{result:?}");
        };
        refused(applications.page(&mira).await.map(|_| ()));
        refused(applications.delete(&mira, stage.application).await);
        refused(applications.edit(&mira, stage.application, &ApplicationForm::default()).await);
        refused(applications.choose(&mira, stage.runtime, None).await);
        refused(applications.test(&mira, stage.application).await.map(|_| ()));
        refused(applications.holders(&mira, stage.application).await.map(|_| ()));
    }

    async fn deleting_an_application_says_whose_tokens_stop_being_refreshed(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        assert!(stage.authorize().await.is_ok());
        let applications = &stage.world.services.oauth_applications;
        let holders = applications.holders(&stage.mira, stage.application).await.unwrap();
        assert_eq!(holders, [("Mira Rao".to_owned(), "gitlab".to_owned())]);
        applications.delete(&stage.mira, stage.application).await.unwrap();
        let token = stage.view().await.unwrap();
        assert!(matches!(token.expiry, Expiry::At(_)), "{:?}", token.expiry);
        assert!(token.rotation.contains("OAuth application was deleted"), "{}", token.rotation);
        assert_eq!(token.status, TokenStatus::Valid, "it works until its end");
        let row = stage.world.services.tokens.row(&stage.mira, stage.runtime).await.unwrap();
        assert_eq!(row.method, Method::NotRegistered { asked: false });
    }

    async fn what_refreshes_tokens_does_not_move(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let applications = &stage.world.services.oauth_applications;
        let moved = ApplicationForm {
            token_url: "https://evil.example/token".to_owned(),
            ..form(&stage.at_forge, "write_repository,read_api")
        };
        // Nor does the secret, unless whoever moves it knows it.
        let unknown = ApplicationForm {
            client_secret: String::new().into(),
            ..moved.clone()
        };
        let refused = applications.edit(&stage.mira, stage.application, &unknown).await;
        assert!(
            matches!(&refused, Err(OAuthApplicationError::Invalid(errors)) if errors.at("client_secret").is_some()),
            "{refused:?}"
        );
        applications.edit(&stage.mira, stage.application, &moved).await.unwrap();
        let back = form(&stage.at_forge, "write_repository,read_api");
        applications.edit(&stage.mira, stage.application, &back).await.unwrap();
        assert!(stage.authorize().await.is_ok());
        let refused = applications.edit(&stage.mira, stage.application, &moved).await;
        assert!(
            matches!(&refused, Err(OAuthApplicationError::Invalid(errors)) if errors.at("token_url").is_some()),
            "{refused:?}"
        );
        let other_client = ApplicationForm {
            client_id: "another".to_owned(),
            ..back.clone()
        };
        let refused = applications.edit(&stage.mira, stage.application, &other_client).await;
        assert!(
            matches!(&refused, Err(OAuthApplicationError::Invalid(errors)) if errors.at("client_id").is_some()),
            "{refused:?}"
        );
        applications.edit(&stage.mira, stage.application, &back).await.unwrap();
    }

    async fn a_token_or_an_access_key_is_no_credential_of_an_application(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let applications = &stage.world.services.oauth_applications;
        let right = form(&stage.at_forge, "write_repository,read_api");
        for secret in ["pbk_0123456789abcdef0123456789", "glpat-0123456789abcdef0123"] {
            let as_id = ApplicationForm { client_id: secret.to_owned(), ..right.clone() };
            let as_secret = ApplicationForm { client_secret: secret.to_owned().into(), ..right.clone() };
            for (field, form) in [("client_id", as_id), ("client_secret", as_secret)] {
                let refused = applications.edit(&stage.mira, stage.application, &form).await;
                let Err(OAuthApplicationError::Invalid(errors)) = refused else { panic!("{field}: {refused:?}") };
                assert!(errors.at(field).unwrap().contains("looks like a token"));
            }
        }
        let events = stage.world.store.audit_events_after(stage.mira.account(), 0, 1000).await.unwrap();
        assert!(events.iter().all(|event| !event.detail.contains("0123456789abcdef")));
    }

    async fn an_application_holds_its_git_provider_at_its_address(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let providers = &stage.world.services.git_providers;
        let provider = providers.page(&stage.mira).await.unwrap().providers.remove(0);
        let moved = backend::git_providers::GitProviderForm {
            name: provider.label.name,
            base_url: "https://evil.example".to_owned(),
            ..Default::default()
        };
        let refused = providers.edit(&stage.mira, provider.id, moved).await;
        assert!(
            matches!(&refused, Err(backend::git_providers::GitProviderError::Invalid(errors)) if errors.at("base_url").is_some()),
            "{refused:?}"
        );
    }

    async fn an_answer_that_nobody_waits_for_is_brought_to_its_end(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let back = stage.agreed("mira").await;
        let slow = forge::FaultRule::new(forge::Fault::LateAnswer { millis: 300 }).on_path("/oauth/token").once();
        stage.world.forge.add_fault(slow);
        // The browser goes away as soon as the code is used.
        let living = async {
            while stage.living() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = stage.complete(back) => panic!("it was not slow"),
            () = living => {}
        }
        while stage.view().await.is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(stage.view().await.unwrap().status, TokenStatus::Valid);
    }

    async fn the_admins_are_told_once_that_an_application_is_wanted(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime_at(&mira, ProviderKind::GitHub, Provider::GitHub).await;
        let oauth = &world.services.oauth;
        let applications = &world.services.oauth_applications;
        assert!(oauth.request_application(&mira, runtime).await.unwrap());
        assert!(!oauth.request_application(&mira, runtime).await.unwrap());
        let page = applications.page(&mira).await.unwrap();
        assert_eq!(page[0].requests.len(), 1);
        assert_eq!(page[0].requests[0].0, "Mira Rao");
        let row = world.services.tokens.row(&mira, runtime).await.unwrap();
        assert_eq!(row.method, Method::NotRegistered { asked: true });
        let form = ApplicationForm {
            client_id: "id".to_owned(),
            client_secret: "secret".to_owned().into(),
            ..ApplicationForm::default()
        };
        let next = page[0].next.clone().unwrap();
        applications.register(&mira, page[0].id, next.id, &form).await.unwrap();
        assert!(applications.page(&mira).await.unwrap()[0].requests.is_empty(), "it is answered");
    }

    async fn the_test_of_an_application_finds_what_is_wrong(database: TestDatabase) {
        let (mut world, _) = World::set_up(database).await;
        for (kind, provider) in KINDS {
            let stage = Stage::in_world(world, kind, provider, |application| application).await;
            let applications = &stage.world.services.oauth_applications;
            let of = |findings: &[domain::doctor::Finding], about: &str| {
                findings.iter().find(|finding| finding.about == about).map(|finding| finding.verdict)
            };
            let findings = applications.test(&stage.mira, stage.application).await.unwrap();
            for finding in &findings {
                assert!(
                    matches!(finding.verdict, Verdict::Good | Verdict::Told),
                    "{kind:?}: {finding:?}"
                );
            }
            assert_eq!(of(&findings, "Client id and secret"), Some(Verdict::Good), "{kind:?}");
            assert_eq!(findings.len(), 6, "{kind:?}");

            let ids = |scopes: &str| form(&stage.at_forge, scopes);
            let wrong = ApplicationForm {
                client_secret: "wrong".to_owned().into(),
                ..ids("user:nothing")
            };
            applications.edit(&stage.mira, stage.application, &wrong).await.unwrap();
            let findings = applications.test(&stage.mira, stage.application).await.unwrap();
            assert_eq!(of(&findings, "Client id and secret"), Some(Verdict::Bad), "{kind:?}: {findings:?}");
            assert_eq!(of(&findings, "Scopes"), Some(Verdict::Bad), "{kind:?}");

            let nowhere = ApplicationForm {
                authorize_url: format!("{}/nowhere/authorize", stage.world.forge.url()),
                token_url: format!("{}/nowhere/token", stage.world.forge.url()),
                ..ids("")
            };
            applications.edit(&stage.mira, stage.application, &nowhere).await.unwrap();
            let findings = applications.test(&stage.mira, stage.application).await.unwrap();
            assert_eq!(of(&findings, "Authorization page"), Some(Verdict::Bad), "{kind:?}: {findings:?}");
            assert_eq!(of(&findings, "Client id and secret"), Some(Verdict::Unsure), "{kind:?}: {findings:?}");
            stage.world.services.runtimes.delete(&stage.mira, stage.runtime).await.unwrap();
            world = stage.world;
        }
    }

    async fn secrets_are_in_the_database_only_sealed(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        let address = stage.begin().await;
        let secret_state = parameter(&address, "state").unwrap();
        let back = callback(&stage.world.forge.approve(address.as_str(), "mira").unwrap());
        let row = stage.world.store.take_oauth_attempt(secret_state.as_bytes()).await.unwrap();
        assert!(row.is_none(), "the state itself is not the key");
        stage.complete(back).await.result.unwrap();
        let application = stage.world.store.oauth_application(stage.mira.account(), stage.application).await.unwrap().unwrap();
        let sealed = application.secret.into_bytes();
        let secret = stage.at_forge.client_secret.as_bytes();
        assert!(!sealed.windows(secret.len()).any(|window| window == secret));
        let printed = format!("{:?}", stage.world.store.oauth_applications(stage.mira.account()).await.unwrap());
        assert!(!printed.contains(&stage.at_forge.client_secret), "{printed}");
    }
}
