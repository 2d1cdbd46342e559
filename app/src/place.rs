//! Which page an address leads to, and what that page asks of the server.
//!
//! The routes are a plain function from path to page, not the router's own route components: with those, and a resource
//! for each page, the browser had to load 50 kB more (brotli). The router still does all that concerns the address.

use crate::load::Ask;

/// What an address leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Outside of any account.
    Door(DoorPage),
    /// In the account of this name.
    Account(String, AccountPage),
}

/// A page outside of any account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DoorPage {
    /// The start page.
    Home,
    SignIn,
    /// Set-up, with the code in the link.
    SetUp(String),
    /// An invitation, with the code in the link.
    Join(String),
}

/// A page of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountPage {
    /// The account's own address.
    Home,
    Tokens,
    Notifications,
    Expiring,
    Runtimes,
    GitAuthentication,
    AuditLog,
    Members,
    Settings,
    /// No page.
    Nothing,
}

impl Place {
    /// The place at a path. Every path leads somewhere: what is no address of ours is a page that is not there.
    pub(crate) fn at(path: &str) -> Self {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments.as_slice() {
            [] => Self::Door(DoorPage::Home),
            ["sign-in"] => Self::Door(DoorPage::SignIn),
            ["setup", code] => Self::Door(DoorPage::SetUp((*code).to_owned())),
            ["join", code] => Self::Door(DoorPage::Join((*code).to_owned())),
            [account, page @ ..] => Self::Account((*account).to_owned(), AccountPage::at(&page.join("/"))),
        }
    }

    /// What the frame around the page, the page itself and what is open over it ask of the server.
    pub(crate) fn asks(&self, query: &str) -> Vec<Ask> {
        let mut asks = match self {
            Self::Door(DoorPage::Home | DoorPage::SignIn) => vec![Ask::Door],
            Self::Door(DoorPage::SetUp(code)) => vec![Ask::SetUpLink(code.clone())],
            Self::Door(DoorPage::Join(code)) => vec![Ask::Invitation(code.clone())],
            Self::Account(account, page) => {
                let mut asks = vec![Ask::Frame(account.clone())];
                asks.extend(page.head().map(|(page, ..)| page_at(account, page, query)));
                asks
            }
        };
        asks.extend(self.sheet(query));
        asks
    }

    /// What asks for the sheet that a query opens over the page, if it opens one.
    pub(crate) fn sheet(&self, query: &str) -> Option<Ask> {
        let Self::Account(account, page) = self else {
            return None;
        };
        let (page, ..) = page.head()?;
        let pair = query.split('&').find(opens)?;
        Some(Ask::Sheet {
            account: account.clone(),
            page,
            query: pair.to_owned(),
        })
    }
}

/// The fields of a query that open a sheet, as in `?add=<id>`. All else in it is the page's own.
const OPENERS: [&str; 26] = [
    "add",
    "application",
    "calendar",
    "confirm",
    "delete",
    "delete-application",
    "edit",
    "edit-application",
    "event",
    "expiry",
    "invite",
    "keys",
    "leave",
    "method",
    "register",
    "remove",
    "replace",
    "revoke",
    "revoke-key",
    "role",
    "rotate",
    "scopes",
    "share",
    "snooze",
    "test",
    "token",
];
/// Before those that are about a runtime's own token.
pub(crate) const OF_RUNTIME: &str = "token-";

/// Whether a field of a query opens a sheet.
fn opens(pair: &&str) -> bool {
    let field = pair.split('=').next().unwrap_or_default();
    OPENERS.contains(&field.strip_prefix(OF_RUNTIME).unwrap_or(field))
}

/// A query without what opens a sheet: what is the page's own.
pub(crate) fn own_query(query: &str) -> String {
    let own = query.split('&').filter(|pair| !pair.is_empty() && !opens(pair));
    own.collect::<Vec<_>>().join("&")
}

/// The pages that show something: each with its path below the account's, its heading, and what is said below that.
const PAGES: [(AccountPage, &str, &str, &str); 8] = [
    (
        AccountPage::Tokens,
        "tokens",
        "Git Personal Access Tokens",
        "Authorize access to your Git provider accounts, once for each runtime that acts for you.",
    ),
    (
        AccountPage::Notifications,
        "notifications",
        "Notifications",
        "What ends soon or does not work, until you replace it, acknowledge it or put it off.",
    ),
    (
        AccountPage::Expiring,
        "admin/expiring",
        "Expiring tokens",
        "What stops working when, and for whom.",
    ),
    (
        AccountPage::Runtimes,
        "admin/runtimes",
        "Runtimes",
        "The GitOps installations that act with your people's Git tokens.",
    ),
    (
        AccountPage::GitAuthentication,
        "admin/git-authentication",
        "Git authentication",
        "The Git providers that your runtimes use, and against which tokens are checked.",
    ),
    (
        AccountPage::Members,
        "admin/members",
        "Members",
        "The people of this account, what they may do, and who is invited.",
    ),
    (
        AccountPage::AuditLog,
        "admin/audit",
        "Audit log",
        "Who did what in this account, from where, and what came of it. Nothing here can be changed.",
    ),
    (
        AccountPage::Settings,
        "admin/settings",
        "Settings",
        "When people hear of tokens that end or do not work, and how.",
    ),
];

impl AccountPage {
    /// The page at a path below the account's own.
    pub(crate) fn at(path: &str) -> Self {
        if path.is_empty() {
            return Self::Home;
        }
        let page = PAGES.iter().find(|(_, at, ..)| *at == path);
        page.map_or(Self::Nothing, |(page, ..)| *page)
    }

    /// Its path below the account's, its heading, and what is said below that, if it shows something.
    pub(crate) fn head(self) -> Option<(&'static str, &'static str, &'static str)> {
        let page = PAGES.iter().find(|(page, ..)| *page == self);
        page.map(|(_, path, title, lead)| (*path, *title, *lead))
    }
}

/// What asks for the page of an account at a path.
pub(crate) fn page_at(account: &str, page: &'static str, query: &str) -> Ask {
    Ask::Page {
        account: account.to_owned(),
        page,
        query: own_query(query),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_its_page() {
        let acme = |page| Place::Account("acme".to_owned(), page);
        for (path, place) in [
            ("/", Place::Door(DoorPage::Home)),
            ("/sign-in", Place::Door(DoorPage::SignIn)),
            ("/setup/abc", Place::Door(DoorPage::SetUp("abc".to_owned()))),
            ("/join/abc", Place::Door(DoorPage::Join("abc".to_owned()))),
            ("/acme", acme(AccountPage::Home)),
            ("/acme/tokens", acme(AccountPage::Tokens)),
            ("/acme/tokens/", acme(AccountPage::Tokens)),
            ("/acme/admin/runtimes", acme(AccountPage::Runtimes)),
            ("/acme/admin/git-authentication", acme(AccountPage::GitAuthentication)),
            ("/acme/admin/audit", acme(AccountPage::AuditLog)),
            ("/acme/admin/members", acme(AccountPage::Members)),
            ("/acme/admin", acme(AccountPage::Nothing)),
            ("/acme/tokens/more", acme(AccountPage::Nothing)),
        ] {
            assert_eq!(Place::at(path), place, "{path}");
        }
    }

    #[test]
    fn a_page_is_rendered_with_what_its_frame_and_itself_ask() {
        let asks = Place::at("/acme/admin/runtimes").asks("");
        let page = |query: &str| Ask::Page {
            account: "acme".to_owned(),
            page: "admin/runtimes",
            query: query.to_owned(),
        };
        assert_eq!(asks, [Ask::Frame("acme".to_owned()), page("")]);
        let asks = Place::at("/acme/admin/runtimes").asks("sort=end&edit=1&x=2");
        assert_eq!(asks[1], page("sort=end&x=2"));
        assert_eq!(
            Place::at("/acme/nonsense").asks("add=1"),
            [Ask::Frame("acme".to_owned())]
        );
        assert_eq!(
            Place::at("/setup/abc").asks("add=1"),
            [Ask::SetUpLink("abc".to_owned())]
        );
    }

    #[test]
    fn a_query_may_open_a_sheet() {
        let sheet = |query: &str| Place::at("/acme/tokens").sheet(query);
        let wanted = |query: &str| {
            Some(Ask::Sheet {
                account: "acme".to_owned(),
                page: "tokens",
                query: query.to_owned(),
            })
        };
        assert_eq!(sheet("add=1"), wanted("add=1"));
        assert_eq!(sheet("sort=end&delete=1&x=2"), wanted("delete=1"));
        assert_eq!(sheet("register"), wanted("register"));
        for other in ["", "sort=end", "added=1", "x=add=1", "=add"] {
            assert_eq!(sheet(other), None, "{other}");
        }
        assert_eq!(Place::at("/acme/tokens").asks("add=1").last(), wanted("add=1").as_ref());
    }
}
