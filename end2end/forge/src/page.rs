//! The forge's web pages: plain HTML that reads well to people, to screen readers and to a browser test.

use axum::response::Html;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:0 auto;padding:1rem}\
header{border-bottom:1px solid;margin-bottom:1rem;padding-bottom:.5rem}label{display:block;margin:.5rem 0 0}\
label.box{margin:0}input[type=text],input[type=password],select{font:inherit;padding:.25rem;min-width:18rem}\
button{font:inherit;margin-top:1rem;padding:.25rem 1rem}fieldset{margin-top:1rem}\
.alert{border:1px solid #b3261e;padding:.5rem}.flash{border:1px solid #1a7f37;padding:.5rem;overflow-wrap:anywhere}";

/// A whole page. `body` is HTML; `title` and `signed_in` (a login) are text.
pub(crate) fn page(title: &str, signed_in: Option<&str>, body: &str) -> Html<String> {
    let title = escape(title);
    let who = signed_in.map_or_else(
        || "<p><a href=\"/login\">Sign in</a></p>".to_owned(),
        |login| {
            let login = escape(login);
            format!(
                "<p>Signed in as <strong>{login}</strong></p>\
                 <form method=\"post\" action=\"/logout\"><button>Sign out</button></form>"
            )
        },
    );
    Html(format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} · forge</title><style>{STYLE}</style></head>\n<body>\
         <header><a href=\"/\">forge</a> – a stand-in for Git providers{who}</header>\n\
         <main><h1>{title}</h1>\n{body}\n</main></body></html>\n"
    ))
}

/// A sentence that a screen reader speaks at once, for what went wrong.
pub(crate) fn alert(text: &str) -> String {
    format!("<p class=\"alert\" role=\"alert\">{}</p>", escape(text))
}

/// Text as it stands in HTML, in an element or in a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
