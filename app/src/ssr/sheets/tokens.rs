//! What opens over a list of tokens, and what can be done with a token: the person's own on *Git Personal Access Tokens*, a
//! runtime's on *Runtimes*.

use super::{Wanted, authorize};
use crate::{
    AppError,
    calls::tokens::{CheckToken, DeleteToken, EnterExpiry, PutToken, RotateToken, ShareToken},
    place::OF_RUNTIME,
};
use backend::{
    Services,
    access::Member,
    tokens::{At, TokenError},
};
use domain::{
    Expiry, HolderKind, RuntimeId,
    guide::plain,
    sheet::{Action, Field, Pairs, Part, Sheet},
    view::{Method, ShareTarget, TokenRow, TokenView},
};
use leptos::server_fn::ServerFn as _;

/// The form for a token.
pub(crate) const TOKEN_FORM: &str = "token";
/// The form that deletes one.
pub(crate) const DELETE_FORM: &str = "delete-token";
/// The form that authorises further runtimes with one.
pub(crate) const SHARE_FORM: &str = "share-token";
/// The form for when one ends.
pub(crate) const EXPIRY_FORM: &str = "token-expiry";

/// The form that rotates one.
pub(crate) const ROTATE_FORM: &str = "rotate-token";

/// Where tokens of a kind of holder are listed.
pub(crate) fn page_of(account: &str, holder: HolderKind) -> String {
    match holder {
        HolderKind::User => format!("/{account}/tokens"),
        HolderKind::Runtime => format!("/{account}/admin/runtimes"),
    }
}

/// The address that opens a sheet about a token.
fn address(account: &str, holder: HolderKind, what: &str, id: impl std::fmt::Display) -> String {
    let before = match holder {
        HolderKind::User => "",
        HolderKind::Runtime => OF_RUNTIME,
    };
    format!("{}?{before}{what}={id}", page_of(account, holder))
}

/// Where one goes after a token is stored: to the further runtimes that it may serve, if there are any without it that have
/// none, or that had the one it replaces (`followers`).
pub(crate) fn after_put(account: &str, at: At, followers: &[(RuntimeId, String)], targets: &[ShareTarget]) -> String {
    let free = targets.iter().any(|target| !target.shares && target.hint.is_none());
    let followers: Vec<String> = followers
        .iter()
        .filter(|(id, _)| targets.iter().any(|target| target.runtime == *id && !target.shares))
        .map(|(id, _)| id.to_string())
        .collect();
    if !free && followers.is_empty() {
        return page_of(account, at.holder);
    }
    let ids = [vec![at.runtime.to_string()], followers].concat();
    address(account, at.holder, "share", ids.join(","))
}

/// Which token actions and sheets are about.
pub(crate) struct About<'a> {
    pub(crate) account: &'a str,
    pub(crate) holder: HolderKind,
    pub(crate) runtime: RuntimeId,
    /// The runtime's name.
    pub(crate) name: &'a str,
}

impl About<'_> {
    /// The fields that say what a form is about.
    fn fields(&self) -> Pairs {
        vec![
            ("runtime".to_owned(), self.runtime.to_string()),
            ("holder".to_owned(), self.holder.as_str().to_owned()),
            ("account".to_owned(), self.account.to_owned()),
        ]
    }

    /// A control's id.
    fn control(&self, what: &str) -> String {
        match self.holder {
            HolderKind::User => format!("{what}-{}", self.runtime),
            HolderKind::Runtime => format!("{OF_RUNTIME}{what}-{}", self.runtime),
        }
    }

    /// What a token here is called.
    fn token(&self) -> String {
        match self.holder {
            HolderKind::User => format!("token for {}", self.name),
            HolderKind::Runtime => format!("runtime token of {}", self.name),
        }
    }
}

/// What can be done with a token, or where there is none.
pub(crate) fn actions(about: &About, token: Option<&TokenView>, shareable: bool) -> Vec<Action> {
    let link = |what: &str, label: &str, of: String| Action {
        id: about.control(what),
        label: label.to_owned(),
        about: of,
        to: address(about.account, about.holder, what, about.runtime),
        ..Action::default()
    };
    let Some(token) = token else {
        let add = match about.holder {
            HolderKind::User => Action {
                primary: true,
                ..link("add", "Add token", format!("for {}", about.name))
            },
            HolderKind::Runtime => link("add", "Set runtime token", format!("for {}", about.name)),
        };
        return vec![add];
    };
    let mut actions = vec![
        match about.holder {
            HolderKind::User => link("replace", "Replace", about.token()),
            HolderKind::Runtime => link("replace", "Replace runtime token", format!("of {}", about.name)),
        },
        Action {
            id: about.control("check"),
            label: "Check now".to_owned(),
            about: match about.holder {
                HolderKind::User => about.name.to_owned(),
                HolderKind::Runtime => about.token(),
            },
            icon: "refresh".to_owned(),
            to: CheckToken::url().to_owned(),
            post: Some(("Checking…".to_owned(), about.fields())),
            ..Action::default()
        },
    ];
    if token.offers.rotation {
        actions.push(link("rotate", "Rotate", about.token()));
    }
    if shareable && !token.oauth {
        actions.push(link("share", "Use for more runtimes", about.token()));
    }
    if !token.oauth && (token.expiry == Expiry::Unknown || !token.entered.is_empty()) {
        actions.push(link("expiry", "Set expiry", about.token()));
    }
    actions.push(Action {
        icon: "trash".to_owned(),
        ..match about.holder {
            HolderKind::User => link("delete", "Delete", about.token()),
            HolderKind::Runtime => link("delete", "Delete runtime token", format!("of {}", about.name)),
        }
    });
    actions
}

pub(super) async fn sheet(
    services: &Services,
    member: &Member,
    holder: HolderKind,
    wanted: Wanted<'_>,
    account: &str,
) -> Result<Option<Sheet>, AppError> {
    let mut ids = wanted.id.split(',');
    let Some(Ok(runtime)) = ids.next().map(str::parse::<RuntimeId>) else {
        return Ok(None);
    };
    let at = At { runtime, holder };
    let row = match services.tokens.row(member, at).await {
        Ok(row) => row,
        Err(TokenError::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let about = About {
        account,
        holder,
        runtime,
        name: &row.runtime_name,
    };
    Ok(match (wanted.what, &row.token) {
        ("add" | "replace", _) => Some(put(&about, &row)),
        ("delete", Some(_)) => Some(delete(&about, &row)),
        ("rotate", Some(token)) if token.offers.rotation => Some(rotate(&about, &row, token)),
        ("expiry", Some(token)) => Some(expiry(&about, &row, token)),
        ("share", Some(token)) => {
            let targets = services.tokens.share_targets(member, at).await?;
            let ticked: Vec<&str> = ids.collect();
            Some(share(&about, &row, token, &targets, &ticked))
        }
        _ => None,
    })
}

/// The panel where one ticks further runtimes for a token.
fn share(about: &About, row: &TokenRow, token: &TokenView, targets: &[ShareTarget], ticked: &[&str]) -> Sheet {
    let boxes: Vec<Field> = targets
        .iter()
        .map(|target| Field {
            value: target.runtime.to_string(),
            hint: match &target.hint {
                _ if target.shares => "Uses this token already.".to_owned(),
                Some(hint) => format!("Has {} now, which this replaces.", plain(hint)),
                None => "Has no token yet.".to_owned(),
            },
            checked: target.shares || ticked.contains(&target.runtime.to_string().as_str()),
            disabled: target.shares,
            ..Field::new("targets[]", &target.name)
        })
        .collect();
    let nothing_left = targets.iter().all(|target| target.shares);
    let text = match about.holder {
        HolderKind::User => "may act for you in further runtimes of the same Git provider",
        HolderKind::Runtime => "may be the runtime token of further runtimes of the same Git provider",
    };
    Sheet {
        title: format!("Use the {} for more runtimes?", about.token()),
        below: Some(below(row)),
        action: ShareToken::url().to_owned(),
        form: SHARE_FORM.to_owned(),
        hidden: about.fields(),
        opener: format!(
            "{} {} {}",
            about.control("share"),
            about.control("replace"),
            about.control("add")
        ),
        submit: (!nothing_left).then(|| {
            (
                "Authorize ticked runtimes".to_owned(),
                format!("Checking with {}…", row.provider.kind.name()),
            )
        }),
        parts: vec![
            Part::Problem(None),
            Part::Text(format!(
                "The token {} of {} {text}. It is checked, stored and listed for each on its own.",
                plain(&token.hint),
                plain(&token.identity.login)
            )),
            if boxes.is_empty() {
                Part::Sub("No other runtime uses this Git provider.".to_owned())
            } else {
                Part::Checks("Runtimes".to_owned(), boxes)
            },
        ],
        ..Sheet::default()
    }
}

/// The panel for when a token ends.
fn expiry(about: &About, row: &TokenRow, token: &TokenView) -> Sheet {
    Sheet {
        title: format!("Set the expiry of the {}", about.token()),
        below: Some(below(row)),
        action: EnterExpiry::url().to_owned(),
        form: EXPIRY_FORM.to_owned(),
        hidden: about.fields(),
        opener: format!("{} {}", about.control("expiry"), about.control("replace")),
        submit: Some(("Save".to_owned(), "Saving…".to_owned())),
        parts: vec![
            Part::Problem(None),
            Part::Text(format!(
                "Enter the date that you chose at {}, and you are warned before it. Where {0} tells one itself, that counts.",
                row.provider.kind.name()
            )),
            Part::Field(Field {
                value: token.entered.clone(),
                autofocus: true,
                ..ends_on()
            }),
        ],
        ..Sheet::default()
    }
}

/// The panel that asks before a token is changed for a new one.
fn rotate(about: &About, row: &TokenRow, token: &TokenView) -> Sheet {
    let provider = row.provider.kind.name();
    let mut parts = vec![
        Part::Problem(None),
        Part::Text(format!(
            "{provider} makes a new token with the same scopes and switches {} off at once. Patchbay stores the new one.",
            plain(&token.hint)
        )),
    ];
    if !token.shared.is_empty() {
        parts.push(Part::Text(format!(
            "The new one is stored for {} as well.",
            plain(&names(&token.shared))
        )));
    }
    parts.push(Part::Notice(
        "warn".to_owned(),
        "Whatever else uses this token stops working: a copy on your computer, or another tool.".to_owned(),
    ));
    Sheet {
        title: format!("Rotate the {}?", about.token()),
        below: Some(below(row)),
        action: RotateToken::url().to_owned(),
        form: ROTATE_FORM.to_owned(),
        hidden: about.fields(),
        opener: format!("{} {}", about.control("rotate"), about.control("replace")),
        submit: Some(("Rotate token".to_owned(), format!("Rotating at {provider}…"))),
        parts,
        ..Sheet::default()
    }
}

/// The field for the date on which a token ends.
fn ends_on() -> Field {
    Field {
        kind: "date".to_owned(),
        optional: true,
        hint: "The token counts as ended from the start of this day (UTC). Empty: not known.".to_owned(),
        ..Field::new("ends_on", "Expires on")
    }
}

/// The panel that takes a token: authorisation, the field, and the steps to generate one.
fn put(about: &About, row: &TokenRow) -> Sheet {
    let (name, kind) = (about.name, row.provider.kind);
    let base_url = &row.provider.base_url;
    let (title, label) = match (about.holder, row.token.is_some()) {
        (HolderKind::User, false) => (format!("Add token for {name}"), "Add token"),
        (HolderKind::User, true) => (format!("Replace token for {name}"), "Replace"),
        (HolderKind::Runtime, false) => (format!("Set runtime token of {name}"), "Set runtime token"),
        (HolderKind::Runtime, true) => (format!("Replace runtime token of {name}"), "Replace"),
    };
    let opener = format!("{} {}", about.control("replace"), about.control("add"));
    let guide = kind.guide(base_url, &row.required);
    let generate_url = kind.generate_url(base_url, name, &row.required);
    let filled_in = if guide.filled_in { ", filled in" } else { "" };
    let generate = (format!("Generate one{filled_in}"), generate_url.clone());
    let open = (format!("Open {}{filled_in}", kind.name()), generate_url);
    let token = Field {
        kind: "password".to_owned(),
        hint: format!(
            "Checked with {} before it is stored. Nobody can read it back, you included.",
            kind.name()
        ),
        placeholder: kind.placeholder().to_owned(),
        mono: true,
        autofocus: !matches!(row.method, Method::Application(_)) || about.holder == HolderKind::Runtime,
        ..Field::new("token", "Personal access token")
    };
    let stored = row.token.as_ref().and_then(|token| token.username.clone());
    let username = kind.username_field().map(|field| Field {
        value: stored.unwrap_or_default(),
        hint: field.hint.to_owned(),
        optional: !field.is_required(),
        ..Field::new("username", field.label)
    });
    let ends_on = (!kind.tells_expiry()).then(|| Part::Field(ends_on()));
    let advanced = [Part::Problem(Some(generate)), Part::Token(token, kind)]
        .into_iter()
        .chain(username.map(Part::Field))
        .chain(ends_on)
        .chain([Part::Steps("Generate one".to_owned(), open, guide.steps, guide.remark)]);
    let (lead, authorize) = match about.holder {
        HolderKind::User => authorize::lead(about.account, row),
        HolderKind::Runtime => (Vec::new(), None),
    };
    let authorizes = matches!(row.method, Method::Application(_));
    let parts = match about.holder {
        HolderKind::User if matches!(row.method, Method::NotOffered | Method::TokensOnly) => advanced.collect(),
        HolderKind::User => vec![Part::Details(
            "Advanced authorization options".to_owned(),
            !authorizes,
            advanced.collect(),
        )],
        HolderKind::Runtime => [Part::Text(format!(
            "{} uses this token for what it does on its own, for nobody in particular. Generate it with a service account at {}, \
             so that it does not end when a person leaves.",
            plain(name),
            kind.name(),
        ))]
        .into_iter()
        .chain(advanced)
        .collect(),
    };
    Sheet {
        title,
        below: Some(below(row)),
        action: PutToken::url().to_owned(),
        form: TOKEN_FORM.to_owned(),
        hidden: about.fields(),
        opener,
        submit: Some((label.to_owned(), format!("Checking with {}…", kind.name()))),
        lead: (lead, authorize),
        parts,
        ..Sheet::default()
    }
}

/// The dialog that asks before a token is deleted.
fn delete(about: &About, row: &TokenRow) -> Sheet {
    let (name, kind) = (plain(about.name), row.provider.kind);
    let tokens_page = kind.guide(&row.provider.base_url, &[]).tokens_page;
    let (title, consequence) = match about.holder {
        HolderKind::User => (
            format!("Delete the token for {}?", about.name),
            format!("{name} can no longer act for you. The runtime itself and the tokens of others are not affected."),
        ),
        HolderKind::Runtime => (
            format!("Delete the runtime token of {}?", about.name),
            format!("{name} can no longer do anything on its own. The tokens of people are not affected."),
        ),
    };
    let shared = row.token.as_ref().map(|token| names(&token.shared)).unwrap_or_default();
    let mut parts = vec![Part::Problem(None), Part::Text(consequence)];
    if !shared.is_empty() {
        parts.push(Part::Sub(format!("The same token goes on serving {}.", plain(&shared))));
    }
    let authorized = row.token.as_ref().is_some_and(|token| token.oauth);
    let tokens_page = match kind.authorization_server() {
        Some(server) if authorized => server.authorizations_url(&row.provider.base_url),
        _ => tokens_page,
    };
    let revokes = row.token.as_ref().is_some_and(|token| token.offers.revocation);
    if revokes && !authorized {
        parts.push(Part::Checks(
            String::new(),
            vec![Field {
                value: "on".to_owned(),
                hint: if shared.is_empty() {
                    String::new()
                } else {
                    format!("Then {} can no longer use it either.", plain(&shared))
                },
                ..Field::new("revoke", &format!("Also revoke it at {}", kind.name()))
            }],
        ));
    }
    parts.push(Part::Text(if revokes && authorized {
        format!("It is also revoked at {}, this token alone.", kind.name())
    } else {
        format!(
            "The token itself stays valid at {}{}: |@{} revoke it there|.",
            kind.name(),
            if revokes { " otherwise" } else { "" },
            plain(&tokens_page)
        )
    }));
    Sheet {
        deletion: true,
        title,
        action: DeleteToken::url().to_owned(),
        form: DELETE_FORM.to_owned(),
        hidden: about.fields(),
        opener: format!("{} {}", about.control("delete"), about.control("add")),
        submit: Some(("Delete token".to_owned(), "Deleting…".to_owned())),
        parts,
        ..Sheet::default()
    }
}

/// The Git provider that a sheet is about.
pub(super) fn below(row: &TokenRow) -> (String, String) {
    (
        row.provider.kind.as_str().to_owned(),
        format!("{} · {}", row.provider.name, row.provider.host),
    )
}

/// Runtimes by name, as in "dev, prod and stage".
fn names(runtimes: &[(RuntimeId, String)]) -> String {
    let names: Vec<&str> = runtimes.iter().map(|(_, name)| name.as_str()).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}
