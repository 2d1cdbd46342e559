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
