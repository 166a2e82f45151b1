//! This machine: settings, folder, database, clock, kernel, ports, and the server that runs on it.

use super::count;
use crate::doctor::Finding;
use crate::doctor::seen::{Answer, Clock, Database, Folder, Kernel, Port, Ports, Seen, Settings};

/// With less, the database soon takes nothing more.
const LITTLE_SPACE: u64 = 256 * 1_024 * 1_024;
/// Tokens and certificates take more than this ill.
const MOST_SKEW_MS: u64 = 30_000;

pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let mut found = settings(&seen.settings);
    found.extend(folder(&seen.folder));
    found.push(database(&seen.database));
    found.push(clock(seen.clock));
    found.extend(kernel(seen.kernel));
    found.extend(ports(&seen.ports, seen.server.is_some()));
    found.push(server(seen.server.as_ref()));
    found
}

fn settings(settings: &Settings) -> Vec<Finding> {
    let check = "settings";
    let mut found = Vec::new();
    let is_public = settings.has_public_url || settings.is_open;
    if settings.is_open && !settings.has_public_url && !settings.speaks_tls {
        found.push(Finding::note(
            check,
            "Other machines reach this server without https, so browsers give their people neither camera nor microphone.",
            "Give the server a name with --domain, or put a proxy with a certificate in front and set --public-url.",
        ));
    }
    if settings.has_public_url && !settings.trusts_proxy && !settings.speaks_tls {
        found.push(Finding::note(
            check,
            "There is a --public-url and no --trusted-proxy: if a proxy stands in front, all people have its address and share \
             its limits.",
            "Name the proxy's address with --trusted-proxy, such as 127.0.0.1.",
        ));
    }
    if is_public && settings.media_is_local {
        found.push(Finding::wrong(
            check,
            "Browsers on other machines are told to send sound and picture to a loopback address, which is their own machine.",
            "Set --media-ip to the address at which other machines reach this one.",
        ));
    } else if settings.has_public_url && settings.media_is_private {
        found.push(Finding::note(
            check,
            "Sound and picture are announced at private addresses alone, so only people of the same network reach them.",
            "Behind NAT set --media-ip to the public address and pass the media port on to this machine.",
        ));
    }
    if let Some(ip) = settings.media_is_elsewhere {
        found.push(Finding::wrong(
            check,
            format!("--media-ip names {ip} behind a slash, which is none of this machine's addresses, so the server does not start."),
            "Name the address there that this machine has in its own network; `ip address` shows it.",
        ));
    }
    if is_public && settings.media_port_is_random {
        found.push(Finding::wrong(
            check,
            "The media port is another one after every start, so that no firewall can let it through.",
            "Set --media-port, such as 20000, and open it for UDP.",
        ));
    }
    if is_public && settings.is_unlimited {
        found.push(Finding::wrong(
            check,
            "--no-rate-limit is on, so anybody may try passwords as often as they like.",
            "Take --no-rate-limit away; it is for tests.",
        ));
    }
    if found.is_empty() {
        found.push(Finding::ok(check, "The settings agree with each other."));
    }
    found
}

fn folder(folder: &Folder) -> Vec<Finding> {
    let (check, path) = ("data", &folder.path);
    let mut found = Vec::new();
    if let Some(why) = &folder.unwritable {
        found.push(Finding::wrong(
            check,
            format!("Nothing can be written in the data folder {path}: {why}."),
            "Give the folder to the user that the server runs as, or name another with --data-dir; run the doctor as that user.",
        ));
    }
    if folder.mode.is_some_and(|mode| mode & 0o002 != 0) {
        found.push(Finding::wrong(
            check,
            format!("Every user of this machine may write in the data folder {path}."),
            format!("chmod 0700 {path}"),
        ));
    }
    for secret in &folder.exposed {
        found.push(Finding::wrong(
            check,
            format!(
                "Others may read or change the secret in {secret}, so the server does not start."
            ),
            format!("chmod 0600 {secret}"),
        ));
    }
    if let Some(free) = folder.free_bytes.filter(|free| *free < LITTLE_SPACE) {
        found.push(Finding::wrong(
            check,
            format!(
                "The data folder's disk has {} MiB left; when it is full, nothing that writes works any more.",
                free / 1_048_576
            ),
            "Make room on this disk.",
        ));
    }
    if found.is_empty() {
        found.push(match folder.mode {
            Some(_) => Finding::ok(check, format!("The data folder {path} can be written.")),
            None => Finding::ok(
                check,
                format!("The data folder {path} is not there yet and can be made."),
            ),
        });
    }
    found
}

fn database(database: &Database) -> Finding {
    let check = "database";
    match database {
        Database::NotMade => Finding::ok(check, "There is no database yet; the server makes it."),
        Database::Reached { missing: 0 } => {
            Finding::ok(check, "The database answers and its schema is current.")
        }
        Database::Reached { missing } => Finding::note(
            check,
            format!(
                "The database answers; {} of its schema not taken yet.",
                match missing {
                    1 => "1 step is".to_owned(),
                    more => format!("{more} steps are"),
                }
            ),
            "Start the server, which takes them, or run `meeting db migrate` after a backup.",
        ),
        Database::Failed(why) => Finding::wrong(
            check,
            format!("The database cannot be used: {why}."),
            "See that it runs, that --database-url names it, and that its user may read and write it.",
        ),
    }
}

fn clock(clock: Clock) -> Finding {
    let check = "clock";
    let far = |ahead: Option<i64>| ahead.filter(|ahead| ahead.unsigned_abs() > MOST_SKEW_MS);
    let remedy = "Let this machine set its clock by itself: timedatectl set-ntp true.";
    if clock.is_in_the_past {
        let sentence = "This machine's clock is before the day on which this version was made, so certificates and tokens are \
                        taken for wrong.";
        return Finding::wrong(check, sentence, remedy);
    }
    if let Some(ahead) = far(clock.folder_ahead_ms) {
        return Finding::wrong(
            check,
            format!(
                "The clock of the data folder's file system and this machine's differ by {} s.",
                ahead.unsigned_abs() / 1_000
            ),
            remedy,
        );
    }
    if let Some(ahead) = far(clock.public_ahead_ms) {
        return Finding::wrong(
            check,
            format!(
                "The clock of the machine at the public address and this machine's differ by {} s.",
                ahead.unsigned_abs() / 1_000
            ),
            "Let both machines set their clocks by themselves: timedatectl set-ntp true.",
        );
    }
    Finding::ok(
        check,
        "The clock agrees with all that it could be compared with.",
    )
}

fn kernel(kernel: Kernel) -> Vec<Finding> {
    let mut found = Vec::new();
    let small = |most: Option<u64>| most.is_some_and(|most| most < kernel.wanted);
    if small(kernel.receive_max) || small(kernel.send_max) {
        found.push(Finding::note(
            "buffers",
            "The kernel allows smaller buffers for the media port than the server asks for, so a burst of pictures loses packets.",
            format!(
                "sysctl -w net.core.rmem_max={0} net.core.wmem_max={0}, and the same in a file of /etc/sysctl.d.",
                kernel.wanted
            ),
        ));
    } else if kernel.receive_max.is_some() {
        found.push(Finding::ok(
            "buffers",
            "The kernel allows the buffers that media asks for.",
        ));
    }
    match kernel.files {
        Some(files) if files < kernel.files_needed => found.push(Finding::note(
            "files",
            format!(
                "This shell may open {files} files, and --max-sockets may need {}.",
                kernel.files_needed
            ),
            "Set LimitNOFILE= of the service (ulimit -Hn of a shell), or lower --max-sockets.",
        )),
        Some(_) => found.push(Finding::ok(
            "files",
            "As many files may be open as --max-sockets needs.",
        )),
        None => {}
    }
    found
}

fn ports(ports: &Ports, is_running: bool) -> Vec<Finding> {
    let media_name = format!("UDP port {}", ports.media_number);
    let listen = port(
        &format!("TCP {}", ports.listen_name),
        &ports.listen,
        is_running,
    );
    let media = port(&media_name, &ports.media, is_running);
    [listen, media].into_iter().flatten().collect()
}

pub(super) fn port(name: &str, port: &Port, is_running: bool) -> Option<Finding> {
    let check = "ports";
    Some(match (port, is_running) {
        (Port::Any, _) => return None,
        // What this user could bind tells nothing about a running server.
        (Port::Taken | Port::Privileged, true) => Finding::ok(
            check,
            format!("{name} is in use, as it should be while the server runs."),
        ),
        (Port::Free, true) => Finding::note(
            check,
            format!(
                "The server runs and {name} is free, so it runs with other settings than these."
            ),
            "Give the doctor the settings of the service: --config, or the variables of its unit.",
        ),
        (Port::Free, false) => Finding::ok(check, format!("{name} is free.")),
        (Port::Taken, false) => Finding::wrong(
            check,
            format!("{name} is taken by another program."),
            "End that program (ss -lntup shows it) or choose another port.",
        ),
        (Port::Privileged, false) => Finding::note(
            check,
            format!("{name} is for root, or for a service with the right to it."),
            "Give the service CAP_NET_BIND_SERVICE, as the unit of the package does, or choose a port from 1024 on.",
        ),
        (Port::NotHere, _) => Finding::wrong(
            check,
            format!("{name} is no address of this machine."),
            "Set --listen to an address of this machine, or to 0.0.0.0 for all of them.",
        ),
        (Port::Failed(why), _) => Finding::wrong(
            check,
            format!("{name} cannot be opened: {why}."),
            "See whether a limit of the service or of the container forbids it.",
        ),
    })
}

fn server(answer: Option<&Answer>) -> Finding {
    let check = "server";
    let Some(answer) = answer else {
        return Finding::note(
            check,
            "No server answers at --listen, so what only a running one shows was not looked at.",
            "Start it and run the doctor again.",
        );
    };
    let Some(version) = &answer.version else {
        return Finding::wrong(
            check,
            format!(
                "Something that is no Meeting answers at --listen, with status {}.",
                answer.status
            ),
            "End that program or choose another port.",
        );
    };
    if answer.reasons.is_empty() {
        return Finding::ok(check, format!("Meeting {version} runs here and is well."));
    }
    Finding::wrong(
        check,
        format!(
            "Meeting {version} runs here and says that {} of it {}: {}",
            count(answer.reasons.len(), "part"),
            if answer.reasons.len() == 1 {
                "is not well"
            } else {
                "are not well"
            },
            answer.reasons.join(" ")
        ),
        "Its log says more; `/healthz` says when it is over.",
    )
}
