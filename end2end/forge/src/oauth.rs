//! OAuth 2 at every provider but Gerrit: applications are registered, people consent, and applications get tokens.
//!
//! What all have in common is here: what is remembered (`store`), the page that asks for consent (`authorize`), what a code
//! and a refresh token are worth (`redeem`), and who may ask for that (`token`). How the providers differ is data ([`Rules`]);
//! their words, and the addresses at which tokens are got and revoked, stand in the module of each.
//!
//! Where a provider is known to be lax, the forge may be strict: a test is to fail before a provider gets stricter. So it
//! takes no `plain` challenge, no verifier that no challenge asked for, and ends the whole grant when a refresh token
//! that was used up comes again (RFC 9700, sections 2.1.1 and 4.14.2).

mod authorize;
mod format;
mod model;
mod redeem;
mod rules;
mod store;
mod token;

pub(crate) use authorize::{approve, deny, router};
pub use model::{
    ApplicationId, GrantId, GrantSummary, IssuedGrant, NewOAuthApplication, NotApproved, NotGranted, OAuthApplication,
    OAuthApplicationChange, RefreshCall, RefreshOutcome, UnknownOAuth,
};
pub(crate) use rules::{ClientProof, Rules, Scopes};
pub(crate) use store::OAuth;
pub(crate) use token::{Refusal, client, redeem};
