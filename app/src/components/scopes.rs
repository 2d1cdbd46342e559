//! Scopes as chips.

use domain::{
    Scope, ScopeFinding,
    scope::{Evidence, Standing},
};
use leptos::prelude::*;

/// The most scopes beyond the profile that are shown at once; more are folded away.
const EXCESS_SHOWN: usize = 3;

/// The scopes of a token against the profile. How each is known is in its title, and read to those who do not see it.
#[component]
pub(crate) fn ScopeFindings(findings: Vec<ScopeFinding>) -> impl IntoView {
    if findings.is_empty() {
        return view! { <span class="sub">"none"</span> }.into_any();
    }
    let (mut shown, mut rest): (Vec<_>, Vec<_>) = findings
        .into_iter()
        .partition(|finding| finding.standing != Standing::Excess);
    if rest.len() <= EXCESS_SHOWN {
        shown.append(&mut rest);
    }
    let rest = (!rest.is_empty()).then(|| {
        view! {
            <details class="more">
                <summary>{format!("{} not needed", rest.len())}</summary>
                {chips(&rest)}
            </details>
        }
    });
    view! {
        {chips(&shown)}
        {rest}
    }
    .into_any()
}

fn chips(findings: &[ScopeFinding]) -> impl IntoView + use<> {
    let chips = findings
        .iter()
        .map(|finding| view! { <li>{chip(finding)}</li> })
        .collect_view();
    view! { <ul class="chips" role="list">{chips}</ul> }
}

fn chip(finding: &ScopeFinding) -> impl IntoView + use<> {
    let (class, before, after) = match finding.standing {
        Standing::Granted => ("chip", "", ""),
        Standing::Missing => ("chip missing", "", " missing"),
        Standing::Excess => ("chip excess", "+ ", ""),
        Standing::Unknown => ("chip unknown", "", " ?"),
    };
    let standing = match finding.standing {
        Standing::Granted => "granted",
        Standing::Missing => "missing",
        Standing::Excess => "not needed",
        Standing::Unknown => "may or may not be granted",
    };
    let story = match finding.evidence {
        Evidence::Unknown => standing.to_owned(),
        Evidence::Declared | Evidence::Probed => format!("{standing}, {}", finding.evidence.words()),
    };
    let spoken = format!(" ({story})");
    view! {
        <span class=class title=story>
            {before}
            {finding.scope.to_string()}
            {after}
            <span class="unseen">{spoken}</span>
        </span>
    }
}

/// Scopes by name alone.
#[component]
pub(crate) fn ScopeNames(scopes: Vec<Scope>) -> impl IntoView {
    scopes
        .into_iter()
        .map(|scope| view! { <code class="chip">{scope.to_string()}</code> " " })
        .collect_view()
}
