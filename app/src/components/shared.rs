//! How many runtimes a token serves.

use domain::RuntimeId;
use leptos::prelude::*;

/// How many runtimes a token serves, if it is more than one; which, in the title and for screen readers.
pub(crate) fn shared_by(others: &[(RuntimeId, String)]) -> Option<impl IntoView + use<>> {
    let names: Vec<&str> = others.iter().map(|(_, name)| name.as_str()).collect();
    (!names.is_empty()).then(|| {
        let names = format!("also for {}", names.join(", "));
        view! {
            <span class="sub" title=names.clone()>
                {format!("shared by {} runtimes", others.len() + 1)}
                <span class="unseen">{format!(": {names}")}</span>
            </span>
        }
    })
}
