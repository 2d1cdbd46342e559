//! The panel at the side, and the dialog that asks before something is deleted: what the server makes of an address, shown.
//!
//! Both are part of the address (`?add=…`), so that back, reload and sharing work. Rendered as an open `<dialog>`, they
//! also show without JavaScript; in the browser they become modal, which keeps the focus inside and the page behind out.

mod git_provider;
mod parts;
mod token;

pub(crate) use self::parts::parts;
use super::{
    form::{FormProblem, PostForm, Submit, hidden},
    icon::{Icon, icon_of},
};
use crate::{
    AppError, dom,
    flash::News,
    load::{Answer, nothing},
    paths,
    place::{Place, own_query},
    platform,
    state::{AppState, app_state},
};
use domain::sheet::{Action, Part, Sheet};
use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};

/// The sheet that the address asks for. Another address hides it at once: what belongs to an older one is never shown.
#[component]
pub(crate) fn Sheets(place: Memo<Place>) -> impl IntoView {
    let state = app_state();
    let location = use_location();
    let (search, pathname) = (location.search, location.pathname);
    let wanted = Memo::new(move |_| place.read().sheet(&search.read()));
    let first = wanted
        .get_untracked()
        .and_then(|ask| Some((state.first_answer(&ask)?, ask)));
    let answered = first.is_some();
    let shown = RwSignal::new(match first {
        Some((Ok(sheet), ask)) if !sheet.is_none() => Some((ask, sheet)),
        _ => None,
    });
    // Counts the addresses, so that a late answer finds that one has gone on.
    let turn = StoredValue::new(0_u32);
    let navigate = use_navigate();
    Effect::new(move |before: Option<()>| {
        let ask = wanted.get();
        if before.is_none() && answered {
            return;
        }
        turn.update_value(|turn| *turn += 1);
        shown.set(None);
        let Some(ask) = ask else { return };
        let mine = turn.get_value();
        let navigate = navigate.clone();
        spawn_local(async move {
            let answer = platform::answer(ask.clone()).await;
            if turn.try_get_value() != Some(mine) {
                return;
            }
            match answer {
                Ok(sheet) if !sheet.is_none() => shown.set(Some((ask, sheet))),
                answer => fail(state, answer, || {
                    let behind = behind(&pathname.read_untracked(), &search.read_untracked());
                    navigate(&behind, in_place(true));
                }),
            }
        });
    });
    move || {
        let wanted = wanted.get();
        let shown = shown.get().filter(|(ask, _)| wanted.as_ref() == Some(ask));
        match shown.and_then(|(_, sheet)| sheet.open()) {
            Some(sheet) => view! { <Dialog sheet/> }.into_any(),
            None => nothing(),
        }
    }
}

/// Says why there is no sheet, and goes back to the address without it, so that it can be asked for again.
fn fail(state: AppState, answer: Answer, go_back: impl FnOnce()) {
    let error = match answer {
        Err(AppError::NotSignedIn) => return platform::redirect(&paths::sign_in(&dom::here())),
        Err(error) => error,
        Ok(_) => AppError::NotFound,
    };
    go_back();
    state.notice.set(Some(News::Failed(error)));
}

/// The address of a page without the sheet that is open over it.
fn behind(path: &str, query: &str) -> String {
    let query = own_query(query);
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

fn in_place(replace: bool) -> NavigateOptions {
    NavigateOptions {
        replace,
        scroll: false,
        ..NavigateOptions::default()
    }
}

/// A modal dialog with a form: its parts, and below them *Cancel* and the button that sends it.
#[component]
fn Dialog(sheet: Sheet) -> impl IntoView {
    let Sheet {
        deletion,
        title,
        below,
        action,
        form,
        hidden: fields,
        opener,
        submit,
        lead: (above, first),
        parts: inside,
    } = sheet;
    let (modal, button) = match (deletion, &first) {
        (true, _) => ("dialog", "button danger"),
        // Only one thing is what one comes for.
        (false, Some(first)) if first.primary => ("panel", "button"),
        (false, _) => ("panel", "button primary"),
    };
    let dialog = NodeRef::<html::Dialog>::new();
    let state = app_state();
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            // Registered here, since only effects are the browser's alone: the server cleans up too, without a document.
            let opener = opener.clone();
            on_cleanup(move || state.give_focus_back_to(opener));
            // It is open from the server, which makes it no modal one. Only a modal one is closed by Escape.
            let _ = dialog.remove_attribute("open");
            let _ = dialog.show_modal();
        }
    });
    // The page behind, as it is shown.
    let location = use_location();
    let close = behind(&location.pathname.read_untracked(), &location.search.read_untracked());
    let navigate = use_navigate();
    let go_to = close.clone();
    let on_cancel = move |event: ev::Event| {
        event.prevent_default();
        navigate(&go_to, in_place(false));
    };
    // What is only read is scrolled by the keyboard where nothing in it takes the focus, and there is nothing to cancel.
    let is_field = |part: &Part| matches!(part, Part::Field(_) | Part::Select(..));
    let is_read = inside.iter().any(|part| matches!(part, Part::Facts(..))) && !inside.iter().any(is_field);
    let (scrolled, region, called) = if is_read {
        (Some("0"), Some("region"), Some("dialog-title"))
    } else {
        (None, None, None)
    };
    let below = below.map(|(mark, text)| view! { <span class="provider">{icon_of("mark", &mark)} {text}</span> });
    view! {
        <dialog class=modal open aria-labelledby="dialog-title" node_ref=dialog on:cancel=on_cancel>
            <header>
                <div class="stack">
                    // Where no field asks for the focus, the heading has it.
                    <h2 id="dialog-title" tabindex="-1" autofocus=deletion>{title}</h2>
                    {below}
                </div>
                <a class="button quiet icon-only" href=close.clone() data-noscroll="" aria-label="Close">
                    <Icon name="close"/>
                </a>
            </header>
            {(!above.is_empty() || first.is_some()).then(|| lead(above, first))}
            <PostForm action id=form class="panel-form">
                <div class="panel-body" tabindex=scrolled role=region aria-labelledby=called>{parts(inside)} {hidden(fields)}</div>
                <footer>
                    <a class="button" href=close data-noscroll="">
                        {if submit.is_none() || is_read { "Close" } else { "Cancel" }}
                    </a>
                    {submit.map(|(label, busy)| view! { <Submit label busy class=button/> })}
                </footer>
            </PostForm>
        </dialog>
    }
}

/// What stands above the form, with a form of its own: so that the Enter key in a field below does not send that one.
fn lead(above: Vec<Part>, first: Option<Action>) -> AnyView {
    let first = first.map(
        |Action {
             id,
             label,
             primary,
             to,
             post,
             ..
         }| {
            let (busy, fields) = post.unwrap_or_default();
            let class = if primary { "button primary wide" } else { "button wide" };
            view! {
                <PostForm action=to id="lead" class="form">
                    <FormProblem/>
                    {hidden(fields)}
                    <Submit label busy class id/>
                </PostForm>
            }
        },
    );
    view! { <div class="lead">{parts(above)} {first}</div> }.into_any()
}
