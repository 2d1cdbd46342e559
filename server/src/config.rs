//! The configuration: one file, then the environment, then flags. Whatever is unknown or contradictory ends the start with a
//! sentence that says what to do.

use crate::cli::Settings;
use backend::{audit::Sink, egress::AllowRule};
use secrecy::SecretString;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use url::Url;

/// Everything the server needs to know.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// Scheme, host and port under which people reach the server; the path is `/`.
    pub(crate) public_url: Url,
    pub(crate) data_dir: PathBuf,
    pub(crate) database_url: SecretString,
    pub(crate) master_key: MasterKeySource,
    pub(crate) egress_allow: Vec<AllowRule>,
    /// Where the audit log goes as it grows, besides the database.
    pub(crate) audit_log: Option<Sink>,
    pub(crate) site_dir: PathBuf,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
}

/// Where the master keys come from.
#[derive(Debug)]
pub(crate) enum MasterKeySource {
    File(PathBuf),
    Environment(SecretString),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Pretty,
    Json,
}

impl Config {
    /// Whether people reach the server by https, so that cookies carry `Secure`.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

/// A configuration that cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConfigError(String);

fn error<T>(message: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError(message.into()))
}

/// `patchbay.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSettings {
    listen: Option<String>,
    public_url: Option<String>,
    allow_plain_http: Option<bool>,
    data_dir: Option<PathBuf>,
    database_url: Option<SecretString>,
    database_url_file: Option<PathBuf>,
    master_key_file: Option<PathBuf>,
    egress_allow: Option<Vec<String>>,
    audit_log: Option<PathBuf>,
    site_dir: Option<PathBuf>,
    log: Option<String>,
    log_format: Option<String>,
}

/// The file that is read when no other is named and this one is there.
const DEFAULT_FILE: &str = "patchbay.toml";

/// What the environment may hold besides what has a flag: the secrets.
const SECRET_VARIABLES: [&str; 2] = ["PATCHBAY_DATABASE_URL", "PATCHBAY_MASTER_KEY"];

/// Puts the configuration together. `environment` holds every variable whose name starts with `PATCHBAY_`; those with a flag
/// have been read into `settings` already.
pub(crate) fn load(settings: Settings, environment: &BTreeMap<String, String>) -> Result<Config, ConfigError> {
    refuse_unknown_variables(environment)?;
    let file = read_file(settings.config.as_deref())?;

    let listen = settings
        .listen
        .or(file.listen)
        .unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let Ok(listen) = listen.parse::<SocketAddr>() else {
        return error(format!(
            "listen is {listen:?}: give an address with a port, as in 127.0.0.1:3000 or [::]:3000."
        ));
    };
    let plain_http = settings.allow_plain_http.or(file.allow_plain_http).unwrap_or(false);
    let public_url = public_url(settings.public_url.or(file.public_url), listen, plain_http)?;
    let data_dir = settings
        .data_dir
        .or(file.data_dir)
        .unwrap_or_else(|| PathBuf::from("data"));

    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let database_url = database_url(
        variable("PATCHBAY_DATABASE_URL").map(|url| SecretString::from(url.as_str())),
        settings.database_url_file,
        (file.database_url, file.database_url_file),
        &data_dir,
    )?;
    let master_key = match (
        variable("PATCHBAY_MASTER_KEY"),
        settings.master_key_file.or(file.master_key_file),
    ) {
        (Some(_), Some(_)) => {
            return error("The master key is given twice, by PATCHBAY_MASTER_KEY and by a file. Keep one of them.");
        }
        (Some(key), None) => MasterKeySource::Environment(SecretString::from(key.as_str())),
        (None, Some(path)) => MasterKeySource::File(path),
        (None, None) => MasterKeySource::File(data_dir.join("master.key")),
    };

    let mut egress_allow = Vec::new();
    for entry in settings.egress_allow.or(file.egress_allow).unwrap_or_default() {
        let entry = entry.trim();
        if !entry.is_empty() {
            egress_allow.push(
                entry
                    .parse()
                    .map_err(|reason| ConfigError(format!("egress_allow: {reason}")))?,
            );
        }
    }
    let log_format = match settings.log_format.or(file.log_format).as_deref() {
        None | Some("pretty") => LogFormat::Pretty,
        Some("json") => LogFormat::Json,
        Some(other) => return error(format!("log_format is {other:?}: give pretty or json.")),
    };
    Ok(Config {
        listen,
        public_url,
        data_dir,
        database_url,
        master_key,
        egress_allow,
        audit_log: settings.audit_log.or(file.audit_log).map(|to| match to.to_str() {
            Some("stdout") => Sink::Stdout,
            _ => Sink::File(to),
        }),
        site_dir: settings.site_dir.or(file.site_dir).unwrap_or_else(default_site_dir),
        log: settings.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
        log_format,
    })
}

/// Every variable of the process whose name starts with `PATCHBAY_`.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars()
        .filter(|(name, _)| name.starts_with("PATCHBAY_"))
        .collect()
}

fn refuse_unknown_variables(environment: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    use clap::CommandFactory as _;
    let command = crate::cli::Cli::command();
    let flags = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str());
    let known: Vec<&str> = flags.chain(SECRET_VARIABLES).collect();
    match environment.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => error(format!(
            "The environment sets {unknown}, which Patchbay does not know. It knows: {}.",
            known.join(", ")
        )),
        None => Ok(()),
    }
}

fn read_file(named: Option<&Path>) -> Result<FileSettings, ConfigError> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(missing) if named.is_none() && missing.kind() == std::io::ErrorKind::NotFound => {
            return Ok(FileSettings::default());
        }
        Err(reason) => return error(format!("{} cannot be read: {reason}.", path.display())),
    };
    // The parser's own message would quote the line, which may hold the database's password.
    toml::from_str(&text).map_err(|reason| {
        let line = reason
            .span()
            .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let at = line.map(|line| format!(", line {line}")).unwrap_or_default();
        ConfigError(format!("{}{at}: {}.", path.display(), reason.message()))
    })
}

fn public_url(given: Option<String>, listen: SocketAddr, plain_http: bool) -> Result<Url, ConfigError> {
    let Some(given) = given else {
        if !listen.ip().is_loopback() {
            return error(format!(
                "The server listens on {listen}, and under which address people reach it is not known. Set \
                 PATCHBAY_PUBLIC_URL, as in https://patchbay.example.com."
            ));
        }
        return Url::parse(&format!("http://{listen}")).map_err(|reason| ConfigError(reason.to_string()));
    };
    let url = match Url::parse(&given) {
        Ok(url) if url.host_str().is_some() && matches!(url.scheme(), "http" | "https") => url,
        _ => {
            return error(format!(
                "public_url is {given:?}: give an address as in https://patchbay.example.com."
            ));
        }
    };
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return error(format!(
            "public_url is {given:?}: give scheme, host and port only. Patchbay needs a host of its own."
        ));
    }
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !loopback && !plain_http {
        return error(format!(
            "public_url is {given:?}: over plain http, passwords and tokens would travel unencrypted. Use https, or set \
             PATCHBAY_ALLOW_PLAIN_HTTP=true if the network between is trusted."
        ));
    }
    Ok(url)
}

fn database_url(
    variable: Option<SecretString>,
    named_file: Option<PathBuf>,
    (in_file, file_in_file): (Option<SecretString>, Option<PathBuf>),
    data_dir: &Path,
) -> Result<SecretString, ConfigError> {
    let twice = "The database's URL is given twice, as it is and by a file. Keep one of them.";
    let source = match ((variable, named_file), (in_file, file_in_file)) {
        ((Some(_), Some(_)), _) | ((None, None), (Some(_), Some(_))) => return error(twice),
        ((Some(url), None), _) | ((None, None), (Some(url), None)) => return Ok(url),
        ((None, Some(path)), _) | ((None, None), (None, Some(path))) => path,
        ((None, None), (None, None)) => {
            return Ok(format!("sqlite://{}?mode=rwc", data_dir.join("patchbay.db").display()).into());
        }
    };
    match std::fs::read_to_string(&source) {
        Ok(url) if !url.trim().is_empty() => Ok(url.trim().into()),
        Ok(_) => error(format!(
            "{} is empty: write the database's URL into it.",
            source.display()
        )),
        Err(reason) => error(format!("{} cannot be read: {reason}.", source.display())),
    }
}

/// `site` beside the binary where one installs it, or `target/site` beside `target/release` where one builds it.
fn default_site_dir() -> PathBuf {
    let folder = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_path_buf))
        .unwrap_or_default();
    let beside = folder.join("site");
    if beside.is_dir() {
        beside
    } else {
        folder.join("../site")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn with_file(text: &str, settings: Settings, variables: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let path = folder.path().join("patchbay.toml");
        std::fs::write(&path, text).map_err(|e| e.to_string())?;
        let environment = variables
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        load(
            Settings {
                config: Some(path),
                ..settings
            },
            &environment,
        )
        .map_err(|e| e.to_string())
    }

    fn complaint(text: &str, settings: Settings, variables: &[(&str, &str)]) -> String {
        with_file(text, settings, variables).err().unwrap_or_default()
    }

    #[test]
    fn nothing_set_means_sqlite_on_loopback() {
        let config = with_file("", Settings::default(), &[]).expect("the defaults are sound");
        assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
        assert_eq!(config.public_url.as_str(), "http://127.0.0.1:3000/");
        assert_eq!(
            config.database_url.expose_secret(),
            "sqlite://data/patchbay.db?mode=rwc"
        );
        assert!(!config.is_https());
    }

    #[test]
    fn a_flag_or_variable_wins_over_the_file() {
        let settings = Settings {
            listen: Some("127.0.0.1:4000".into()),
            ..Settings::default()
        };
        let config = with_file("listen = '127.0.0.1:5000'\nlog = 'debug'", settings, &[]).expect("sound");
        assert_eq!(config.listen.port(), 4000);
        assert_eq!(config.log, "debug");
    }

    #[test]
    fn an_unknown_setting_is_named() {
        assert!(complaint("lisen = 'x'", Settings::default(), &[]).contains("lisen"));
        assert!(complaint("", Settings::default(), &[("PATCHBAY_LISTN", "x")]).contains("PATCHBAY_LISTN"));
    }

    #[test]
    fn a_broken_file_is_explained_without_quoting_it() {
        let text = complaint(
            "log = 'info'\ndatabase_url = 'postgres://u:hunter2@h/d",
            Settings::default(),
            &[],
        );
        assert!(text.contains("line 2") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn plain_http_is_refused_except_on_loopback_or_when_told_so() {
        let url = |url: &str| Settings {
            public_url: Some(url.into()),
            ..Settings::default()
        };
        assert!(complaint("", url("http://patchbay.acme.dev"), &[]).contains("unencrypted"));
        assert!(with_file("allow_plain_http = true", url("http://patchbay.acme.dev"), &[]).is_ok());
        assert!(with_file("", url("http://localhost:3000"), &[]).is_ok());
        assert!(with_file("", url("https://patchbay.acme.dev"), &[]).is_ok_and(|config| config.is_https()));
        assert!(complaint("", url("https://acme.dev/patchbay"), &[]).contains("a host of its own"));
    }

    #[test]
    fn listening_to_the_world_needs_a_public_url() {
        let settings = Settings {
            listen: Some("0.0.0.0:3000".into()),
            ..Settings::default()
        };
        assert!(complaint("", settings, &[]).contains("PATCHBAY_PUBLIC_URL"));
    }

    #[test]
    fn a_secret_given_twice_is_refused() {
        let settings = Settings {
            master_key_file: Some("/k".into()),
            ..Settings::default()
        };
        assert!(complaint("", settings, &[("PATCHBAY_MASTER_KEY", "x")]).contains("twice"));
        let settings = Settings {
            database_url_file: Some("/k".into()),
            ..Settings::default()
        };
        assert!(complaint("", settings, &[("PATCHBAY_DATABASE_URL", "x")]).contains("twice"));
    }

    #[test]
    fn the_audit_log_goes_to_a_file_or_to_standard_output() {
        let to = |text| with_file(text, Settings::default(), &[]).map(|config| config.audit_log);
        assert_eq!(to(""), Ok(None));
        assert_eq!(to("audit_log = 'stdout'"), Ok(Some(Sink::Stdout)));
        assert_eq!(
            to("audit_log = '/var/log/patchbay/audit.jsonl'"),
            Ok(Some(Sink::File("/var/log/patchbay/audit.jsonl".into())))
        );
    }

    #[test]
    fn printing_the_configuration_shows_no_secret() {
        let config = with_file(
            "database_url = 'postgres://u:hunter2@h/d'",
            Settings::default(),
            &[("PATCHBAY_MASTER_KEY", "hunter3")],
        );
        let shown = format!("{:?}", config.expect("sound"));
        assert!(!shown.contains("hunter2") && !shown.contains("hunter3"), "{shown}");
    }
}
