//! What operators copy from `.deploy` agrees with what the program does: names of settings, paths, ports; and systemd takes
//! the units. The proxies run in `tests/browser/proxies.test.mjs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use meeting::config::{Config, Given, Key};

fn deploy(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(".deploy")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `Key=value` lines of a unit; a key may stand several times.
fn unit(file: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in deploy(file)
        .lines()
        .filter(|line| !line.starts_with(['#', '[']))
    {
        if let Some((key, value)) = line.split_once('=') {
            found
                .entry(key.to_owned())
                .or_default()
                .push(value.to_owned());
        }
    }
    found
}

/// Every `MEETING_NAME` of a text with what follows it in the line.
fn variables(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
    {
        let Some(at) = line.find("MEETING_") else {
            continue;
        };
        let rest = &line[at..];
        let end = rest.find(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
        let (name, value) = rest.split_at(end.unwrap_or(rest.len()));
        let value = value
            .trim_start_matches([':', '=', ' '])
            .trim_end_matches([' ', '\\']);
        found.push((name.to_owned(), value.trim_matches('"').to_owned()));
    }
    found
}

/// The configuration that these variables come to; each of them is a setting.
fn config(variables: &[(String, String)]) -> Config {
    let known: Vec<String> = Key::ALL.into_iter().map(Key::variable).collect();
    for (name, _) in variables {
        assert!(known.contains(name), "{name} is no setting");
    }
    let find = |name: &str| {
        let of_name = variables.iter().rfind(|(known, _)| known == name);
        of_name.map(|(_, value)| value.into())
    };
    Config::load(Given::new(), find).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_unit_names_what_the_program_knows() {
    let service = unit("systemd/meeting.service");
    let one = |key: &str| service[key].last().unwrap().clone();
    let mut set = variables(&service["Environment"].join("\n"));
    let file = set
        .iter()
        .position(|(name, _)| *name == Key::Config.variable());
    let (_, file) = set.remove(file.unwrap());
    assert_eq!(file, "/etc/meeting/meeting.toml");
    let config = config(&set);
    let data = Path::new("/var/lib").join(one("StateDirectory"));
    assert_eq!(config.storage.data_dir, data);
    assert!(config.auth.secret_file.starts_with(&data));
    assert!(
        config
            .storage
            .database_url
            .to_string()
            .contains(data.to_str().unwrap())
    );
    assert_eq!(one("ExecStart"), "/usr/bin/meeting serve");
    // What the socket listens on takes the place of --listen; in the package's settings both are the same.
    let socket = unit("systemd/meeting.socket");
    assert_eq!(socket["ListenStream"], [config.listen.address.to_string()]);
    let files: u64 = one("LimitNOFILE").parse().unwrap();
    assert!(files > config.listen.max_sockets.get() as u64 * 2);
}

#[test]
fn the_packages_settings_are_settings_also_with_their_examples() {
    let text = deploy("debian/meeting.toml");
    let examples: Vec<&str> = text
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|line| line.contains(" = "))
                .unwrap_or(line)
        })
        .collect();
    for text in [text.clone(), examples.join("\n")] {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let given = Given::from([(Key::Config, vec![file.path().display().to_string()])]);
        let config = Config::load(given, |_| None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.media.port, 20_000);
    }
}

#[test]
fn the_container_agrees_with_its_compose_file() {
    let file = deploy("container/Dockerfile");
    let compose = deploy("container/compose.yaml");
    let mut set = variables(&file);
    let image = config(&set);
    set.extend(variables(&compose));
    let whole = config(&set);
    let data = image.storage.data_dir.display().to_string();
    assert!(file.contains(&format!("\nVOLUME {data}\n")), "{data}");
    assert!(compose.contains(&format!("- data:{data}\n")), "{data}");
    let (listen, media) = (image.listen.address, image.media.port);
    assert!(listen.ip().is_unspecified());
    assert!(file.contains(&format!(
        "\nEXPOSE {}/tcp {media}/udp {media}/tcp\n",
        listen.port()
    )));
    for protocol in ["udp", "tcp"] {
        assert!(
            compose.contains(&format!("- \"{media}:{media}/{protocol}\"")),
            "{protocol}"
        );
    }
    assert!(compose.contains(&format!("--to meeting:{}\n", listen.port())));
    let networks = &whole.listen.trusted_proxies;
    assert!(
        compose.contains(&format!("- subnet: {}\n", networks[0])),
        "{networks:?}"
    );
    // The last stage has the program of the first one and nothing else of it but an empty folder.
    let (_, last) = file.rsplit_once("\nFROM ").unwrap();
    assert_eq!(last.matches("COPY --from=build").count(), 2);
    assert!(last.contains("ENTRYPOINT [\"/usr/bin/meeting\"]\nCMD [\"serve\"]"));
    assert!(!compose.contains('\t'), "YAML has no tabs");
}

#[test]
fn a_domains_sockets_are_named_as_the_program_knows_them() {
    let (page, redirect) = (
        unit("systemd/domain.conf"),
        unit("systemd/meeting-http.socket"),
    );
    // The first line takes away what meeting.socket has.
    assert_eq!(page["ListenStream"], ["", "443"]);
    assert_eq!(page["FileDescriptorName"], ["https"]);
    assert_eq!(redirect["FileDescriptorName"], ["http"]);
    assert_eq!(redirect["Service"], ["meeting.service"]);
    let given = Given::from([(Key::Domain, vec!["meet.example.org".to_owned()])]);
    let config = Config::load(given, |_| None).unwrap();
    let ports = [
        config.listen.address.port(),
        config.tls.redirect.unwrap().port,
    ];
    assert_eq!(ports, [443, 80]);
    assert_eq!(redirect["ListenStream"], ["80"]);
}

/// The units as they would be installed, for this build's program and a domain.
fn installed(folder: &Path) -> [PathBuf; 3] {
    let of_socket = folder.join("meeting.socket.d");
    fs::create_dir(&of_socket).unwrap();
    fs::write(of_socket.join("domain.conf"), deploy("systemd/domain.conf")).unwrap();
    ["meeting.service", "meeting.socket", "meeting-http.socket"].map(|name| {
        let text = deploy(&format!("systemd/{name}"));
        let text = text.replace("/usr/bin/meeting", env!("CARGO_BIN_EXE_meeting"));
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    })
}

#[test]
fn systemd_takes_the_units_and_finds_them_hardened() {
    let folder = tempfile::tempdir().unwrap();
    let units = installed(folder.path());
    let verify = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .args(&units)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verify.stderr);
    assert!(verify.status.success() && said.is_empty(), "{said}");
    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(&units[0])
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&security.stdout);
    println!("{table}");
    let level = table
        .lines()
        .find_map(|line| line.split_once("Overall exposure level for meeting.service: "));
    let level: f32 = level.unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert!(level <= 2.0, "{level}");
}
