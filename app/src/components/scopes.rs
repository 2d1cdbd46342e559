//! Scopes as chips.

use domain::Scope;
use leptos::prelude::*;

/// The most scopes beyond the profile that are shown at once; more are folded away.
const EXCESS_SHOWN: usize = 3;
/// The class of those.
pub(crate) const EXCESS: &str = "chip excess";

/// The scopes of a token against the profile: class, words, and how each is known, which is in its title, and read to those who
/// do not see it.
#[component]
pub(crate) fn ScopeFindings(findings: Vec<(String, String, String)>) -> impl IntoView {
    if findings.is_empty() {
        return view! { <span class="sub">"none"</span> }.into_any();
    }
    let (mut shown, mut rest): (Vec<_>, Vec<_>) = findings.into_iter().partition(|(class, ..)| class != EXCESS);
    if rest.len() <= EXCESS_SHOWN {
        shown.append(&mut rest);
    }
    let rest = (!rest.is_empty()).then(|| {
        view! {
            <details class="more">
                <summary>{format!("{} not needed", rest.len())}</summary>
                {chips(rest)}
            </details>
        }
    });
    view! {
        {chips(shown)}
        {rest}
    }
    .into_any()
}

fn chips(findings: Vec<(String, String, String)>) -> impl IntoView {
    let chips = findings
        .into_iter()
        .map(|(class, words, story)| {
            let spoken = format!(" ({story})");
            view! {
                <li>
                    <span class=class title=story>
                        {words}
                        <span class="unseen">{spoken}</span>
                    </span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="chips" role="list">{chips}</ul> }
}

/// Scopes by name alone.
#[component]
pub(crate) fn ScopeNames(scopes: Vec<Scope>) -> impl IntoView {
    scopes
        .into_iter()
        .map(|scope| view! { <code class="chip">{scope.to_string()}</code> " " })
        .collect_view()
}
