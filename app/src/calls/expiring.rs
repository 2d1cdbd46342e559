//! The dashboard *Expiring tokens*.

use crate::AppError;
use domain::Packed;
use leptos::prelude::*;

/// Has the chosen tokens checked soon. `back` is the query of the page as it is shown.
#[server(endpoint = "ui/check-tokens")]
pub(crate) async fn check_tokens(
    #[server(default)] account: String,
    #[server(default)] chosen: Vec<String>,
    #[server(default)] back: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let chosen = chosen
            .iter()
            .map(|token| crate::ssr::id(token))
            .collect::<Result<Vec<_>, _>>()?;
        if chosen.is_empty() {
            return Err(crate::error::Problem::new("No token is ticked.", "Tick those that are to be checked.").into());
        }
        let message = match services.expiring.check_soon(&member, &chosen).await? {
            0 => return Err(AppError::NotFound),
            1 => "1 token is checked as soon as its Git provider takes requests.".to_owned(),
            many => format!("{many} tokens are checked now, a few at a time, as their Git providers take requests."),
        };
        let page = format!("/{account}/admin/expiring");
        Ok(crate::reply::Done::new(
            message,
            crate::ssr::PageQuery::read(&back).at(&page),
        ))
    }
    .await;
    Ok(crate::ssr::finish(crate::state::NO_FORM, result, &[]))
}

/// Makes the admin's link for calendars, and shows it this once.
#[server(endpoint = "ui/make-calendar-link")]
pub(crate) async fn make_calendar_link(#[server(default)] account: String) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let link = services.calendar.make_link(&member).await?;
        Ok(crate::reply::Done::new(
            "Here is the link for your calendar. It is shown this once.",
            format!("/{account}/admin/expiring"),
        )
        .once(secrecy::ExposeSecret::expose_secret(&link)))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::expiring::CALENDAR_FORM,
        result,
        &[],
    ))
}

/// Removes that link.
#[server(endpoint = "ui/remove-calendar-link")]
pub(crate) async fn remove_calendar_link(#[server(default)] account: String) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services.calendar.remove_link(&member).await?;
        Ok(crate::reply::Done::new(
            "The calendar's link leads nowhere any more.",
            format!("/{account}/admin/expiring"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(crate::state::NO_FORM, result, &[]))
}
