//! A PostgreSQL cluster of the tests' own: in a temporary folder, on a socket in it, started with the first test that needs
//! it and stopped when the test process ends, however it ends.

use sea_orm::{ConnectionTrait as _, Database};
use std::{
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
    "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
        -c full_page_writes=off -c max_connections=400 >"$2/log" 2>&1 </dev/null &
    server=$!
    cat >/dev/null
    kill -INT "$server"
    wait "$server"
    rm -rf "$2"
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
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    admin.close().await.unwrap();
    cluster.url(&name)
}

impl Cluster {
    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.socket_folder.display())
    }
}

async fn start() -> Cluster {
    let bin = bin();
    let folder = tempfile::Builder::new().prefix("patchbay-pg-").tempdir().unwrap().keep();
    // The server's user, which is not ours when we are root, makes its files in here.
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let initdb = as_server_user(&bin.join("initdb"))
        .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D"])
        .arg(folder.join("data"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(initdb.success(), "initdb failed");
    let watch = as_server_user(Path::new("sh"))
        .args(["-c", WATCH, "watch"])
        .arg(&bin)
        .arg(&folder)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let cluster = Cluster { socket_folder: folder, _watch: watch };
    for _ in 0..300 {
        if let Ok(connection) = Database::connect(cluster.url("postgres")).await {
            connection.close().await.unwrap();
            return cluster;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("PostgreSQL did not start within 15 s; its log is in {}", cluster.socket_folder.join("log").display());
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
    debian.pop().unwrap_or_else(|| panic!("PostgreSQL is needed for this test: set {BIN} to the folder with initdb"))
}

/// PostgreSQL refuses to run as root, so root lends it the user of Debian's package, or nobody.
fn as_server_user(program: &Path) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !root {
        return Command::new(program);
    }
    let exists = |user: &str| Command::new("id").arg(user).output().is_ok_and(|id| id.status.success());
    let user = if exists("postgres") { "postgres" } else { "nobody" };
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={user}"), &format!("--regid={}", group(user)), "--clear-groups"]).arg(program);
    command.current_dir("/");
    command
}

fn group(user: &str) -> String {
    let id = Command::new("id").args(["-g", user]).output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim().to_owned()
}
