//! An account with as many tokens as wanted, made by the database itself: for lists and numbers, not for checks, since nothing
//! opens what is sealed here.

use domain::{CheckOutcome, Refusal};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DbBackend};
use secrecy::{ExposeSecret as _, SecretString};

/// How much is made, beside what is in the account already.
#[derive(Clone, Copy)]
pub(crate) struct Seed {
    /// Runtimes of the account's first Git provider.
    pub(crate) runtimes: u32,
    /// Members; nearly each has a token for nearly each runtime.
    pub(crate) people: u32,
    /// The moment that the tokens' ends lie around, in milliseconds.
    pub(crate) now: i64,
}

/// A number that looks random and follows from a person and a runtime.
const MIX: &str = "((p.no * 7919 + r.no * 104729 + (p.no * r.no) % 1013 * 31) % 1000003)";

impl Seed {
    /// Fills the account of a database that has one account, with an admin and a Git provider.
    pub(crate) async fn sow(self, url: &SecretString) {
        // Temporary tables belong to their connection.
        let mut options = ConnectOptions::new(url.expose_secret());
        options.max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        for step in self.steps(db.get_database_backend()) {
            db.execute_unprepared(&step).await.unwrap();
        }
        db.close().await.unwrap();
        settle(url).await;
    }

    fn steps(self, backend: DbBackend) -> Vec<String> {
        let Self { runtimes, people, now } = self;
        let (id, bytes, blob) = match backend {
            DbBackend::Sqlite => ("randomblob(16)", "randomblob(32)", "x'00'"),
            _ => ("gen_random_uuid()", "uuid_send(gen_random_uuid())", "'\\x00'::bytea"),
        };
        let kind = if backend == DbBackend::Sqlite { "BLOB" } else { "uuid" };
        let numbers =
            |count: u32| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) ");
        let outcome = serde_json::to_string(&CheckOutcome::Refused(Refusal::BadCredentials)).unwrap();
        let day = 86_400_000_i64;
        // Of the same length, so that a beginning finds as many in a small account as in a large one.
        let no = "substr('0000' || no, -5)";
        let no = if backend == DbBackend::Sqlite {
            no
        } else {
            "lpad(no::text, 5, '0')"
        };
        let login = no.replace("no", "p.no");
        vec![
            format!("CREATE TEMP TABLE seed_people (no BIGINT, id {kind})"),
            format!("CREATE TEMP TABLE seed_runtimes (no BIGINT, id {kind})"),
            "BEGIN".to_owned(),
            format!("INSERT INTO seed_people {} SELECT i, {id} FROM n", numbers(people)),
            format!("INSERT INTO seed_runtimes {} SELECT i, {id} FROM n", numbers(runtimes)),
            format!(
                "INSERT INTO users (id, email, name, password_hash, created_at) \
                 SELECT id, 'person' || {no} || '@acme.dev', CASE no % 3 WHEN 0 THEN 'Ada' WHEN 1 THEN 'Grace' ELSE 'Edsger' END \
                 || ' Seed' || {no}, 'none', {now} FROM seed_people"
            ),
            format!("INSERT INTO person_words (word, user_id) SELECT 'person' || {no}, id FROM seed_people"),
            format!("INSERT INTO person_words (word, user_id) SELECT 'seed' || {no}, id FROM seed_people"),
            "INSERT INTO person_words (word, user_id) SELECT 'acme', id FROM seed_people".to_owned(),
            "INSERT INTO person_words (word, user_id) SELECT 'dev', id FROM seed_people".to_owned(),
            format!(
                "INSERT INTO runtimes (id, account_id, git_provider_id, name, created_at, rotate_tokens) \
                 SELECT r.id, p.account_id, p.id, 'runtime-' || r.no, {now}, false FROM seed_runtimes r \
                 CROSS JOIN (SELECT id, account_id FROM git_providers ORDER BY created_at LIMIT 1) p"
            ),
            // Before the members, so that nobody lacks a token for a moment only.
            format!(
                "INSERT INTO git_tokens (id, account_id, runtime_id, user_id, git_provider_id, kind, sealed, fingerprint, hint, \
                 format, identity_id, identity_login, scopes, status, expires_at, never_expires, accepted_at, created_at, \
                 checked_at, last_outcome, next_check_at, check_lease) \
                 SELECT {id}, o.account_id, r.id, p.id, o.id, CASE WHEN {MIX} % 5 = 0 THEN 'oauth' ELSE 'pat' END, {blob}, {bytes}, \
                 'ghp_…' || {MIX} % 10000, CASE WHEN {MIX} % 11 = 0 THEN 'Bitbucket app password' END, \
                 CAST(p.no AS text), 'Login' || {login}, '[]', \
                 CASE WHEN {MIX} % 97 < 85 THEN 'valid' WHEN {MIX} % 97 < 88 THEN 'excess_scopes' \
                 WHEN {MIX} % 97 < 90 THEN 'unverified' WHEN {MIX} % 97 < 92 THEN 'missing_scopes' \
                 WHEN {MIX} % 97 < 94 THEN 'invalid' WHEN {MIX} % 97 = 94 THEN 'expired' \
                 WHEN {MIX} % 97 = 95 THEN 'sso_required' ELSE 'in_doubt' END, \
                 CASE WHEN {MIX} % 23 > 1 THEN {now} + ({MIX} * 13 % 401 - 20) * {day} + {MIX} % 86400 * 1000 - {day} / 2 END, \
                 {MIX} % 23 = 0, {now}, {now}, {now} - {MIX} % 100000 * 1000, '{outcome}', {now}, 0 \
                 FROM seed_runtimes r CROSS JOIN seed_people p \
                 CROSS JOIN (SELECT id, account_id FROM git_providers ORDER BY created_at LIMIT 1) o \
                 WHERE {MIX} % 50 <> 7"
            ),
            format!(
                "INSERT INTO oauth_grants (git_token_id, account_id, refresh_ends_at, generation, lease_until, redirect_uri, failures) \
                 SELECT id, account_id, {now} + (checked_at % 180) * {day}, 0, 0, '', 0 FROM git_tokens WHERE kind = 'oauth'"
            ),
            format!(
                "INSERT INTO members (account_id, user_id, role, created_at) \
                 SELECT a.id, p.id, 'member', {now} FROM seed_people p CROSS JOIN (SELECT id FROM accounts LIMIT 1) a"
            ),
            "COMMIT".to_owned(),
        ]
    }
}

/// What the database does by itself after a while: PostgreSQL counts rows and marks pages.
pub(crate) async fn settle(url: &SecretString) {
    let db = Database::connect(ConnectOptions::new(url.expose_secret()))
        .await
        .unwrap();
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared("VACUUM (ANALYZE)").await.unwrap();
    }
    db.close().await.unwrap();
}
