//! The password of the database: where it may stand, and that it is not shown.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn a_database_url_is_printed_without_its_secrets() {
    for (raw, printed) in [
        (
            "mysql://ada:se/cr@et@db:3306/meeting?ssl-key=k",
            "mysql://ada:***@db:3306/meeting",
        ),
        (
            "postgres://db/meeting?password=secret",
            "postgres://db/meeting",
        ),
        ("postgres://ada:se?cr@db/meeting", "postgres://***"),
        ("sqlite:a/b.sqlite", "sqlite:a/b.sqlite"),
    ] {
        let url = DatabaseUrl(raw.to_owned());
        assert_eq!(url.to_string(), printed);
        assert_eq!(format!("{url:?}"), printed);
        assert_eq!(url.reveal(), raw);
    }
    let url = "mysql://ada:hunter2@db/meeting";
    let config = load(&[(Key::DatabaseUrl, &[url])], &[]).unwrap();
    assert!(!format!("{config} {config:?} {}", config.storage.cannot_open()).contains("hunter2"));
    assert_eq!(config.storage.database_url.reveal(), url);
}

#[test]
fn a_password_stands_in_no_file_that_others_can_read() {
    let refusal = |url: &str, mode: u32| {
        let file = file(&format!("database-url = \"{url}\"\n"));
        set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        let path = file.path().to_str().unwrap();
        let loaded = load(&[(Key::Config, &[path])], &[]);
        loaded
            .err()
            .map(|error| error.to_string().replace(path, "FILE"))
    };
    let told = "database-url in FILE: holds a password: others can read or change FILE: run `chmod 600 FILE`, \
                and replace the secret if they may have read it.";
    for with_one in [
        "mysql://ada:hunter2@db/meeting",
        "postgres://ada:hunter2@db/meeting?sslmode=require",
        "postgres://db/meeting?user=ada&password=hunter2",
        "mysql://ada@db/meeting?Password=hunter2",
    ] {
        assert_eq!(
            refusal(with_one, 0o644).as_deref(),
            Some(told),
            "{with_one}"
        );
        assert_eq!(refusal(with_one, 0o640), None, "{with_one}");
    }
    // It names no database, and is known for what it is before that is told.
    let unescaped = "postgres://ada:hun?ter2@db/meeting";
    assert_eq!(refusal(unescaped, 0o644).as_deref(), Some(told));
    for without in [
        "sqlite:a/b.sqlite",
        "mysql://ada@db:3306/meeting",
        "postgres://db/meeting?user=ada",
    ] {
        assert_eq!(refusal(without, 0o644), None, "{without}");
    }
}
