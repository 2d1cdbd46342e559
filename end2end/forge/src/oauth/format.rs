//! What the providers' client ids, secrets, codes and refresh tokens look like, as far as their documents and the examples in
//! them show it. The end of each is random, and long enough that no two are the same.

use super::rules::Rules;
use crate::clock::random_text;
use crate::model::TokenKind;
use crate::provider::Provider;
use crate::token_format::{BASE62, HEX, json_web_token};

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A client's id and its secret.
pub(super) fn client(provider: Provider) -> (String, String) {
    match provider {
        Provider::GitHub => (format!("Ov23li{}", random_text(BASE62, 14)), random_text(HEX, 40)),
        Provider::GitLab => (random_text(HEX, 64), format!("gloas-{}", random_text(HEX, 64))),
        Provider::BitbucketCloud => (random_text(BASE62, 18), random_text(BASE62, 32)),
        Provider::Gitea | Provider::Forgejo => {
            let groups = [8, 4, 4, 4, 12].map(|length| random_text(HEX, length));
            (groups.join("-"), format!("gto_{}", random_text(BASE32, 52)))
        }
        Provider::BitbucketDataCenter | Provider::Gerrit => (random_text(HEX, 32), random_text(HEX, 64)),
    }
}

/// A code.
pub(super) fn code(provider: Provider) -> String {
    match provider {
        Provider::GitHub => random_text(HEX, 20),
        Provider::BitbucketCloud => random_text(BASE62, 20),
        Provider::Gitea | Provider::Forgejo => format!("gta_{}", random_text(BASE32, 52)),
        Provider::GitLab | Provider::BitbucketDataCenter | Provider::Gerrit => random_text(HEX, 64),
    }
}

/// A refresh token beside an access token of this kind.
pub(super) fn refresh_token(rules: &Rules) -> String {
    match rules.kind {
        TokenKind::Oauth => format!("ghr_{}", random_text(BASE62, 76)),
        TokenKind::GiteaOauth | TokenKind::ForgejoOauth => json_web_token(),
        TokenKind::BitbucketOauth => random_text(BASE62, 40),
        _ => random_text(HEX, 64),
    }
}
