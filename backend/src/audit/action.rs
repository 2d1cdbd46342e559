//! What can be done, by words that stay: they stand in the database, in exports, and in whatever reads those.

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is about to be asked of a provider, which cannot be undone; another event tells what came of it.
    Begun,
    /// It was done.
    Done,
    /// Somebody said no: Patchbay, or the provider.
    Refused,
    /// It did not work out, or that is not known.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Done, Self::Begun, Self::Refused, Self::Failed];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// The outcome of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// What an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Git tokens.
    Tokens,
    /// Runtimes.
    Runtimes,
    /// Git providers and what tokens need there.
    GitProviders,
    /// OAuth applications.
    OAuthApplications,
    /// Who belongs to the account.
    People,
    /// When people hear of what, and over which channels.
    Settings,
    /// Signing in and out.
    Sessions,
}

impl Group {
    /// Every group, in the order in which a page offers them.
    pub const ALL: [Self; 7] = [
        Self::Tokens,
        Self::Runtimes,
        Self::GitProviders,
        Self::OAuthApplications,
        Self::People,
        Self::Settings,
        Self::Sessions,
    ];

    /// Its word, as an address has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Runtimes => "runtimes",
            Self::GitProviders => "git-providers",
            Self::OAuthApplications => "oauth-applications",
            Self::People => "people",
            Self::Settings => "settings",
            Self::Sessions => "sessions",
        }
    }

    /// What a page calls it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Tokens => "Tokens",
            Self::Runtimes => "Runtimes",
            Self::GitProviders => "Git providers",
            Self::OAuthApplications => "OAuth applications",
            Self::People => "People",
            Self::Settings => "Settings",
            Self::Sessions => "Sign-in",
        }
    }

    /// The group of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == word)
    }

    /// The actions that belong to it.
    pub fn actions(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| action.group() == self)
    }
}

/// Of each action: its name here, its word, its group, its outcome unless something else is said, and what a page calls it.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $group:ident, $outcome:ident, $label:literal;)+) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])* $name,)+
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its word, as `token.stored`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// What it is about.
            #[must_use]
            pub const fn group(self) -> Group {
                match self {
                    $(Self::$name => Group::$group,)+
                }
            }

            /// What came of it, unless the event says otherwise.
            #[must_use]
            pub const fn outcome(self) -> Outcome {
                match self {
                    $(Self::$name => Outcome::$outcome,)+
                }
            }

            /// What a page calls it.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }
        }
    };
}

actions! {
    /// A token was stored where none was.
    TokenStored = "token.stored", Tokens, Done, "Token stored";
    /// A token was stored in place of another one.
    TokenReplaced = "token.replaced", Tokens, Done, "Token replaced";
    /// A stored token was stored for a further runtime.
    TokenShared = "token.shared", Tokens, Done, "Token used for another runtime";
    /// A token that was pasted was not taken.
    TokenRefused = "token.refused", Tokens, Refused, "Token not taken";
    /// Access was authorised at the provider, and a code is about to be exchanged for a token.
    TokenAuthorizing = "token.authorizing", Tokens, Begun, "Authorization used";
    /// The token of an authorisation was stored.
    TokenAuthorized = "token.authorized", Tokens, Done, "Access authorized";
    /// An authorisation brought no token.
    TokenNotAuthorized = "token.not_authorized", Tokens, Failed, "Access not authorized";
    /// A person said that a token with another identity is not meant.
    TokenDeclined = "token.declined", Tokens, Done, "Token declined";
    /// A person said when a token ends.
    TokenExpiryEntered = "token.expiry_entered", Tokens, Done, "Expiry entered";
    /// Somebody asked for tokens to be checked.
    CheckRequested = "token.check_requested", Tokens, Done, "Check requested";
    /// An admin made a secret link under which a calendar reads what ends when.
    CalendarLinkMade = "calendar_link.made", Tokens, Done, "Calendar link made";
    /// An admin removed that link.
    CalendarLinkRemoved = "calendar_link.removed", Tokens, Done, "Calendar link removed";
    /// An admin asked the holders of tokens to look after them.
    HoldersReminded = "token.reminded", Tokens, Done, "Holders reminded";
    /// A runtime was answered with its credentials.
    CredentialsFetched = "credentials.fetched", Tokens, Done, "Credentials fetched";
    /// An access key was handed a token that it was not handed before at this network address.
    TokenHandedOut = "token.handed_out", Tokens, Done, "Token handed out";
    /// A token was deleted.
    TokenDeleted = "token.deleted", Tokens, Done, "Token deleted";
    /// A provider is about to be asked to take a token back.
    TokenRevoking = "token.revoking", Tokens, Begun, "Token revocation begun";
    /// A provider took a token back.
    TokenRevoked = "token.revoked", Tokens, Done, "Token revoked";
    /// A provider did not take a token back, or that is not known.
    TokenNotRevoked = "token.not_revoked", Tokens, Failed, "Token not revoked";
    /// A provider is about to be asked for a new token in place of an old one.
    TokenRotating = "token.rotating", Tokens, Begun, "Token rotation begun";
    /// A token was changed for a new one.
    TokenRotated = "token.rotated", Tokens, Done, "Token rotated";
    /// A rotation brought no new token.
    TokenNotRotated = "token.not_rotated", Tokens, Failed, "Token not rotated";
    /// A token is refreshed no more.
    TokenRefreshFailed = "token.refresh_failed", Tokens, Failed, "Token refresh failed";
    /// A provider was asked to refresh a token, and its answer is not known.
    TokenInDoubt = "token.in_doubt", Tokens, Failed, "Token refresh interrupted";
    /// A runtime was registered.
    RuntimeRegistered = "runtime.registered", Runtimes, Done, "Runtime registered";
    /// A runtime was changed.
    RuntimeEdited = "runtime.edited", Runtimes, Done, "Runtime edited";
    /// It was chosen how people authorise access for a runtime.
    RuntimeMethodChosen = "runtime.method_chosen", Runtimes, Done, "Authentication method chosen";
    /// An access key was issued for a runtime.
    AccessKeyIssued = "access_key.issued", Runtimes, Done, "Access key issued";
    /// An access key was revoked.
    AccessKeyRevoked = "access_key.revoked", Runtimes, Done, "Access key revoked";
    /// A runtime was deleted with its tokens.
    RuntimeDeleted = "runtime.deleted", Runtimes, Done, "Runtime deleted";
    /// A Git provider was registered.
    GitProviderRegistered = "git_provider.registered", GitProviders, Done, "Git provider registered";
    /// A Git provider was changed.
    GitProviderEdited = "git_provider.edited", GitProviders, Done, "Git provider edited";
    /// Tokens whose permissions cannot be verified are taken from now on.
    UnverifiedAllowed = "git_provider.unverified_allowed", GitProviders, Done, "Unverified tokens allowed";
    /// Tokens whose permissions cannot be verified are refused from now on.
    UnverifiedRefused = "git_provider.unverified_refused", GitProviders, Done, "Unverified tokens refused";
    /// It was chosen which scopes tokens need.
    ScopeProfileEdited = "scope_profile.edited", GitProviders, Done, "Scope profile edited";
    /// A Git provider was deleted.
    GitProviderDeleted = "git_provider.deleted", GitProviders, Done, "Git provider deleted";
    /// An OAuth application was registered.
    OAuthApplicationRegistered = "oauth_application.registered", OAuthApplications, Done, "OAuth application registered";
    /// An OAuth application was changed.
    OAuthApplicationEdited = "oauth_application.edited", OAuthApplications, Done, "OAuth application edited";
    /// An OAuth application was tested.
    OAuthApplicationTested = "oauth_application.tested", OAuthApplications, Done, "OAuth application tested";
    /// A person asked the admins for an OAuth application.
    OAuthApplicationRequested = "oauth_application.requested", OAuthApplications, Done, "OAuth application requested";
    /// An OAuth application was deleted.
    OAuthApplicationDeleted = "oauth_application.deleted", OAuthApplications, Done, "OAuth application deleted";
    /// The account was made.
    AccountCreated = "account.created", People, Done, "Account created";
    /// A person was made a member from the command line.
    MemberCreated = "member.created", People, Done, "Member created";
    /// Somebody was invited to become a member.
    MemberInvited = "member.invited", People, Done, "Member invited";
    /// An invitation was revoked.
    InvitationRevoked = "invitation.revoked", People, Done, "Invitation revoked";
    /// Somebody became a member by an invitation.
    MemberJoined = "member.joined", People, Done, "Member joined";
    /// A member was made an admin, or an admin a member.
    MemberRoleChanged = "member.role_changed", People, Done, "Role changed";
    /// A member was removed.
    MemberRemoved = "member.removed", People, Done, "Member removed";
    /// A member left.
    MemberLeft = "member.left", People, Done, "Member left";
    /// It was chosen when people hear of what.
    NoticeTimesChosen = "notices.times_chosen", Settings, Done, "Notification times chosen";
    /// A channel for notifications was added or changed.
    NoticeChannelStored = "notice_channel.stored", Settings, Done, "Notification channel stored";
    /// A channel for notifications was deleted.
    NoticeChannelDeleted = "notice_channel.deleted", Settings, Done, "Notification channel deleted";
    /// Notifications that were given up are sent again.
    NoticesSentAgain = "notices.sent_again", Settings, Done, "Notifications sent again";
    /// A person knows of a notification, so that nobody else is told.
    NoticeAcknowledged = "notice.acknowledged", Settings, Done, "Notification acknowledged";
    /// A person put a notification off.
    NoticeSnoozed = "notice.snoozed", Settings, Done, "Notification put off";
    /// A person wants to hear nothing of a runtime.
    RuntimeMuted = "runtime.muted", Settings, Done, "Runtime muted";
    /// A person wants to hear of a runtime again.
    RuntimeUnmuted = "runtime.unmuted", Settings, Done, "Runtime unmuted";
    /// A person signed in.
    SignedIn = "session.signed_in", Sessions, Done, "Signed in";
    /// Somebody tried to sign in as a person, with a wrong password.
    SignInRefused = "session.sign_in_refused", Sessions, Refused, "Sign-in refused";
    /// A person signed out.
    SignedOut = "session.signed_out", Sessions, Done, "Signed out";
}

impl Action {
    /// The action of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_word_is_one_actions_own_and_leads_back_to_it() {
        let words: HashSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(words.len(), Action::ALL.len());
        for action in Action::ALL {
            assert_eq!(Action::from_word(action.as_str()), Some(*action));
        }
        assert!(
            Group::ALL
                .into_iter()
                .all(|group| Group::from_word(group.as_str()) == Some(group))
        );
        assert!(
            Outcome::ALL
                .into_iter()
                .all(|outcome| Outcome::from_word(outcome.as_str()) == Some(outcome))
        );
        assert!(Group::ALL.into_iter().all(|group| group.actions().next().is_some()));
    }
}
