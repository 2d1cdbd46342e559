//! Light, dark, or as the system prefers.

use super::icon::Icon;
use crate::{calls::access::SetTheme, dom, platform, state::app_state, theme::Theme};
use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};

/// The switch: a form of three buttons, which in the browser also act at once.
#[component]
pub(crate) fn ThemeSwitch() -> impl IntoView {
    let theme = app_state().theme;
    let choose = move |choice: Theme| {
        theme.set(choice);
        dom::show_theme(choice.as_str());
        spawn_local(async move {
            // Should it not arrive, the choice holds until the next load.
            let _ = platform::post(SetTheme::url(), format!("theme={}", choice.as_str())).await;
        });
    };
    let buttons = Theme::ALL.map(|choice| {
        let (icon, label) = match choice {
            Theme::System => ("screen", "Theme of the system"),
            Theme::Light => ("sun", "Light theme"),
            Theme::Dark => ("moon", "Dark theme"),
        };
        view! {
            <button
                name="theme"
                value=choice.as_str()
                title=label
                aria-label=label
                aria-pressed=move || if theme.get() == choice { "true" } else { "false" }
                on:click=move |event| {
                    event.prevent_default();
                    choose(choice);
                }
            >
                <Icon name=icon/>
            </button>
        }
    });
    view! {
        <form action=SetTheme::url() method="post">
            <div class="theme" role="group" aria-label="Theme">
                {buttons.into_iter().collect_view()}
            </div>
        </form>
    }
    // Erased, as it stands deep in both shells: the compiler has a limit for how deep the type of a view is.
    .into_any()
}
