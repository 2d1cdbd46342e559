//! The command line. Settings may stand in a file, in the environment and in flags; a later one of these wins.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Holds an organisation's Git credentials: checks them, stores them encrypted, and warns before they die.
#[derive(Debug, Parser)]
#[command(name = "patchbay", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// What to do; without it, the server starts.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const AFTER_HELP: &str = "\
Every setting may also stand in patchbay.toml, under the name of its flag with underscores. A flag wins over the \
environment, the environment over the file.

Secrets are never taken from the command line: the database's URL comes from PATCHBAY_DATABASE_URL or \
PATCHBAY_DATABASE_URL_FILE, the master key from PATCHBAY_MASTER_KEY_FILE or PATCHBAY_MASTER_KEY.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server (the default)
    Serve,
    /// Bring the database's schema up to date, and end
    Migrate,
    /// Manage the admins of an account
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Manage the accounts
    Account {
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Verify the audit log, or write it to a file
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Check configuration, database, master key and assets, and say what to do about each finding
    Doctor,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Make a person an admin. The password is read from standard input, first line
    Create {
        /// The person's e-mail address
        #[arg(long)]
        email: String,
        /// The person's name
        #[arg(long)]
        name: String,
        /// The account, as it stands in its addresses; needed when there are several
        #[arg(long)]
        account: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Walk the chain of each account and say whether it is whole. Ends with 1 if one is not
    Verify {
        /// The account, as it stands in its addresses [default: all]
        #[arg(long)]
        account: Option<String>,
        /// Compare with this file of JSON lines, exported or streamed before: that also tells whether the log was made anew or cut off
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
    },
    /// Print the audit log of an account, the oldest event first
    Export {
        /// The account, as it stands in its addresses
        #[arg(long)]
        account: String,
        /// What to write it in
        #[arg(long, value_enum, default_value = "jsonl")]
        format: ExportFormat,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One JSON object a line, with everything that the chain is verified by
    Jsonl,
    /// A table for spreadsheets
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make a further account, with somebody who signs in already as its admin
    Create {
        /// The account's name; its addresses are made of it
        #[arg(long)]
        name: String,
        /// The admin's e-mail address
        #[arg(long, value_name = "EMAIL")]
        admin: String,
    },
}

/// The settings as flags and environment give them.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Settings {
    /// Read settings from this file [default: patchbay.toml, if it is there]
    #[arg(long, global = true, env = "PATCHBAY_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Listen on this address and port [default: 127.0.0.1:3000]
    #[arg(long, global = true, env = "PATCHBAY_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// The address under which people reach the server [default: http:// and the listening address, if that is loopback]
    #[arg(long, global = true, env = "PATCHBAY_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Allow a public URL with plain http that is not loopback; sign-in cookies then travel unencrypted
    #[arg(long, global = true, env = "PATCHBAY_ALLOW_PLAIN_HTTP", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) allow_plain_http: Option<bool>,
    /// Keep the database and the master key in this folder [default: ./data]
    #[arg(long, global = true, env = "PATCHBAY_DATA_DIR", value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Read the database's URL from this file [default: SQLite, patchbay.db in the data folder]
    #[arg(long, global = true, env = "PATCHBAY_DATABASE_URL_FILE", value_name = "FILE")]
    pub(crate) database_url_file: Option<PathBuf>,
    /// Read the master keys from this file [default: master.key in the data folder, made at the first start]
    #[arg(long, global = true, env = "PATCHBAY_MASTER_KEY_FILE", value_name = "FILE")]
    pub(crate) master_key_file: Option<PathBuf>,
    /// Let outgoing requests reach these hosts, addresses and networks although private: git.acme.dev, *.acme.dev, 10.0.0.0/8
    #[arg(
        long,
        global = true,
        env = "PATCHBAY_EGRESS_ALLOW",
        value_name = "LIST",
        value_delimiter = ','
    )]
    pub(crate) egress_allow: Option<Vec<String>>,
    /// Also write the audit log here as it grows, as JSON lines: stdout, or a file of its own, which is continued where it ends. Set
    /// it for one of several processes
    #[arg(long, global = true, env = "PATCHBAY_AUDIT_LOG", value_name = "FILE")]
    pub(crate) audit_log: Option<PathBuf>,
    /// Serve the browser's half from this folder [default: site beside the binary, or target/site]
    #[arg(long, global = true, env = "PATCHBAY_SITE_DIR", value_name = "FOLDER")]
    pub(crate) site_dir: Option<PathBuf>,
    /// Which log lines to print, as in info or patchbay=debug,warn [default: info]
    #[arg(long, global = true, env = "PATCHBAY_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// How to print them: pretty or json [default: pretty]
    #[arg(long, global = true, env = "PATCHBAY_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_secret_has_a_flag() {
        let command = Cli::command();
        let flags: Vec<_> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
        assert!(
            !flags.contains(&"database-url") && !flags.contains(&"master-key"),
            "{flags:?}"
        );
    }
}
