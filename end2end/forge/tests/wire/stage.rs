//! What the stories of every provider begin with: a forge with two people and two repositories.

use forge::{Account, Forge, IssuedToken, NewToken, Repository, TokenKind};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::client::{Answer, Request};

/// The time by the forge's clock, unless a test moves it.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-01-15 10:30 UTC);

/// Ada, whose own is `ada/notes` and who is a member of `acme/web`; and Grace, who is not.
pub(crate) async fn forge() -> Forge {
    let forge = Forge::start().await;
    forge.set_clock(Some(NOW));
    let ada = Account {
        name: Some("Ada Lovelace".to_owned()),
        email: Some("ada@acme.example".to_owned()),
        id: Some(4711),
        ..Account::with_password("pw")
    };
    forge.put_account("ada", ada);
    forge.put_account("grace", Account::with_password("pw"));
    let members = Repository {
        visible_to: Some(vec!["ada".to_owned()]),
        ..Repository::private()
    };
    forge.put_repository("acme", "web", members.clone());
    forge.put_repository("ada", "notes", members);
    forge
}

/// A token of Ada's.
pub(crate) fn token<const N: usize>(forge: &Forge, kind: TokenKind, scopes: [&str; N]) -> IssuedToken {
    make(forge, NewToken::of_kind(kind, "ada", scopes))
}

pub(crate) fn make(forge: &Forge, token: NewToken) -> IssuedToken {
    forge.create_token(token).expect("the account is there")
}

/// Asks with the token after `Bearer`.
pub(crate) async fn ask(forge: &Forge, path: &str, token: &IssuedToken) -> Answer {
    Request::get(path).bearer(&token.value).send(forge.address()).await
}

/// Asks without a token.
pub(crate) async fn ask_as_nobody(forge: &Forge, path: &str) -> Answer {
    Request::get(path).send(forge.address()).await
}
