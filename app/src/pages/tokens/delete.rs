//! The dialog that asks before a token is deleted.

use crate::{
    calls::tokens::{DELETE_FORM, DeleteToken},
    components::{
        dialog::Modal,
        form::{FormProblem, Hidden, PostForm, Submit},
    },
};
use domain::{ProviderKind, view::TokenRow};
use leptos::{prelude::*, server_fn::ServerFn};

/// The dialog for one runtime's token.
#[component]
pub(super) fn Delete(row: TokenRow, account: String, base: String) -> impl IntoView {
    let TokenRow {
        runtime,
        runtime_name: name,
        provider,
        ..
    } = row;
    let provider_name = provider.kind.name();
    let settings = match provider.kind {
        ProviderKind::GitHub => format!("{}/settings/tokens", provider.base_url.trim_end_matches('/')),
    };
    view! {
        <Modal
            class="dialog"
            focus_heading=true
            title=format!("Delete the token for {name}?")
            close=base.clone()
            opener=format!("delete-{runtime} add-{runtime}")
        >
            <PostForm action=DeleteToken::url() id=DELETE_FORM class="panel-form">
                <div class="panel-body">
                    <FormProblem/>
                    <p>
                        {format!("{name} can no longer act for you. The runtime itself and the tokens of others are not affected.")}
                    </p>
                    <p>
                        {format!("The token itself stays valid at {provider_name}: ")}
                        <a href=settings target="_blank" rel="noopener noreferrer">
                            "revoke it there"
                            <span class="unseen">" (opens in a new tab)"</span>
                        </a> "."
                    </p>
                    <Hidden name="runtime" value=runtime.to_string()/>
                    <Hidden name="account" value=account/>
                </div>
                <footer>
                    <a class="button" href=base data-noscroll="">
                        "Cancel"
                    </a>
                    <Submit label="Delete token" busy="Deleting…" class="button danger"/>
                </footer>
            </PostForm>
        </Modal>
    }
}
