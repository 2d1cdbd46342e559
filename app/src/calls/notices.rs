//! Notices: what a person does about them, and what an admin chooses.

use crate::AppError;
use domain::{Packed, SecretInput};
use leptos::prelude::*;

/// Notes that the person knows of a notice.
#[server(endpoint = "ui/acknowledge-notice")]
pub(crate) async fn acknowledge_notice(
    #[server(default)] account: String,
    #[server(default)] id: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services.notices.acknowledge(&member, crate::ssr::id(&id)?).await?;
        Ok(crate::reply::Done::new(
            "Acknowledged. Nobody else is told of it.",
            format!("/{account}/notifications"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(crate::state::NO_FORM, result, &[]))
}

/// Puts a notice off for some days.
#[server(endpoint = "ui/snooze-notice")]
pub(crate) async fn snooze_notice(
    #[server(default)] account: String,
    #[server(default)] id: String,
    #[server(default)] days: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let number = days.parse().unwrap_or_default();
        services.notices.snooze(&member, crate::ssr::id(&id)?, number).await?;
        Ok(crate::reply::Done::new(
            format!("Put off for {}.", crate::ssr::pages::notices::days(number)),
            format!("/{account}/notifications"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::notices::SNOOZE_FORM,
        result,
        &[("days", &days)],
    ))
}

/// Notes that the person wants to hear nothing of a runtime, or, with `again`, takes that back.
#[server(endpoint = "ui/mute-runtime")]
pub(crate) async fn mute_runtime(
    #[server(default)] account: String,
    #[server(default)] runtime: String,
    #[server(default)] again: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let runtime = crate::ssr::id(&runtime)?;
        let message = if again.is_empty() {
            services.notices.mute(&member, runtime).await?;
            "Muted. The list of your tokens still shows what does not work."
        } else {
            services.notices.unmute(&member, runtime).await?;
            "You hear of this runtime again."
        };
        Ok(crate::reply::Done::new(message, format!("/{account}/notifications")))
    }
    .await;
    Ok(crate::ssr::finish(crate::state::NO_FORM, result, &[]))
}

/// Asks the holders of the chosen tokens to look after them. `back` is the query of the page as it is shown.
#[server(endpoint = "ui/remind-holders")]
pub(crate) async fn remind_holders(
    #[server(default)] account: String,
    #[server(default)] chosen: Vec<String>,
    #[server(default)] back: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let chosen = crate::ssr::sheets::expiring::chosen(&chosen)?;
        let message = match services.notices.remind(&member, &chosen).await? {
            0 => "Nobody was reminded: the holders were told today, or the tokens are gone.".to_owned(),
            1 => "1 person was reminded.".to_owned(),
            many => format!("{many} people were reminded."),
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

/// Keeps when people are told.
#[server(endpoint = "ui/save-notice-times")]
pub(crate) async fn save_notice_times(
    #[server(default)] account: String,
    #[server(default)] leads: String,
    #[server(default)] escalate_days: String,
    #[server(default)] digest_hour: String,
) -> Result<Packed, AppError> {
    let form = backend::notices::SettingsForm {
        leads,
        escalate_days,
        digest_hour,
    };
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services.notices.put_settings(&member, &form).await?;
        Ok(crate::reply::Done::new("Saved.", format!("/{account}/admin/settings")))
    }
    .await;
    let values = [
        ("leads", form.leads.as_str()),
        ("escalate_days", form.escalate_days.as_str()),
        ("digest_hour", form.digest_hour.as_str()),
    ];
    Ok(crate::ssr::finish(
        crate::ssr::sheets::settings::TIMES_FORM,
        result,
        &values,
    ))
}

/// Sets up the mail server, or changes it.
#[server(endpoint = "ui/save-mail-server")]
pub(crate) async fn save_mail_server(
    #[server(default)] account: String,
    #[server(default)] host: String,
    #[server(default)] port: String,
    #[server(default)] protection: String,
    #[server(default)] username: String,
    #[server(default)] password: SecretInput,
    #[server(default)] from: String,
) -> Result<Packed, AppError> {
    let form = backend::notices::MailForm {
        host: host.clone(),
        port: port.clone(),
        protection: protection.clone(),
        username: username.clone(),
        password,
        from: from.clone(),
    };
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services.notices.put_mail(&member, form).await?;
        Ok(crate::reply::Done::new(
            "Mail server saved. Send a test mail to see whether it takes mails.",
            format!("/{account}/admin/settings"),
        ))
    }
    .await;
    let values = [
        ("host", host.as_str()),
        ("port", port.as_str()),
        ("protection", protection.as_str()),
        ("username", username.as_str()),
        ("from", from.as_str()),
    ];
    Ok(crate::ssr::finish(
        crate::ssr::sheets::settings::MAIL_FORM,
        result,
        &values,
    ))
}

/// Adds a webhook. Its signing secret is in the answer, this once.
#[server(endpoint = "ui/add-webhook")]
pub(crate) async fn add_webhook(
    #[server(default)] account: String,
    #[server(default)] name: String,
    #[server(default)] address: String,
) -> Result<Packed, AppError> {
    let form = backend::notices::WebhookForm { name, address };
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let made = services.notices.add_webhook(&member, &form).await?;
        let secret = secrecy::ExposeSecret::expose_secret(&made.secret);
        Ok(crate::reply::Done::caution(
            format!("Webhook added. Its signing secret, which is shown this once: {secret}"),
            format!("/{account}/admin/settings"),
        ))
    }
    .await;
    let values = [("name", form.name.as_str()), ("address", form.address.as_str())];
    Ok(crate::ssr::finish(
        crate::ssr::sheets::settings::WEBHOOK_FORM,
        result,
        &values,
    ))
}

/// Adds an address that takes messages as Slack does.
#[server(endpoint = "ui/add-slack")]
pub(crate) async fn add_slack(
    #[server(default)] account: String,
    #[server(default)] name: String,
    #[server(default)] secret: SecretInput,
) -> Result<Packed, AppError> {
    let form = backend::notices::SlackForm { name, address: secret };
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services.notices.add_slack(&member, &form).await?;
        Ok(crate::reply::Done::new(
            "Chat added.",
            format!("/{account}/admin/settings"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::settings::SLACK_FORM,
        result,
        &[("name", &form.name)],
    ))
}

/// Deletes a channel, with what waits for it.
#[server(endpoint = "ui/delete-channel")]
pub(crate) async fn delete_channel(
    #[server(default)] account: String,
    #[server(default)] id: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services.notices.delete_channel(&member, crate::ssr::id(&id)?).await?;
        Ok(crate::reply::Done::new(
            "Deleted. Nothing goes out there any more.",
            format!("/{account}/admin/settings"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(
        crate::ssr::sheets::settings::DELETE_FORM,
        result,
        &[],
    ))
}

/// Switches a channel on again.
#[server(endpoint = "ui/enable-channel")]
pub(crate) async fn enable_channel(
    #[server(default)] account: String,
    #[server(default)] id: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        services.notices.enable_channel(&member, crate::ssr::id(&id)?).await?;
        Ok(crate::reply::Done::new(
            "Switched on. What was given up meanwhile can be sent again.",
            format!("/{account}/admin/settings"),
        ))
    }
    .await;
    Ok(crate::ssr::finish(crate::state::NO_FORM, result, &[]))
}

/// Sends a test over a channel, and says what came of it.
#[server(endpoint = "ui/test-channel")]
pub(crate) async fn test_channel(
    #[server(default)] account: String,
    #[server(default)] id: String,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let answer = services.notices.test_channel(&member, crate::ssr::id(&id)?).await?;
        let words = format!("{} ({} ms)", answer.words, answer.elapsed_ms);
        let page = format!("/{account}/admin/settings");
        Ok(if answer.taken {
            crate::reply::Done::new(words, page)
        } else {
            crate::reply::Done::caution(words, page)
        })
    }
    .await;
    Ok(crate::ssr::finish(crate::state::NO_FORM, result, &[]))
}

/// Sends again what was given up.
#[server(endpoint = "ui/send-again")]
pub(crate) async fn send_again(
    #[server(default)] account: String,
    #[server(default)] chosen: Vec<String>,
) -> Result<Packed, AppError> {
    let result = async {
        let (services, member) = crate::ssr::member(&account).await?;
        let mut count = 0;
        for message in &chosen {
            let id = crate::ssr::id(message)?;
            count += services.notices.send_again(&member, Some(id)).await?;
        }
        let page = format!("/{account}/admin/settings");
        Ok(match count {
            0 => crate::reply::Done::caution(
                "Nothing is sent again: nothing was chosen, or its channel is off.",
                page,
            ),
            1 => crate::reply::Done::new("1 message is sent again within a minute.", page),
            many => crate::reply::Done::new(format!("{many} messages are sent again within a minute."), page),
        })
    }
    .await;
    Ok(crate::ssr::finish(crate::state::NO_FORM, result, &[]))
}
