//! Webhooks as in the Standard Webhooks specification 1.0.0, and messages as Slack's incoming webhooks take them.

use super::outbox::Refused;
use crate::{
    egress::{Egress, Request, WriteFailure},
    random::{self, Random},
    store::{OutgoingMessage, ToldNotice},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{NoticeMessageId, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderName, HeaderValue, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fmt::Write as _;
use url::Url;
use zeroize::Zeroizing;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// How many notices a chat message names.
const NAMED: usize = 10;

/// A new signing secret, in the specification's form.
pub(super) fn new_secret(random: &dyn Random) -> SecretString {
    let bytes = Zeroizing::new(random::array::<32>(random));
    format!("{PREFIX}{}", BASE64_STANDARD.encode(bytes.as_slice())).into()
}

/// The `webhook-id` of a message: the same however often it is sent.
pub(super) fn id(message: NoticeMessageId) -> String {
    format!("msg_{}", message.0.simple())
}

/// The signature of `id.timestamp.body`; `None` if the secret is not one.
fn signature(secret: &SecretString, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let key = secret.expose_secret().strip_prefix(PREFIX)?;
    let key = Zeroizing::new(BASE64_STANDARD.decode(key).ok()?);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

/// What a webhook sends of a notice. The same at every try.
pub(super) fn body(message: &OutgoingMessage, public_url: &Url) -> Vec<u8> {
    let link = link(public_url, &message.slug);
    let first = message.notices.first();
    let kind = first.map_or("notice", |told| told.condition.kind.as_str());
    json!({
        "type": format!("notice.{kind}"),
        "timestamp": message.created_at.rfc3339(),
        "data": first.map_or(Value::Null, |told| data(told, &message.slug, &link)),
    })
    .to_string()
    .into_bytes()
}

fn data(told: &ToldNotice, account: &str, link: &str) -> Value {
    json!({
        "id": told.id,
        "account": account,
        "message": told.sentence,
        "token": told.token,
        "runtime": told.runtime,
        "holder": told.holder,
        "lead_days": (told.condition.lead > 0).then_some(told.condition.lead),
        "ends_at": told.condition.ends.map(Timestamp::rfc3339),
        "link": link,
    })
}

/// What the button *Test* sends.
pub(super) fn test_body(account: &str, now: Timestamp) -> Vec<u8> {
    json!({
        "type": "test",
        "timestamp": now.rfc3339(),
        "data": { "account": account, "message": "This is a test from Patchbay." },
    })
    .to_string()
    .into_bytes()
}

/// Where the notices of an account stand.
pub(super) fn link(public_url: &Url, slug: &str) -> String {
    format!("{public_url}{slug}/notifications")
}

/// Sends a signed request.
pub(super) async fn send(
    egress: &Egress,
    address: &str,
    secret: Option<&SecretString>,
    (id, now): (&str, Timestamp),
    body: Vec<u8>,
) -> Result<u16, Refused> {
    let broken = || Refused::Ever("The webhook is not set up in full. Delete it and add it again.".to_owned());
    let timestamp = now.as_millis() / 1000;
    let signature = secret.and_then(|secret| signature(secret, id, timestamp, &body));
    let (Ok(url), Some(signature)) = (address.parse::<Url>(), signature) else {
        return Err(broken());
    };
    let mut request = Request::new(url);
    for (name, value) in [
        ("content-type", "application/json"),
        ("webhook-id", id),
        ("webhook-timestamp", &timestamp.to_string()),
        ("webhook-signature", &signature),
    ] {
        let value = HeaderValue::from_str(value).map_err(|_| broken())?;
        request = request.header(HeaderName::from_static(name), value);
    }
    judged(egress.post(request.body(body)).await.map(|answer| answer.status))
}

/// What a chat is told: short, and with a link.
pub(super) fn slack_text(message: &OutgoingMessage, public_url: &Url) -> String {
    let mut text = match message.count {
        1 => format!("Patchbay, {}:", escaped(&message.account_name)),
        count => format!("Patchbay, {}: {count} notices", escaped(&message.account_name)),
    };
    for told in message.notices.iter().take(NAMED) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n• {}", escaped(&told.sentence));
    }
    let unnamed = message.count.saturating_sub(NAMED as u64);
    if unnamed > 0 {
        let _ = write!(text, "\nand {unnamed} more");
    }
    let _ = write!(text, "\n<{}|Open in Patchbay>", link(public_url, &message.slug));
    text
}

/// As Slack wants it: three characters stand for markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Sends a text to an address that is itself a secret.
pub(super) async fn send_slack(egress: &Egress, address: Option<&SecretString>, text: &str) -> Result<u16, Refused> {
    let url = address.and_then(|address| address.expose_secret().parse::<Url>().ok());
    let request = url.and_then(|url| Request::new(url).secret_address().json(&json!({ "text": text })).ok());
    let Some(request) = request else {
        return Err(Refused::Ever(
            "The address is not in order. Delete the channel and add it again.".to_owned(),
        ));
    };
    judged(egress.post(request).await.map(|answer| answer.status))
}

/// What an answer means: 2xx is success, 410 ends it for good, anything else may pass.
fn judged(answer: Result<StatusCode, WriteFailure>) -> Result<u16, Refused> {
    match answer {
        Ok(status) if status.is_success() => Ok(status.as_u16()),
        Ok(StatusCode::GONE) => Err(Refused::Gone(
            "It answered with 410 Gone, so the channel was switched off.".to_owned(),
        )),
        Ok(status) => Err(Refused::Now(format!("It answered with {status}."))),
        Err(failure) => Err(Refused::Now(format!("Not delivered: {}.", failure.trouble.words()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
        let signed = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signed.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }

    #[test]
    fn what_is_not_a_secret_signs_nothing() {
        for bad in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_???"] {
            assert_eq!(signature(&bad.into(), "msg_1", 1, b"x"), None, "{bad}");
        }
    }

    #[test]
    fn a_name_cannot_smuggle_markup_into_a_chat() {
        assert_eq!(
            escaped("<!channel> & <http://x|y>"),
            "&lt;!channel&gt; &amp; &lt;http://x|y&gt;"
        );
    }

    #[test]
    fn an_answer_is_read_as_the_specification_has_it() {
        assert_eq!(judged(Ok(StatusCode::NO_CONTENT)), Ok(204));
        assert!(matches!(judged(Ok(StatusCode::GONE)), Err(Refused::Gone(_))));
        for status in [
            StatusCode::FOUND,
            StatusCode::NOT_FOUND,
            StatusCode::SERVICE_UNAVAILABLE,
        ] {
            assert!(matches!(judged(Ok(status)), Err(Refused::Now(_))));
        }
    }
}
