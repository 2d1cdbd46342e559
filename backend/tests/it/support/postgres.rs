//! A PostgreSQL cluster of the tests' own: in a temporary folder, on a socket in it, started with the first test that needs
//! it and stopped when the test process ends, however it ends.

use sea_orm::{ConnectionTrait as _, Database};
use std::{
    ffi::OsString,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::sync::OnceCell;

/// The folder with `initdb` and `postgres`; set by `make test`.
const BIN: &str = "TEST_PG_BIN";

/// PostgreSQL, watched by a shell whose standard input is a pipe from this process: when this process ends, the pipe closes,
/// and the shell stops the cluster and removes its folder. So a killed test run leaves nothing behind.
const WATCH: &str = r#"
    folder=$1
    shift
    "$@" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
        -c full_page_writes=off -c max_connections=400 >"$folder/log" 2>&1 </dev/null &
    server=$!
    cat >/dev/null
    kill -INT "$server"
    wait "$server"
    rm -rf "$folder"
"#;

struct Cluster {
    socket_folder: PathBuf,
    /// Its standard input keeps the cluster alive.
    _watch: Child,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of a new, empty database.
pub(super) async fn new_database() -> String {
    let cluster = CLUSTER.get_or_init(start).await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let admin = Database::connect(cluster.url("postgres")).await.unwrap();
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    admin.close().await.unwrap();
    cluster.url(&name)
}

impl Cluster {
    fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost/{database}?host={}",
            self.socket_folder.display()
        )
    }
}

async fn start() -> Cluster {
    let bin = bin();
    let folder = tempfile::Builder::new()
        .prefix("patchbay-pg-")
        .tempdir()
        .unwrap()
        .keep();
    // The server's user, which is not ours when we are root, makes its files in here.
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let initdb = command(&as_server_user(&bin.join("initdb")))
        .args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--no-sync",
            "-D",
        ])
        .arg(folder.join("data"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(initdb.success(), "initdb failed");
    let watch = Command::new("sh")
        .args(["-c", WATCH, "watch"])
        .arg(&folder)
        .args(as_server_user(&bin.join("postgres")))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let cluster = Cluster {
        socket_folder: folder,
        _watch: watch,
    };
    for _ in 0..300 {
        if let Ok(connection) = Database::connect(cluster.url("postgres")).await {
            connection.close().await.unwrap();
            return cluster;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!(
        "PostgreSQL did not start within 15 s; its log is in {}",
        cluster.socket_folder.join("log").display()
    );
}

fn bin() -> PathBuf {
    if let Ok(folder) = std::env::var(BIN) {
        return folder.into();
    }
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    debian.sort();
    debian
        .pop()
        .unwrap_or_else(|| panic!("PostgreSQL is needed for this test: set {BIN} to the folder with initdb"))
}

fn command(words: &[OsString]) -> Command {
    let mut command = Command::new(&words[0]);
    // The server's user may not be able to read the folder that the tests run in.
    command.args(&words[1..]).current_dir("/");
    command
}

/// The words of a command that runs `program` as a user that PostgreSQL accepts. It refuses root, so root lends it the user of
/// Debian's package, or nobody.
fn as_server_user(program: &Path) -> Vec<OsString> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().unwrap();
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if id(&["-u"]).as_deref() != Some("0") {
        return vec![program.into()];
    }
    let user = if id(&["postgres"]).is_some() {
        "postgres"
    } else {
        "nobody"
    };
    let group = id(&["-g", user]).unwrap();
    vec![
        "setpriv".into(),
        format!("--reuid={user}").into(),
        format!("--regid={group}").into(),
        "--clear-groups".into(),
        program.into(),
    ]
}
