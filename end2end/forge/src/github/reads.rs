//! What may be read within a repository, and what each read asks of a token.
//!
//! From "Permissions required for fine-grained personal access tokens" and the reference of each endpoint, both at
//! <https://docs.github.com/rest>.

use serde_json::{Value, json};

use super::answer::Needs;
use crate::state::HEAD;

/// One read within a repository.
#[derive(Debug)]
pub(crate) struct Read {
    /// What its headers say that it needs.
    pub(crate) needs: Needs,
    /// The fine-grained permission of which it needs `read`.
    pub(crate) permission: &'static str,
    /// Whether a public repository shows it to everybody.
    pub(crate) open_when_public: bool,
    /// Its page in the reference, which refusals name.
    pub(crate) documentation: &'static str,
    /// What there is; nothing is a 404 once the permission is there.
    pub(crate) body: Option<Value>,
}

impl Read {
    fn contents(documentation: &'static str, body: Option<Value>) -> Self {
        let needs = Needs {
            scopes: &["repo"],
            permissions: "contents=read",
        };
        Self {
            needs,
            permission: "contents",
            open_when_public: true,
            documentation,
            body,
        }
    }

    fn pull_requests(documentation: &'static str, body: Value) -> Self {
        let needs = Needs {
            scopes: &["repo"],
            permissions: "pull_requests=read",
        };
        Self {
            needs,
            permission: "pull_requests",
            open_when_public: true,
            documentation,
            body: Some(body),
        }
    }

    fn statuses(documentation: &'static str, body: Value) -> Self {
        let needs = Needs {
            scopes: &["repo", "repo:status"],
            permissions: "statuses=read",
        };
        Self {
            needs,
            permission: "statuses",
            open_when_public: true,
            documentation,
            body: Some(body),
        }
    }

    fn webhooks(documentation: &'static str, body: Value) -> Self {
        let scopes = &[
            "admin:repo_hook",
            "public_repo",
            "read:repo_hook",
            "repo",
            "write:repo_hook",
        ];
        let needs = Needs {
            scopes,
            permissions: "repository_hooks=read",
        };
        Self {
            needs,
            permission: "repository_hooks",
            open_when_public: false,
            documentation,
            body: Some(body),
        }
    }

    fn administration(documentation: &'static str, body: Value) -> Self {
        let needs = Needs {
            scopes: &["repo"],
            permissions: "administration=read",
        };
        Self {
            needs,
            permission: "administration",
            open_when_public: false,
            documentation,
            body: Some(body),
        }
    }
}

/// The read at `rest` below the repository at `place`, its URL in the API.
pub(crate) fn find(rest: &str, place: &str) -> Option<Read> {
    let segments: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    let read = match segments.as_slice() {
        ["contents", path @ ..] => {
            let documentation = "https://docs.github.com/rest/repos/contents#get-repository-content";
            Read::contents(documentation, contents(path, place))
        }
        ["branches", name @ ..] => {
            let documentation = "https://docs.github.com/rest/branches/branches#list-branches";
            let body = match name {
                [] => Some(json!([branch(place)])),
                ["main"] => Some(branch(place)),
                _ => None,
            };
            Read::contents(documentation, body)
        }
        ["git", "ref", name @ ..] => {
            let documentation = "https://docs.github.com/rest/git/refs#get-a-reference";
            Read::contents(documentation, (name == ["heads", "main"]).then(|| reference(place)))
        }
        ["git", "matching-refs", name @ ..] => {
            let documentation = "https://docs.github.com/rest/git/refs#list-matching-references";
            let matches = "heads/main".starts_with(&name.join("/"));
            Read::contents(
                documentation,
                Some(if matches { json!([reference(place)]) } else { json!([]) }),
            )
        }
        ["commits"] => Read::contents(
            "https://docs.github.com/rest/commits/commits#list-commits",
            Some(commits(place)),
        ),
        ["pulls"] => Read::pull_requests("https://docs.github.com/rest/pulls/pulls#list-pull-requests", json!([])),
        ["commits", _, "status"] => {
            let body = json!({ "state": "pending", "statuses": [], "sha": HEAD, "total_count": 0 });
            Read::statuses("https://docs.github.com/rest/commits/statuses", body)
        }
        ["commits", _, "statuses"] | ["statuses", _] => {
            Read::statuses("https://docs.github.com/rest/commits/statuses", json!([]))
        }
        ["hooks"] => Read::webhooks(
            "https://docs.github.com/rest/repos/webhooks#list-repository-webhooks",
            json!([]),
        ),
        ["keys"] => Read::administration(
            "https://docs.github.com/rest/deploy-keys/deploy-keys#list-deploy-keys",
            json!([]),
        ),
        ["autolinks"] => Read::administration("https://docs.github.com/rest/repos/autolinks", json!([])),
        ["teams"] => Read::administration(
            "https://docs.github.com/rest/repos/repos#list-repository-teams",
            json!([]),
        ),
        ["actions", "permissions"] => {
            let body = json!({ "enabled": true, "allowed_actions": "all" });
            Read::administration("https://docs.github.com/rest/actions/permissions", body)
        }
        _ => return None,
    };
    Some(read)
}

fn branch(place: &str) -> Value {
    json!({ "name": "main", "commit": { "sha": HEAD, "url": format!("{place}/commits/{HEAD}") }, "protected": false })
}

fn reference(place: &str) -> Value {
    json!({
        "ref": "refs/heads/main",
        "url": format!("{place}/git/refs/heads/main"),
        "object": { "type": "commit", "sha": HEAD, "url": format!("{place}/git/commits/{HEAD}") },
    })
}

fn commits(place: &str) -> Value {
    json!([{ "sha": HEAD, "url": format!("{place}/commits/{HEAD}"), "commit": { "message": "Start" }, "parents": [] }])
}

/// A repository holds one file: a list of it at the root, and itself.
fn contents(path: &[&str], place: &str) -> Option<Value> {
    let mut file = json!({
        "type": "file",
        "name": "README.md",
        "path": "README.md",
        "sha": "3d21ec53a331a6f037a91c368710b99387d012c1",
        "size": 8,
        "url": format!("{place}/contents/README.md"),
    });
    match path {
        [] => Some(json!([file])),
        ["README.md"] => {
            file["encoding"] = json!("base64");
            file["content"] = json!("IyBmb3JnZQo=\n");
            Some(file)
        }
        _ => None,
    }
}
