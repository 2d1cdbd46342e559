//! What a sheet holds.

use super::{git_provider::git_provider, token::token};
use crate::components::{
    bits::bit,
    copy::Address,
    form::{FormProblem, FormState, checks, deaf, select_field, text_field},
    icon::Icon,
    notice::Notice,
    words::{each, words},
};
use domain::{page::Bit, sheet::Part};
use leptos::prelude::*;

/// The parts, in order. Fields must be made inside their form.
pub(crate) fn parts(parts: Vec<Part>) -> AnyView {
    each(parts, part)
}

fn part(part: Part) -> AnyView {
    match part {
        Part::Text(text) => view! { <p>{words(&text)}</p> }.into_any(),
        Part::Sub(text) => view! { <p class="sub">{words(&text)}</p> }.into_any(),
        Part::Notice(tone, text) => view! { <Notice tone><p>{words(&text)}</p></Notice> }.into_any(),
        Part::Problem(generate) => view! { <FormProblem generate/> }.into_any(),
        Part::Field(field) => text_field(field),
        Part::Token(field, kind) => token(field, kind),
        Part::Select(field, options) => select_field(field, options, deaf()),
        Part::Checks(legend, boxes) => checks(legend, boxes),
        Part::GitProvider(kind, kinds, fields) => git_provider(kind, kinds, fields),
        Part::Disabled(label, reason) => disabled(label, reason),
        Part::Details(title, open, inside) => details(title, open, inside),
        Part::Steps(title, open, text, remark) => steps(title, open, text, remark),
        Part::Address(what, address) => view! {
            <div class="form-row">
                <b>{what.clone()}</b>
                <Address address what/>
            </div>
        }
        .into_any(),
        Part::Facts(title, facts) => view! {
            <section>
                {(!title.is_empty()).then(|| view! { <h3>{title}</h3> })}
                <dl class="facts">{each(facts, fact)}</dl>
            </section>
        }
        .into_any(),
    }
}

/// What is known of a thing.
fn fact((what, how): (String, Vec<Bit>)) -> AnyView {
    view! {
        <div>
            <dt>{what}</dt>
            <dd>{each(how, bit)}</dd>
        </div>
    }
    .into_any()
}

/// What can be folded away. What was refused is shown, wherever it stands.
fn details(title: String, open: bool, inside: Vec<Part>) -> AnyView {
    let open = open || expect_context::<FormState>().was_refused();
    view! {
        <details open=open>
            <summary>{title}</summary>
            <div class="details-body">{parts(inside)}</div>
        </details>
    }
    .into_any()
}

/// A button that cannot be pressed, with the reason.
fn disabled(label: String, reason: String) -> AnyView {
    view! {
        <div>
            <button class="button wide" type="button" aria-disabled="true" aria-describedby="disabled-reason">
                {label}
            </button>
            <p class="hint" id="disabled-reason">{words(&reason)}</p>
        </div>
    }
    .into_any()
}

/// What to do elsewhere, with the page where one begins, in words and address.
fn steps(title: String, (label, address): (String, String), steps: Vec<String>, remark: String) -> AnyView {
    let steps = steps.iter().map(|step| view! { <li>{words(step)}</li> }).collect_view();
    view! {
        <section class="box" aria-labelledby="steps-title">
            <div class="box-head">
                <h3 id="steps-title">{title}</h3>
                <a class="button" href=address target="_blank" rel="noopener noreferrer">
                    {label}
                    <Icon name="out"/>
                    <span class="unseen">" (opens in a new tab)"</span>
                </a>
            </div>
            <ol class="steps">{steps}</ol>
            <p class="hint">{words(&remark)}</p>
        </section>
    }
    .into_any()
}
