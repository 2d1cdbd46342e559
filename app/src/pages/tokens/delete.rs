//! The dialog that asks before a token is deleted.

use crate::{
    calls::tokens::{DELETE_FORM, DeleteToken},
    components::{
        dialog::{FormKind, FormModal},
        form::FormProblem,
    },
};
use domain::{guide::Guide, view::TokenRow};
use leptos::{prelude::*, server_fn::ServerFn};

/// The dialog for one runtime's token.
#[component]
pub(super) fn Delete(row: TokenRow, guide: Guide, account: String, base: String) -> impl IntoView {
    let TokenRow {
        runtime,
        runtime_name: name,
        provider,
        ..
    } = row;
    let provider_name = provider.kind.name();
    view! {
        <FormModal
            kind=FormKind::Deletion
            title=format!("Delete the token for {name}?")
            close=base
            opener=format!("delete-{runtime} add-{runtime}")
            action=DeleteToken::url()
            id=DELETE_FORM
            hidden=vec![("runtime", runtime.to_string()), ("account", account)]
            submit=Some(("Delete token", "Deleting…".to_owned()))
        >
            <FormProblem/>
            <p>{format!("{name} can no longer act for you. The runtime itself and the tokens of others are not affected.")}</p>
            <p>
                {format!("The token itself stays valid at {provider_name}: ")}
                <a href=guide.tokens_page target="_blank" rel="noopener noreferrer">
                    "revoke it there"
                    <span class="unseen">" (opens in a new tab)"</span>
                </a> "."
            </p>
        </FormModal>
    }
}
