//! What the pages of an account show, made of the views that the services return: one file for each list, and what stands
//! around them all.

pub(crate) mod audit;
pub(crate) mod expiring;
pub(crate) mod git_authentication;
mod members;
pub(crate) mod notices;
mod oauth;
pub(crate) mod runtimes;
mod settings;
pub(crate) mod tokens;

use super::{PageQuery, context};
use crate::{AppError, place::AccountPage};
use domain::{
    ProviderKind, Role, Scope, Timestamp,
    guide::plain,
    page::{Bit, Block, Cell, Frame, Head, Link},
    sheet::Action,
    status::{ShownStatus, TokenStatus, Tone},
    view::Viewer,
};

/// What the page of an account at a path shows for its query.
pub(crate) async fn page(account: &str, page: &str, query: &str) -> Result<Vec<Block>, AppError> {
    let (services, member) = context::member(account).await?;
    let lists = match AccountPage::at(page) {
        AccountPage::Tokens => {
            let admin = member.require_admin().is_ok();
            vec![tokens::list(&services.tokens.page(&member).await?, admin, account)]
        }
        AccountPage::Runtimes => {
            let page = services.runtimes.page(&member).await?;
            let waiting = services.check_soon.waiting(&member, None).await?;
            vec![runtimes::list(&page, waiting, account)]
        }
        AccountPage::GitAuthentication => {
            let page = services.git_providers.page(&member).await?;
            let oauth = services.oauth_applications.page(&member).await?;
            git_authentication::lists(&page, &oauth, account)
        }
        AccountPage::Members => members::lists(&services.members.page(&member).await?, account),
        AccountPage::Notifications => {
            let page = services.notices.page(&member).await?;
            let all = match member.require_admin() {
                Ok(()) => Some(services.notices.open(&member).await?),
                Err(_) => None,
            };
            notices::lists(&page, all.as_deref(), account)
        }
        AccountPage::Settings => settings::lists(&services.notices.settings(&member).await?, account),
        AccountPage::Expiring => {
            let query = PageQuery::read(query);
            let page = Box::pin(services.expiring.page(&member, &expiring::choice(&query))).await?;
            return Ok(expiring::blocks(&page, &query, account));
        }
        AccountPage::AuditLog => {
            let query = PageQuery::read(query);
            let before = query.get(audit::TURN).parse().ok();
            let page = services.audit.page(&member, &audit::choice(&query), before).await?;
            vec![audit::list(&page, &query, account)]
        }
        AccountPage::Home | AccountPage::Nothing => return Err(AppError::NotFound),
    };
    Ok(lists.into_iter().map(Block::from).collect())
}

/// What stands around the pages of an account.
pub(crate) fn frame(viewer: &Viewer) -> Frame {
    let account = &viewer.account;
    let link = |path: &str, icon: &str, label: &str| Link {
        to: format!("/{account}/{path}"),
        icon: icon.to_owned(),
        label: label.to_owned(),
        ..Link::default()
    };
    let tokens = Link {
        count: counted(viewer.attention),
        ..link("tokens", "key", "Git tokens")
    };
    let notifications = Link {
        count: match viewer.notices {
            1000.. => "999+".to_owned(),
            count => counted(count),
        },
        ..link("notifications", "bell", "Notifications")
    };
    let mut groups = vec![(String::new(), vec![tokens, notifications])];
    if viewer.role == Role::Admin {
        groups.push((
            viewer.account_name.clone(),
            vec![
                link("admin/expiring", "chart", "Expiring tokens"),
                link("admin/runtimes", "cpu", "Runtimes"),
                Link {
                    count: counted(viewer.requests),
                    ..link("admin/git-authentication", "lock", "Git authentication")
                },
                link("admin/members", "users", "Members"),
                link("admin/audit", "history", "Audit log"),
                link("admin/settings", "settings", "Settings"),
            ],
        ));
    }
    let names = viewer.name.split_whitespace();
    Frame {
        groups,
        initials: names.filter_map(|name| name.chars().next()).take(2).collect(),
        name: viewer.name.clone(),
        part: format!("{} · {}", viewer.account_name, viewer.role.as_str()),
        accounts: accounts(viewer),
    }
}

/// The ways to the person's accounts, and out of the present one.
fn accounts(viewer: &Viewer) -> Vec<Link> {
    let way = |(slug, name): &(String, String)| Link {
        to: format!("/{slug}/tokens"),
        icon: if *slug == viewer.account { "check" } else { "" }.to_owned(),
        label: name.clone(),
        ..Link::default()
    };
    let out = Link {
        to: format!("/{}/tokens?leave=", viewer.account),
        label: format!("Leave {}", viewer.account_name),
        ..Link::default()
    };
    viewer.accounts.iter().map(way).chain([out]).collect()
}

/// How many there are, if there are any.
fn counted(count: u64) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}

/// The button that registers a new thing of the list at an address.
fn register(list: &str, label: &str) -> Action {
    Action {
        id: "register".to_owned(),
        to: format!("{list}?register="),
        icon: "plus".to_owned(),
        label: label.to_owned(),
        primary: true,
        ..Action::default()
    }
}

/// Columns that the list cannot be sorted by.
fn columns(heads: &[&str]) -> Vec<Head> {
    let head = |label: &&str| Head {
        label: (*label).to_owned(),
        ..Head::default()
    };
    heads.iter().map(head).collect()
}

fn cell(class: &str, bits: Vec<Bit>) -> Cell {
    Cell {
        class: class.to_owned(),
        bits,
    }
}

fn group(class: &str, bits: Vec<Bit>) -> Bit {
    Bit::Group(class.to_owned(), String::new(), bits)
}

/// Bits one below the other.
fn stack(bits: Vec<Bit>) -> Bit {
    group("stack", bits)
}

/// Text without markup.
pub(crate) fn text(text: &str) -> Bit {
    Bit::Words(plain(text))
}

/// Text of less importance.
fn sub(said: &str) -> Bit {
    group("sub", vec![text(said)])
}

/// The same, if there is any.
fn remark(said: &str) -> Option<Bit> {
    (!said.is_empty()).then(|| sub(said))
}

/// Text for screen readers alone.
fn unseen(said: &str) -> Bit {
    group("unseen", vec![text(said)])
}

/// The name of a row's thing.
fn name(said: &str) -> Bit {
    group("name", vec![text(said)])
}

fn icon(class: &str, name: &str) -> Bit {
    Bit::Icon(class.to_owned(), name.to_owned())
}

/// A Git provider's mark, and text.
fn mark(kind: ProviderKind, said: &str) -> Bit {
    group("provider", vec![icon("mark", kind.as_str()), text(said)])
}

/// How far away a moment is; the moment itself is in the title.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Bit {
    Bit::Time(at.rfc3339(), at.date_time(), at.relative_to(now))
}

/// A date, and how far away it is as seen from the moment of the page.
pub(crate) fn when(at: Timestamp, now: Timestamp) -> [Bit; 2] {
    [
        Bit::Time(at.rfc3339(), at.date_time(), at.date()),
        sub(&at.relative_to(now)),
    ]
}

/// The badge of a status: colour, icon and words.
pub(crate) fn badge(status: ShownStatus) -> Bit {
    let tone = match status.tone() {
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Idle => "idle",
    };
    let mark = match status {
        ShownStatus::Checked(TokenStatus::Valid) => "ok",
        ShownStatus::Checked(TokenStatus::Unverified | TokenStatus::InDoubt) => "help",
        ShownStatus::Checked(TokenStatus::ExcessScopes) => "alert",
        ShownStatus::Checked(TokenStatus::MissingScopes | TokenStatus::Invalid | TokenStatus::Expired) => "bad",
        ShownStatus::Checked(TokenStatus::SsoRequired) => "lock",
        ShownStatus::ExpiresSoon => "clock",
        ShownStatus::NotAuthorized => "dash",
    };
    group(
        &format!("status {tone}"),
        vec![icon("icon", mark), text(status.words())],
    )
}

/// A link that opens in a new tab, as markup.
fn link_out(address: &str, words: &str) -> String {
    format!("|@{} {words}|", plain(address))
}

/// Scopes by name alone, as markup.
pub(super) fn scope_names(scopes: &[Scope]) -> String {
    scopes
        .iter()
        .flat_map(|scope| ["|$".to_owned(), plain(scope.as_str()), "| ".to_owned()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        GitProviderId,
        guide::{Piece, pieces, shown},
        view::{ProviderLabel, ProviderView, ProvidersPage},
    };

    /// All words in some bits.
    fn words(bits: &[Bit]) -> Vec<&str> {
        bits.iter()
            .flat_map(|bit| match bit {
                Bit::Words(text) => vec![text.as_str()],
                Bit::Group(_, _, bits) | Bit::Chips(bits) | Bit::Folded(_, bits) => words(bits),
                Bit::Time(..) | Bit::Code(..) | Bit::Icon(..) | Bit::Link(..) | Bit::Address(..) => Vec::new(),
            })
            .collect()
    }

    #[test]
    fn a_name_is_no_markup() {
        let name = "|@javascript:alert(1) click|";
        let now = Timestamp::from_millis(0);
        let page = ProvidersPage {
            now,
            providers: vec![ProviderView {
                id: GitProviderId(uuid::Uuid::from_u128(1)),
                label: ProviderLabel {
                    kind: ProviderKind::GitLab,
                    name: name.to_owned(),
                    base_url: "https://gitlab.com".to_owned(),
                    host: "gitlab.com".to_owned(),
                },
                api_url: "https://gitlab.com/api/v4".to_owned(),
                api_url_given: false,
                allow_unverified: true,
                runtimes: vec![name.to_owned()],
                created_at: now,
            }],
        };
        let list = git_authentication::list(&page, "acme");
        let row = &list.rows[0];
        let cells = [&row.head].into_iter().chain(&row.cells);
        let words: Vec<&str> = cells.flat_map(|cell| words(&cell.bits)).collect();
        assert_eq!(words.iter().filter(|words| shown(words) == name).count(), 2);
        for words in words {
            assert_eq!(pieces(words).collect::<Vec<_>>(), [Piece::Text(words)]);
        }
    }

    #[test]
    fn a_scope_is_a_scope_whatever_its_name() {
        let names = scope_names(&["repo", "a|*b"].map(Scope::new));
        let names: Vec<String> = pieces(&names)
            .filter_map(|piece| match piece {
                Piece::Scope(name) => Some(shown(name)),
                _ => None,
            })
            .collect();
        assert_eq!(names, ["repo", "a|*b"]);
    }
}
