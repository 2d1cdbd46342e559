//! Passwords: hashed with argon2id, one after the other few at a time, since each hash takes much memory on purpose.

use crate::{Fault, random::Random};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use domain::SecretInput;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many passwords are hashed at once. Each takes 19 MiB (argon2's defaults, which are OWASP's first choice).
const AT_ONCE: usize = 4;

/// Hashes and verifies passwords.
#[derive(Clone)]
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    /// The hash of nobody's password, verified when there is no such person so that both answers take as long.
    decoy: Arc<str>,
}

impl Passwords {
    pub(crate) fn new(random: &dyn Random) -> Result<Self, Fault> {
        let decoy = hash_now(b"", &crate::random::array(random))?;
        Ok(Self {
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            decoy: decoy.into(),
        })
    }

    /// The hash of a new password in PHC string format.
    pub(crate) async fn hash(&self, password: &SecretInput, random: &dyn Random) -> Result<String, Fault> {
        let salt: [u8; 16] = crate::random::array(random);
        let password = password.clone();
        self.work(move || hash_now(password.expose().as_bytes(), &salt)).await?
    }

    /// Whether a password is the hashed one. `None` stands for a person that does not exist.
    pub(crate) async fn verify(&self, password: &SecretInput, hash: Option<&str>) -> Result<bool, Fault> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        let password = password.clone();
        let matches = self
            .work(move || {
                let parsed = PasswordHash::new(&hash).map_err(|error| Fault::Stored(error.to_string()))?;
                Ok::<_, Fault>(
                    Argon2::default()
                        .verify_password(password.expose().as_bytes(), &parsed)
                        .is_ok(),
                )
            })
            .await??;
        Ok(exists && matches)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        // The semaphore is never closed, so waiting for it cannot fail; without a permit the work would only be unbounded.
        let permit = self.permits.clone().acquire_owned().await.ok();
        Ok(tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await?)
    }
}

fn hash_now(password: &[u8], salt: &[u8; 16]) -> Result<String, Fault> {
    let hash = Argon2::default()
        .hash_password_with_salt(password, salt)
        .map_err(|error| Fault::Stored(error.to_string()))?;
    Ok(hash.to_string())
}
