//! Patchbay's words as types, and the rules that need nothing but their arguments.
//!
//! Compiled for the server and for the browser, so: no I/O, no clock, no randomness, no async. The words are those of the
//! design: account, user, member, Git provider, runtime, Git token, check, scope profile.

pub mod chance;
pub mod check;
pub mod doctor;
pub mod expiring;
pub mod field;
pub mod guide;
pub mod id;
pub mod notice;
pub mod oauth;
pub mod pace;
pub mod packed;
pub mod page;
pub mod profile;
pub mod provider;
pub mod refresh;
pub mod revocation;
pub mod role;
pub mod rotation;
pub mod schedule;
pub mod scope;
pub mod secret;
pub mod sheet;
pub mod status;
pub mod timestamp;
pub mod token_format;
pub mod view;

pub use chance::Chance;
pub use check::{CheckOutcome, Ends, Expiry, Findings, GitIdentity, Refusal, Setback};
pub use field::FieldErrors;
pub use id::{
    AccessKeyId, AccountId, CheckId, DataKeyId, GitProviderId, GitTokenId, InvitationId, NoticeChannelId, NoticeId,
    NoticeMessageId, OAuthApplicationId, RuntimeId, UserId,
};
pub use notice::NoticeKind;
pub use packed::Packed;
pub use profile::{HolderKind, ScopeProfile};
pub use provider::ProviderKind;
pub use refresh::RefreshNote;
pub use revocation::{Offers, Revocation};
pub use role::Role;
pub use rotation::{RotationNote, RotationRefusal};
pub use scope::{Scope, ScopeFinding};
pub use secret::SecretInput;
pub use status::TokenStatus;
pub use timestamp::Timestamp;
