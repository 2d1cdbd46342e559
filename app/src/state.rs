//! What outlives a page: the notice, the theme, and the wish to load anew.

use crate::{
    AppError, dom,
    flash::{FirstLoad, Flash, News},
    load::{Answer, Ask},
    theme::Theme,
};
use leptos::prelude::*;

/// The app's own state, provided as context to every page.
#[derive(Clone, Copy)]
pub(crate) struct AppState {
    /// What is said above the page.
    pub(crate) notice: RwSignal<Option<News>>,
    /// What the form before this page left, until one goes on to another page.
    flash: StoredValue<Option<Flash>>,
    /// What the server answered before it rendered, until it is shown.
    answers: StoredValue<Vec<(Ask, Answer)>>,
    /// The theme.
    pub(crate) theme: RwSignal<Theme>,
    /// The ids of the controls that the focus goes back to: the first that there is.
    focus_back: StoredValue<Option<String>>,
    /// The id of the control that had the focus just before the page was shown anew.
    focus_before: StoredValue<Option<String>>,
    /// Counts what was changed: whatever shows it reads this, and so loads anew.
    pub(crate) changes: RwSignal<u32>,
}

/// Forms with this id have no place of their own for what went wrong, so that it is said above the page.
pub(crate) const NO_FORM: &str = "";

impl AppState {
    /// The state of a page that has just been loaded, where this is asked.
    pub(crate) fn new(first: FirstLoad, asks: Vec<Ask>) -> Self {
        let flash = first.flash;
        let notice = flash.as_ref().and_then(|flash| match &flash.news {
            News::Done(_) | News::Caution(_) | News::Link(..) => Some(flash.news.clone()),
            News::Failed(_) => {
                let homeless = flash.form == NO_FORM || matches!(flash.news, News::Failed(AppError::NotSignedIn));
                homeless.then(|| flash.news.clone())
            }
        });
        Self {
            notice: RwSignal::new(notice),
            flash: StoredValue::new(flash),
            answers: StoredValue::new(asks.into_iter().zip(first.answers).collect()),
            theme: RwSignal::new(first.theme),
            focus_back: StoredValue::new(None),
            focus_before: StoredValue::new(None),
            changes: RwSignal::new(0),
        }
    }

    /// Takes what the server answered before it rendered.
    pub(crate) fn first_answer(self, ask: &Ask) -> Option<Answer> {
        self.answers
            .try_update_value(|answers| {
                let found = answers.iter().position(|(asked, _)| asked == ask)?;
                Some(answers.swap_remove(found).1)
            })
            .flatten()
    }

    /// What is left of the form's last post: its error and what was typed.
    pub(crate) fn left_by(self, form: &str) -> (Option<AppError>, Vec<(String, String)>) {
        self.flash.with_value(|flash| match flash {
            Some(Flash {
                form: id,
                news: News::Failed(error),
                values,
            }) if id == form && form != NO_FORM => (Some(error.clone()), values.clone()),
            _ => (None, Vec::new()),
        })
    }

    /// One goes on to another panel or page: what the last form left is over.
    pub(crate) fn leave_form(self) {
        self.flash.set_value(None);
    }

    /// One goes on to another page: what was said on this one is over.
    pub(crate) fn leave_page(self) {
        self.leave_form();
        self.answers.set_value(Vec::new());
        self.notice.set(None);
        self.focus_back.set_value(None);
    }

    /// Gives the focus to the first control of these that there is, now and again once the page has been loaded anew.
    pub(crate) fn give_focus_back_to(self, ids: String) {
        self.focus_back.set_value(Some(ids.clone()));
        dom::focus_one_of(ids);
    }

    /// Remembers which control has the focus while the page is loaded anew.
    pub(crate) fn remember_focus(self) {
        self.focus_back.set_value(dom::focused_id());
    }

    /// The page is about to be shown anew.
    pub(crate) fn note_focus(self) {
        self.focus_before.set_value(dom::focused_id());
    }

    /// The page was loaded anew: if the control that had the focus went with the old one, its successor gets it, or else
    /// the heading.
    pub(crate) fn settle_focus(self) {
        if let Some(Some(ids)) = self.focus_back.try_update_value(Option::take) {
            dom::focus_if_lost(ids, self.focus_before.get_value());
        }
    }

    /// Has everything that shows an answer ask anew.
    pub(crate) fn reload(self) {
        self.changes.update(|count| *count += 1);
    }
}

/// The state of the app around this component.
pub(crate) fn app_state() -> AppState {
    expect_context()
}
